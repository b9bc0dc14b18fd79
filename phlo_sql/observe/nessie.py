"""Nessie's refs: which there are, and the commit that each stands at. Reads only."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ICEBERG = "/iceberg"
_TIMEOUT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A branch or tag of the whole catalog."""

    name: str
    kind: str
    hash: str


def api_of(properties: Mapping[str, str]) -> str | None:
    """Nessie's own API beside the Iceberg REST address of a catalog; None for other catalogs."""
    parts = urlsplit(properties.get("uri", ""))
    base, found, _ = parts.path.partition(_ICEBERG)
    if parts.scheme not in ("http", "https") or not found:
        return None
    return f"{parts.scheme}://{parts.netloc}{base}/api/v2"


def refs(properties: Mapping[str, str]) -> tuple[Ref, ...]:
    """Every branch and tag, page by page (Nessie API v2, `GET /trees`).

    Raises PhloSqlError(NO_REFS, SERVER_DOWN, NOT_AUTHENTICATED).
    """
    import requests

    api = api_of(properties)
    if api is None:
        raise PhloSqlError(
            Code.NO_REFS,
            "the catalog has no refs: it is not a Nessie catalog",
            "leave the ref out",
        )
    token = properties.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found: list[Ref] = []
    page: str | None = None
    while True:
        query = {"page-token": page} if page else {}
        try:
            answer = requests.get(f"{api}/trees", params=query, headers=headers, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise _down(api) from error
        if answer.status_code in (401, 403):
            raise PhloSqlError(
                Code.NOT_AUTHENTICATED, f"Nessie at {api} refuses the token", "set NESSIE_TOKEN"
            )
        if not answer.ok:
            raise _down(api)
        document = answer.json()
        found += [
            Ref(name=each["name"], kind=each["type"].lower(), hash=each["hash"])
            for each in document["references"]
        ]
        page = document.get("token")
        if not document.get("hasMore") or not page:
            return tuple(found)


def require_ref(properties: Mapping[str, str], name: str) -> Ref:
    """The ref of this name. Raises PhloSqlError(UNKNOWN_REF) with near names."""
    present = {ref.name: ref for ref in refs(properties)}
    if name in present:
        return present[name]
    near = difflib.get_close_matches(name, present, n=3)
    raise PhloSqlError(
        Code.UNKNOWN_REF,
        f"ref {name} does not exist in Nessie",
        f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(present)}",
    )


def _down(api: str) -> PhloSqlError:
    return PhloSqlError(
        Code.SERVER_DOWN, f"Nessie does not answer at {api}", "check NESSIE_URI and that it runs"
    )
