"""Handing the policies to whoever enforces them in Trino, wherever that is set up.

A bundle or a rules file is replaced whole: its reader sees the old one or the new one.
"""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from phlo_sql.access import bundle, rules_file
from phlo_sql.config import mask_uris
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings

BUNDLE_NAME = "bundle.tar.gz"
_HTTP_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where it went, what to know about it, and where it could not go."""

    places: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def everywhere(settings: Settings, grants: Sequence[Grant], revision: str) -> Published:
    """Publish to every place that the settings name. A failure is told, never raised: the
    policies are stored by then."""
    places: list[str] = []
    warnings: list[str] = []
    failures: list[str] = []
    for place, send in (
        (settings.access_opa_bundle, to_opa),
        (settings.access_rules_file, to_file),
    ):
        if place.value:
            try:
                warnings += send(settings, grants, revision, place.value)
                places.append(shown(place.value))
            except PhloSqlError as error:
                failures.append(error.problem)
    return Published(places=tuple(places), warnings=tuple(warnings), failures=tuple(failures))


def to_opa(
    settings: Settings, grants: Sequence[Grant], revision: str, place: str, opa: str | None = None
) -> tuple[str, ...]:
    """Put OPA's bundle there: a file or folder, `s3://bucket/key`, or a URL that takes PUT.

    `opa` names the program that looks at it first. Raises PhloSqlError(NOT_PUBLISHED).
    """
    made = bundle.build(grants, revision, settings)
    if opa is not None:
        bundle.check(made, opa)
    scheme = urlsplit(place).scheme
    if scheme == "s3":
        _to_s3(settings, place, made.archive())
    elif scheme in ("http", "https"):
        _to_url(place, made.archive())
    else:
        path = Path(urlsplit(place).path if scheme == "file" else place)
        write_whole(path / BUNDLE_NAME if path.is_dir() else path, made.archive())
    return ()


def to_file(
    settings: Settings, grants: Sequence[Grant], revision: str, place: str
) -> tuple[str, ...]:
    """Write Trino's rules file. The warnings name what it cannot hold back.

    Raises PhloSqlError(NOT_PUBLISHED).
    """
    del revision  # the file has no place for one
    made = rules_file.build(grants, settings)
    write_whole(Path(place), made.text.encode())
    return made.warnings


def write_whole(path: Path, content: bytes) -> None:
    """Beside its place and moved there. Readable for all: a server of another user reads it, and
    it holds no secret. Raises PhloSqlError(NOT_PUBLISHED)."""
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            Path(beside).chmod(0o644)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _failed(
            str(path), error.strerror or str(error), "see that it can be written"
        ) from error


def _to_s3(settings: Settings, place: str, content: bytes) -> None:
    import obstore
    from obstore.store import S3Store

    parts = urlsplit(place)
    named = {
        "endpoint": settings.s3_endpoint.value,
        "access_key_id": settings.s3_access_key.value,
        "secret_access_key": settings.s3_secret_key.value.reveal(),
        "session_token": settings.s3_session_token.value.reveal(),
        "region": settings.s3_region.value,
    }
    options = {name: value for name, value in named.items() if value}
    try:
        store = S3Store(
            parts.netloc,
            config=options,  # type: ignore[arg-type]  # its TypedDict, built by name
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_HTTP_SECONDS)},
            client_options={"allow_http": True, "timeout": f"{_HTTP_SECONDS}s"},
        )
        obstore.put(store, parts.path.lstrip("/"), content)
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise _failed(place, text, "check S3_ENDPOINT, the keys and the bucket") from error


def _to_url(place: str, content: bytes) -> None:
    import urllib.error
    import urllib.request

    headers = {"Content-Type": "application/gzip"}
    parts = urlsplit(place)
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(  # noqa: S310 - http and https only, by the caller
        place, data=content, method="PUT", headers=headers
    )
    try:
        urllib.request.urlopen(request, timeout=_HTTP_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        with error:
            raise _failed(place, f"HTTP {error.code}", "name a URL that takes PUT") from error
    except OSError as error:
        raise _failed(place, str(error), "see that the address answers") from error


def shown(place: str) -> str:
    """A place without what may be secret in it: its login, and the signature of its query."""
    return mask_uris(place.partition("?")[0])


def _failed(place: str, why: str, hint: str) -> PhloSqlError:
    return PhloSqlError(
        Code.NOT_PUBLISHED,
        f"the policies are stored, but could not be published to {shown(place)}: {why}",
        f"{hint}; then run `phlo-sql access publish`",
    )
