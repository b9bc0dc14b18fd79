"""Nessie's tables on every ref, and the metadata that each commit of a ref gave a table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.nessie import api_of, refs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ICEBERG = "ICEBERG_TABLE"
_TIMEOUT = 30
_ASKING = 8
_TRIES = 5
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A table on a ref. `id` is Nessie's: the same on every ref that the table came to."""

    ref: str
    name: str
    id: str
    metadata_location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A commit of a ref that gave a table its metadata."""

    ref: str
    hash: str
    id: str
    name: str
    metadata_location: str
    at: datetime


class _RefGoneError(Exception):
    """A ref that was listed is not there any more."""


def tables(properties: Mapping[str, str]) -> tuple[Content, ...]:
    """Every Iceberg table on every branch and tag, under any name. Raises PhloSqlError."""
    found = _of_each(properties, lambda ref: tuple(_entries(properties, ref)))
    return tuple(each for part in found.values() for each in part)


def histories(properties: Mapping[str, str]) -> dict[str, tuple[Put, ...]]:
    """By ref: table metadata put by its commits, the newest first. All of them: what a table was
    at some moment may stem from a commit of any age. Raises PhloSqlError."""
    return _of_each(properties, lambda ref: history(properties, ref))


def _of_each(properties: Mapping[str, str], ask: Callable[[str], T]) -> dict[str, T]:
    """What is asked of each ref. Where one goes meanwhile, all are listed and asked anew: it may
    have come back under another name."""
    for _ in range(_TRIES):
        names = [ref.name for ref in refs(properties)]
        with suppress(_RefGoneError), ThreadPoolExecutor(_ASKING) as pool:
            return dict(zip(names, pool.map(ask, names), strict=True))
    raise PhloSqlError(
        Code.STALE_PLAN,
        f"refs came and went while they were read, {_TRIES} times",
        "run the command again when fewer do",
    )


def _entries(properties: Mapping[str, str], ref: str) -> Iterator[Content]:
    path = f"trees/{quote(ref, safe='')}/entries"
    for document in _pages(properties, path, {"content": "true"}):
        for entry in document["entries"]:
            content = entry.get("content") or {}
            if entry.get("type") == _ICEBERG:
                yield Content(
                    ref=ref,
                    name=".".join(entry["name"]["elements"]),
                    id=str(content["id"]),
                    metadata_location=str(content["metadataLocation"]),
                )


def history(properties: Mapping[str, str], ref: str) -> tuple[Put, ...]:
    """The same, of one ref."""
    found: list[Put] = []
    for document in _pages(properties, f"trees/{quote(ref, safe='')}/history", {"fetch": "ALL"}):
        for entry in document["logEntries"]:
            found += _puts(ref, entry)
    return tuple(found)


def _puts(ref: str, entry: Mapping[str, Any]) -> Iterator[Put]:
    meta = entry["commitMeta"]
    for operation in entry.get("operations") or ():
        content = operation.get("content") or {}
        if operation.get("type") == "PUT" and content.get("type") == _ICEBERG:
            yield Put(
                ref=ref,
                hash=str(meta["hash"]),
                id=str(content["id"]),
                name=".".join(operation["key"]["elements"]),
                metadata_location=str(content["metadataLocation"]),
                at=datetime.fromisoformat(str(meta["commitTime"]).replace("Z", "+00:00")),
            )


def _pages(
    properties: Mapping[str, str], path: str, query: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    import requests

    api = api_of(properties)
    token = properties.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    page: str | None = None
    while True:
        asked = {**query, **({"page-token": page} if page else {})}
        try:
            answer = requests.get(f"{api}/{path}", params=asked, headers=headers, timeout=_TIMEOUT)
            if answer.status_code == HTTPStatus.NOT_FOUND:
                raise _RefGoneError(path)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise PhloSqlError(
                Code.SERVER_DOWN,
                f"Nessie does not tell {path}: {str(error).splitlines()[0][:200]}",
                "check NESSIE_URI and the token; without all refs nothing can be deleted safely",
            ) from error
        document = answer.json()
        yield document
        page = document.get("token")
        if not document.get("hasMore") or not page:
            return
