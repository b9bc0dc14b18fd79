"""Which files Trino's `remove_orphan_files` deletes, and whether each of them is dead.

Trino compares file *names* (476: names of data files below `data/`, of all others below
`metadata/`; 483: all names below the whole location). Here its choice is followed exactly, and then
every chosen path is held, whole, against the whole paths of all that is alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.compile.reachable import (
    DATA,
    DELETES,
    MANIFEST,
    MANIFEST_LIST,
    METADATA,
    SCHEMA,
    STATISTICS,
)
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Collection

WHOLE_LOCATION = 477
"""First that scans all of the location (source of 477's `remove_orphan_files`)."""
_HINT = "version-hint.text"
_NAMED = 3
_EASY = timedelta(hours=1)
"""A plan whose outcome holds that long may have the round retention that was asked for."""
_APART = timedelta(seconds=30)
"""How long a plan must hold, at least, to be run."""
OTHER = "other file"
LISTED = pa.schema([*SCHEMA, pa.field("modified", pa.timestamp("us", "UTC"))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """`files`: path (as listed) · size · kind · modified. `retention` is what Trino is to be told;
    `holds` how long this choice stays the same (None: for good)."""

    files: pa.Table
    retention: timedelta
    holds: timedelta | None
    spared: tuple[str, ...] = ()
    """Paths that nothing references, but that are too young."""
    oldest_spared: datetime | None = None


def normal(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Equal files as equal text: `s3a` and `s3n` are `s3`, local paths begin with `file:///`, and
    slashes are single."""
    found = pc.replace_substring_regex(paths, r"^s3[an]://", "s3://")
    found = pc.replace_substring_regex(found, r"^(?:file|local):/*", "/")
    found = pc.replace_substring_regex(found, r"([^:/])//+", r"\1/")
    return pc.replace_substring_regex(found, r"^/+", "file:///")


def folder(location: str) -> str:
    """A location as what all normal paths in it begin with."""
    text = normal(pa.chunked_array([[location]], pa.string()))[0].as_py()
    return str(text).rstrip("/") + "/"


def _names(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    try:  # a third of what an expression costs
        return pc.list_element(pc.split_pattern(paths, "/", max_splits=1, reverse=True), 1)
    except pa.ArrowInvalid:  # one of them has no slash
        return pc.replace_substring_regex(paths, r"^.*/", "")


def _among(values: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_in(values, value_set=others.combine_chunks())


def orphans(
    listing: pa.Table,
    known: pa.Table,
    live: pa.Table,
    *,
    location: str,
    version: int,
    now: datetime,
    older_than: timedelta,
    exact: bool = False,
    gone: pa.Table | None = None,
) -> Orphans:
    """What the procedure deletes of a listing.

    `known`: what the metadata that Trino is given reaches. `live`: what must stay, `known` and
    more; both with columns path, kind. `gone` is deleted by an earlier step. `exact`: take
    `older_than` as it is. Raises PhloSqlError(UNSAFE_DELETION) where a chosen file is alive.
    """
    unnamed = _unnamed(listing, known, location, version)
    if gone is not None and gone.num_rows:
        unnamed = unnamed.filter(pc.invert(_among(normal(unnamed["path"]), normal(gone["path"]))))
    retention, holds = (older_than, None) if exact else _retention(unnamed, now, older_than)
    old = unnamed.filter(pc.less(unnamed["modified"], pa.scalar(now - retention)))
    _refuse_live(old, live)
    young = unnamed.filter(pc.greater_equal(unnamed["modified"], pa.scalar(now - retention)))
    oldest = pc.min(young["modified"]).as_py()
    if exact and oldest is not None:
        holds = retention - (now - oldest)
    return Orphans(
        files=_with_kinds(old),
        retention=retention,
        holds=holds,
        spared=tuple(sorted(young["path"].to_pylist())),
        oldest_spared=oldest,
    )


def _unnamed(listing: pa.Table, known: pa.Table, location: str, version: int) -> pa.Table:
    names = _names(listing["path"])
    hint = pa.chunked_array([[_HINT]], pa.string())
    if version >= WHOLE_LOCATION:
        valid = pa.chunked_array([*_names(known["path"]).chunks, *hint.chunks], pa.string())
        return listing.filter(pc.invert(_among(names, valid)))
    contents = pc.is_in(known["kind"], value_set=pa.array([DATA, DELETES]))
    data = _names(known.filter(contents)["path"])
    metadata = _names(known.filter(pc.invert(contents))["path"])
    metadata = pa.chunked_array([*metadata.chunks, *hint.chunks], pa.string())
    root, paths = folder(location), normal(listing["path"])
    in_data = pc.and_(pc.starts_with(paths, root + "data/"), pc.invert(_among(names, data)))
    in_metadata = pc.and_(
        pc.starts_with(paths, root + "metadata/"), pc.invert(_among(names, metadata))
    )
    return listing.filter(pc.or_(in_data, in_metadata))


def _retention(
    unnamed: pa.Table, now: datetime, older_than: timedelta
) -> tuple[timedelta, timedelta | None]:
    """The retention to tell Trino, and how long it gives the same files.

    Files grow old while a plan is read. The age of the youngest chosen file gives the same choice
    for the longest time; where the next one is far from it, the age that was asked for is kept.
    """
    cutoff = pa.scalar(now - older_than)
    old = pc.less(unnamed["modified"], cutoff)
    following = pc.min(unnamed.filter(pc.invert(old))["modified"]).as_py()
    if following is None:
        return older_than, None
    easy = older_than - (now - following)
    if easy >= _EASY or not pc.any(old).as_py():
        return older_than, easy
    youngest, following = _apart(unnamed.filter(old)["modified"].to_pylist(), following)
    millis = (now - youngest) // timedelta(milliseconds=1) - 1  # it must be older than that
    exact = max(older_than, timedelta(milliseconds=millis))
    return exact, exact - (now - following)


def _apart(old: list[datetime], young: datetime) -> tuple[datetime, datetime]:
    """The youngest file that is to go and the one that follows it. Those too close to the border to
    be told apart while a plan runs are left for another time, where any are not."""
    order = sorted(old, reverse=True)
    pairs = zip(order, (young, *order), strict=False)
    found = next((each for each in pairs if each[1] - each[0] >= _APART), None)
    return found or (order[0], young)


def _refuse_live(chosen: pa.Table, live: pa.Table) -> None:
    if not chosen.num_rows:
        return
    # Equal paths have equal names: only those few living paths need to be written alike.
    alike = live["path"].filter(_among(_names(live["path"]), _names(chosen["path"])))
    alive = chosen.filter(_among(normal(chosen["path"]), normal(alike)))["path"].to_pylist()
    if not alive:
        return
    refuse_unsafe(
        f"remove_orphan_files would delete {len(alive):,} files that are in use: {_some(alive)}",
        "Trino looks for names, not paths, and where it expects a kind of file: move those files, "
        "or rewrite the table (table optimize) first",
        alive,
    )


def refuse_unsafe(problem: str, hint: str, paths: Collection[str] = ()) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION)."""
    raise PhloSqlError(Code.UNSAFE_DELETION, problem, hint, data={"live_paths": list(paths)[:1000]})


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:_NAMED]) + (" …" if len(paths) > _NAMED else "")


def _with_kinds(files: pa.Table) -> pa.Table:
    """What an unreferenced file is, nothing but its name and folder can tell."""
    paths = files["path"]
    kinds = pc.case_when(
        pc.make_struct(
            pc.match_substring_regex(paths, r"\.metadata\.json(\.gz)?$|\.gz\.metadata\.json$"),
            pc.match_substring_regex(paths, r"/snap-[^/]*\.avro$"),
            pc.match_substring_regex(paths, r"/metadata/[^/]*\.avro$"),
            pc.match_substring_regex(paths, r"\.stats$|/metadata/[^/]*\.parquet$"),
            pc.match_substring_regex(paths, r"\.puffin$|-deletes\.(parquet|orc|avro)$"),
            pc.match_substring_regex(paths, r"\.(parquet|orc|avro)$"),
        ),
        METADATA,
        MANIFEST_LIST,
        MANIFEST,
        STATISTICS,
        DELETES,
        DATA,
        OTHER,
    )
    columns = [paths, files["size"], kinds.cast(pa.string()), files["modified"]]
    return pa.table(columns, schema=LISTED)
