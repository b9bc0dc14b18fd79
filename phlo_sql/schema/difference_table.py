"""What separates two tables besides their fields, from format version to properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.schema.terms import partition_texts, sort_texts
from phlo_sql.schema.verdict import Difference, Effect, What

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from phlo_sql.schema.model import PartitionTerm, Path, TableSchema


def of_table(
    left: TableSchema, right: TableSchema, spoken: Container[str]
) -> tuple[Difference, ...]:
    """The differences in what both sides speak of."""
    found: list[Difference] = []
    if left.format_version != right.format_version and "properties" in spoken:
        found.append(_format(left, right))
    if "comment" in spoken and (left.comment or None) != (right.comment or None):
        found.append(
            _plain(What.TABLE_COMMENT, left.comment, right.comment, "a comment is for people")
        )
    if "partitioning" in spoken:
        found += _partitioning(left, right)
    if "sort" in spoken:
        found += _sorting(left, right)
    if "properties" in spoken:
        found += _properties(left, right)
    return tuple(found)


def _plain(what: What, old: str | None, new: str | None, why: str, path: Path = ()) -> Difference:
    return Difference(what=what, path=path, old=old, new=new, effect=Effect.COMPATIBLE, why=why)


def _format(left: TableSchema, right: TableSchema) -> Difference:
    down = right.format_version < left.format_version
    return Difference(
        what=What.FORMAT,
        old=str(left.format_version),
        new=str(right.format_version),
        effect=Effect.IMPOSSIBLE if down else Effect.READERS,
        why="Iceberg has no way back to an older format"
        if down
        else "engines that do not know the newer format can no longer read the table",
        instead="copy the table with CREATE TABLE AS" if down else "",
    )


def _partitioning(left: TableSchema, right: TableSchema) -> list[Difference]:
    if _terms(left.partitioning) == _terms(right.partitioning):
        return []
    return [
        _plain(
            What.PARTITIONING,
            ", ".join(partition_texts(left)) or None,
            ", ".join(partition_texts(right)) or None,
            "files that are there keep their partitions; what is written from now on has the new",
        )
    ]


def _terms(terms: tuple[PartitionTerm, ...]) -> list[tuple[int, str]]:
    return [(each.source, each.transform) for each in terms]


def _sorting(left: TableSchema, right: TableSchema) -> list[Difference]:
    if left.sort == right.sort:
        return []
    return [
        _plain(
            What.SORT,
            ", ".join(sort_texts(left)) or None,
            ", ".join(sort_texts(right)) or None,
            "it orders rows in files that are written from now on",
        )
    ]


def _properties(left: TableSchema, right: TableSchema) -> Iterator[Difference]:
    for name in sorted({*left.properties, *right.properties}):
        old, new = left.properties.get(name), right.properties.get(name)
        if old != new:
            yield _plain(What.PROPERTY, old, new, "it steers how files are written", (name,))
