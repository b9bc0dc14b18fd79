"""Partitioning and sort order as Trino's table properties write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phlo_sql.schema import spelling
from phlo_sql.schema.model import paths

if TYPE_CHECKING:
    from phlo_sql.schema.model import Path, SortTerm, TableSchema


PARTITION_HINT = "write region, day(ts), bucket(id, 16), truncate(name, 4)"
_TRANSFORM = re.compile(
    r"\s*(?:(?P<word>year|month|day|hour|bucket|truncate|void)\s*(?P<open>\())?"
    r'\s*(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^\s(),"]+))'
    r"\s*(?:,\s*(?P<width>[1-9]\d*)\s*)?(?P<close>\))?\s*\Z",
    re.IGNORECASE,
)


def read_partition(text: str) -> tuple[str, str] | None:
    """A column and Iceberg's transform (`bucket[16]`) out of Trino's spelling; None for what Trino
    would not read either (`PartitionFields`)."""
    match = _TRANSFORM.match(text)
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    transform = match["word"].lower() if match["word"] else "identity"
    if bool(match["width"]) != (transform in ("bucket", "truncate")):
        return None
    quoted = match["quoted"]
    name = quoted.replace('""', '"') if quoted else match["plain"].lower()
    return name, f"{transform}[{match['width']}]" if match["width"] else transform


def partition_texts(schema: TableSchema) -> list[str]:
    """Partitioning as Trino's `partitioning` property has it."""
    places = paths(schema)
    return [
        _partition(spelling_of(places[each.source]), each.transform) for each in schema.partitioning
    ]


def _partition(name: str, transform: str) -> str:
    if transform == "identity":
        return name
    word, _, width = transform.removesuffix("]").partition("[")
    return f"{word}({name}, {width})" if width else f"{word}({name})"


def sort_texts(schema: TableSchema) -> list[str]:
    """Sort order as Trino's `sorted_by` property has it."""
    places = paths(schema)
    return [_sort(spelling_of(places[each.source]), each) for each in schema.sort]


def _sort(name: str, term: SortTerm) -> str:
    shown = name if term.transform == "identity" else _partition(name, term.transform)
    direction = "DESC" if term.descending else "ASC"
    return f"{shown} {direction} NULLS {'FIRST' if term.nulls_first else 'LAST'}"


def spelling_of(path: Path) -> str:
    """A source column as Trino's own properties write it: quoted where it is no plain name."""
    name = ".".join(path)
    plain = name.replace("_", "a").isalnum() and name.isascii() and not name[:1].isdigit()
    return name if plain and name == name.lower() else spelling.quoted(name)
