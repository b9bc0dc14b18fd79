"""In place or by copy, for each partition, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phlo_sql.compile.migrate_reading import witness
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.migration import NULL_PARTITION, Chosen

if TYPE_CHECKING:
    from phlo_sql.model.migration import Migration, SourcePartition, SourceTable

_PLAIN = re.compile(r"[A-Za-z0-9 _.+()&,;-]+")
"""Values of folder names that `add_files_from_table` takes as they are (483): all else it refuses,
or stores without decoding."""
IN_PLACE = "the files are read where they are: nothing in them needs to change"
_NAMED = 3


def choose(source: SourceTable, intent: Migration, location: str) -> tuple[Chosen, ...]:
    """A mode for each partition; `location` is where the table's own files go.

    Raises PhloSqlError(NOT_MIGRATABLE) where a source can't be brought over as it was asked for,
    PERMISSION_DENIED where it could not be read.
    """
    if source.kind.left_alone:
        _refuse(
            f"{source.name} is left alone: {source.why_left_alone or source.kind.value}",
            "name Hive tables, or files",
        )
    if source.refused:
        raise PhloSqlError(
            Code.PERMISSION_DENIED,
            source.refused,
            "see that it can be read from here, or leave the table out with --table",
        )
    if gone := [each.location for each in source.partitions if each.missing]:
        _refuse(
            f"{len(gone)} partitions have no folder any more: {', '.join(gone[:_NAMED])}",
            "drop them where they are registered, or bring the folders back",
        )
    whole = _whole(source, intent, location)
    found = tuple(_chosen(source, each, intent, whole, location) for each in source.partitions)
    if intent.mode == "in-place" and (kept := [each for each in found if each.mode == "copy"]):
        where = f"{kept[0].partition.raw}: " if kept[0].partition.raw else ""
        more = f" (and {len(kept) - 1} more partitions)" if len(kept) > 1 else ""
        _refuse(
            f"it can't be taken in place: {where}{kept[0].reason}{more}",
            "use --mode auto, which copies what can't stay where it is, or --mode copy",
        )
    return found


def _whole(source: SourceTable, intent: Migration, location: str) -> str | None:
    """Why no file of the table can stay where it is."""
    if _is_local(source.location):
        return (
            "Trino names local files local://… in metadata, which no other reader of Iceberg opens"
        )
    if _scheme(source.location) != _scheme(location):
        return (
            f"the target's catalog keeps its tables on {_scheme(location)}, and need not be able "
            f"to read {_scheme(source.location)}"
        )
    if intent.partition_by is not None:
        return "--partition-by asks for partitions that the files are not laid out in"
    if source.partitioned and source.chosen_files:
        return "a glob takes some files of the folders, and in place goes by whole folders"
    if source.partitioned and witness(source) is None:
        return "none of its columns has a type that partitions can be taken in place with"
    return None


def _chosen(
    source: SourceTable,
    partition: SourcePartition,
    intent: Migration,
    whole: str | None,
    location: str,
) -> Chosen:
    reason = (
        whole
        or partition.doubt
        or _columns_doubt(source, partition)
        or _place(source, partition, location)
    )
    if intent.mode == "copy":
        return Chosen(partition=partition, mode="copy", reason="--mode copy asks for it")
    if reason is None:
        return Chosen(partition=partition, mode="in-place", reason=IN_PLACE)
    return Chosen(partition=partition, mode="copy", reason=reason)


def _columns_doubt(source: SourceTable, partition: SourcePartition) -> str | None:
    """Of a source whose reader did not look into each file: the whole column is in doubt."""
    if any(file.rows is not None for file in partition.files):
        return None
    return next((f"column {c.name}: {c.doubt}" for c in source.columns if c.doubt), None)


def _place(source: SourceTable, partition: SourcePartition, location: str) -> str | None:
    if partition.format != source.format:
        return f"its files are {partition.format}, the table's {source.format}"
    if partition.custom_location and _scheme(partition.location) != _scheme(location):
        return f"it lies on another storage than the target, at {partition.location}"
    for segment in partition.raw.split("/") if partition.raw else ():
        value = segment.partition("=")[2]
        if value != NULL_PARTITION and not _PLAIN.fullmatch(value):
            return f"the folder name {segment!r} has letters that in place are not read right"
    return None


def _is_local(location: str) -> bool:
    return _scheme(location) == "file"


def _scheme(location: str) -> str:
    found = location.partition("://")[0] if "://" in location else "file"
    found = "file" if location.startswith("file:") or found == "local" else found
    return "s3" if found in ("s3a", "s3n") else found


def _refuse(problem: str, hint: str) -> None:
    raise PhloSqlError(Code.NOT_MIGRATABLE, problem, hint)
