"""Whether a table is alone with its files: no other table lies in its location, around it, or
reads a file of it. What can't be told apart is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.compile.orphans import folder, normal, refuse_unsafe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROVIDER = "write.location-provider.impl"
_ELSEWHERE = (
    "write.data.path",
    "write.metadata.path",
    "write.object-storage.path",
    "write.folder-storage.path",
)
_NAMED = 3


class Other(NamedTuple):
    name: str
    location: str


def refuse_locations(location: str, others: Iterable[Other]) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION) for one location shared, within, or around."""
    home = folder(location)
    for other in others:
        theirs = folder(other.location)
        if theirs == home:
            refuse_unsafe(
                f"{other.name} has the same location, {location}: its files can't be told apart",
                "one of the two was made by register_table: drop it with unregister_table, or "
                "copy the table",
            )
        if theirs.startswith(home):
            refuse_unsafe(
                f"{other.name} lies within the location: {other.location}",
                "Trino would look for orphans among its files too: move one of the two tables",
            )
        if home.startswith(theirs):
            refuse_unsafe(
                f"the table lies within the location of {other.name}: {other.location}",
                "its files may be that table's: move one of the two tables",
            )


def refuse_provider(properties: Mapping[str, str]) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION) for a location provider of one's own."""
    if _PROVIDER in properties:
        refuse_unsafe(
            f"the table has a location provider of its own, {properties[_PROVIDER]}: nobody but "
            "that code knows where its files are",
            "Trino refuses such tables too",
        )


def told_elsewhere(location: str, properties: Mapping[str, str]) -> tuple[str, ...]:
    """Warnings: places of files that Trino's procedure never looks at."""
    home = folder(location)
    return tuple(
        f"{name} = {properties[name]} is outside of the location: orphans there stay"
        for name in _ELSEWHERE
        if name in properties and not folder(properties[name]).startswith(home)
    )


def refuse_outside(files: pa.Table, location: str) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION) for files to delete that lie outside of the location:
    `add_files` takes files where they are, and they may be somebody else's."""
    inside = pc.starts_with(normal(files["path"]), folder(location))
    outside = files.filter(pc.invert(inside))["path"].to_pylist()
    if outside:
        named = ", ".join(outside[:_NAMED]) + (" …" if len(outside) > _NAMED else "")
        refuse_unsafe(
            f"{len(outside):,} files to delete lie outside of the table's location: {named}",
            "they came by add_files or another path property and may be somebody else's",
            outside,
        )


def refuse_read_by(name: str, reads: pa.Table, files: pa.Table) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION) where another table reads a file that is to go."""
    value_set = normal(reads["path"]).combine_chunks()
    shared = files.filter(pc.is_in(normal(files["path"]), value_set=value_set))["path"].to_pylist()
    if shared:
        named = ", ".join(shared[:_NAMED]) + (" …" if len(shared) > _NAMED else "")
        refuse_unsafe(
            f"{name} reads {len(shared):,} files that are to go: {named}",
            "it took them over by add_files or register_table: copy its data first",
            shared,
        )
