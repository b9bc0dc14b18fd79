"""A metastore's tables as `SourceTable`s: files found on the storage, each in its partition."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from phlo_sql.compile.hive_types import mapped_hive
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.migration import (
    NULL_PARTITION,
    Bucketing,
    SourceColumn,
    SourceFile,
    SourceKind,
    SourcePartition,
    SourceTable,
)
from phlo_sql.observe.metastore import kind_of, statistics_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from pyiceberg.io import FileIO

    from phlo_sql.model.migration import Format
    from phlo_sql.observe.metastore import Described, Field, Partition

_LISTED_AT_ONCE = 16
_ENOUGH = 3
"""Tables that can't be listed, and none that can: it is the storage then."""
_UNKEPT = re.compile(
    r"comment|external|transient_lastddltime|numfiles(?:erasurecoded)?|totalsize|rawdatasize|numrows|numpartitions|"
    r"column_stats_accurate|trino_.*|presto_.*|bucketing_version|auto\.purge|last_modified_.*"
)
"""Properties that tell of the state of a Hive table, or that Trino writes for itself."""
_IN_FOLDERS = "files lie in folders below it, which Hive does not read"
_EMPTY = "it has a file without a byte, which Hive skips and Trino's add_files does not"
Listed = dict[str, list[SourceFile]]
"""Files by the folder that holds them."""


def read_sources(
    tables: Sequence[Described], usual: SourceKind, properties: Mapping[str, str]
) -> tuple[SourceTable, ...]:
    """Listed side by side, with a look into two files of each. One whose files can't be listed is
    refused by name, as long as another's can.

    Raises PhloSqlError(STORAGE_UNREADABLE)."""
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from phlo_sql.observe import listing
    from phlo_sql.observe.first_files import looked_into

    io = PyArrowFileIO(dict(properties))

    def gone(locations: Sequence[str]) -> Sequence[str]:
        return listing.absent(io, locations)

    def read(table: Described) -> SourceTable:
        return looked_into(source_of(table, usual, _lister(io), gone), io)

    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        asked = [pool.submit(read, each) for each in tables]
        try:
            return tuple(_answers(tables, asked, usual))
        finally:
            pool.shutdown(cancel_futures=True)


def _answers(
    tables: Sequence[Described], asked: Sequence[Future[SourceTable]], usual: SourceKind
) -> Iterator[SourceTable]:
    failed: list[PhloSqlError] = []
    read = False
    for table, answer in zip(tables, asked, strict=True):
        try:
            found = answer.result()
        except PhloSqlError as error:
            if error.code is not Code.STORAGE_UNREADABLE:
                raise
            failed.append(error)
            if not read and len(failed) == _ENOUGH:
                break
            unlisted = source_of(table, usual, lambda _: {}, lambda _: ())
            yield replace(unlisted, refused=f"its files are not seen: {error.problem}")
        else:
            read = read or bool(found.files)
            yield found
    if failed and not read:
        raise failed[0]


def source_of(
    table: Described,
    usual: SourceKind,
    listed: Callable[[str], Listed],
    gone: Callable[[Sequence[str]], Sequence[str]],
) -> SourceTable:
    """One table; `listed` gives the files below a location, `gone` which folders are not there."""
    kind, why = kind_of(table, usual)
    columns = tuple(_column(each, table.storage.format) for each in table.columns)
    keys = tuple(_column(each, None) for each in table.partition_columns)
    if not why:
        kind, why = _unreadable(kind, (*columns, *keys))
    partitions: tuple[SourcePartition, ...] = ()
    if not why and table.storage.format is not None:
        partitions = _without_gone(_placed(table, table.storage.format, listed), gone)
        kind, why = _unread(kind, table)
    return SourceTable(
        kind=kind,
        name=None,
        location=_s3(table.storage.location),
        format=table.storage.format,
        columns=columns,
        partition_columns=keys,
        partitions=_told_apart(partitions),
        strangers=_strangers(table, partitions, listed) if partitions else (),
        bucketing=_bucketing(table),
        managed=table.type.upper() == "MANAGED_TABLE",
        owner=table.owner,
        comment=table.parameters.get("comment"),
        properties=_kept(table.parameters),
        statistics=statistics_of(table),
        refused=table.refused,
        why_left_alone=why,
    )


def _without_gone(
    partitions: tuple[SourcePartition, ...], gone: Callable[[Sequence[str]], Sequence[str]]
) -> tuple[SourcePartition, ...]:
    """An empty folder has no rows to bring over; one that is gone is a question to a person."""
    empty = [each.location for each in partitions if each.missing]
    lost = set(gone(empty)) if empty else set()
    return tuple(each for each in partitions if not each.missing or each.location in lost)


def _lister(io: FileIO) -> Callable[[str], Listed]:
    from phlo_sql.observe import listing

    known: dict[str, Listed] = {}

    def listed(location: str) -> Listed:
        if location not in known:
            rows = listing.list_files(io, location, at_once=True)
            known[location] = _by_folder(location, rows.to_pylist())
        return known[location]

    return listed


def _by_folder(location: str, rows: Iterable[Mapping[str, object]]) -> Listed:
    found: Listed = defaultdict(list)
    for row in rows:
        path = str(row["path"])
        below = path.removeprefix(location).strip("/").split("/")
        if any(each.startswith((".", "_")) for each in below if not each.startswith("__HIVE")):
            continue
        found[path.rpartition("/")[0]].append(SourceFile(path=path, bytes=int(str(row["size"]))))
    return dict(found)


def _placed(
    table: Described, form: Format, listed: Callable[[str], Listed]
) -> tuple[SourcePartition, ...]:
    root = _s3(table.storage.location)
    below: dict[str, set[str]] = {}

    def look(location: str) -> tuple[Listed, set[str]]:
        files = listed(location)
        if location not in below:  # once for all of its partitions
            below[location] = _holding(files)
        return files, below[location]

    if not table.partition_columns:
        return (_folder(root, (), "", form, look(root)),)
    return tuple(_partition(table, each, form, look) for each in table.partitions)


def _holding(files: Listed) -> set[str]:
    """Folders that hold folders of files, at any depth."""
    found: set[str] = set()
    for each in files:
        above = each.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _partition(
    table: Described,
    told: Partition,
    form: Format,
    look: Callable[[str], tuple[Listed, set[str]]],
) -> SourcePartition:
    root, location = _s3(table.storage.location), _s3(told.storage.location)
    own = location.startswith(f"{root}/")
    raw = location.removeprefix(f"{root}/") if own else ""
    values = tuple(None if each == NULL_PARTITION else each for each in told.values)
    usual = [
        (field.name.lower(), NULL_PARTITION if value is None else value)
        for field, value in zip(table.partition_columns, values, strict=True)
    ]
    read = [tuple(map(unquote, each.split("=", 1))) for each in raw.split("/")]
    custom = [(name.lower(), *rest) for name, *rest in read] != usual
    spelt = "/".join(f"{quote(name)}={quote(value, safe=' ')}" for name, value in usual)
    return _folder(
        location,
        values,
        spelt if custom else raw,
        told.storage.format or form,
        look(root if own else location),
        custom=custom,
    )


def _folder(
    location: str,
    values: tuple[str | None, ...],
    raw: str,
    form: Format,
    looked: tuple[Listed, set[str]],
    *,
    custom: bool = False,
) -> SourcePartition:
    files, holding = looked
    own = tuple(sorted(files.get(location, ()), key=lambda each: each.path))
    below = location in holding
    doubt = _IN_FOLDERS if below else None
    if form != "orc" and any(each.bytes == 0 for each in own):
        doubt = doubt or _EMPTY
    return SourcePartition(
        values=values,
        raw=raw,
        location=location,
        format=form,
        files=own,
        custom_location=custom,
        missing=bool(values) and location not in files and not below,
        doubt=doubt,
    )


def _unread(kind: SourceKind, table: Described) -> tuple[SourceKind, str]:
    """A partition that is read otherwise than the table's three formats can't be shown."""
    for each in table.partitions:
        reader = each.storage.serde or each.storage.input_format
        if reader and each.storage.format is None:
            name = reader.rpartition(".")[2]
            where = "/".join(each.values)
            return SourceKind.OTHER, f"its partition {where} is read by {name}"
    return kind, ""


def _told_apart(partitions: tuple[SourcePartition, ...]) -> tuple[SourcePartition, ...]:
    """A folder that is two partitions' is read twice, as Hive does, and can't be in place twice."""
    counts = Counter(each.location for each in partitions)
    return tuple(
        replace(each, doubt="its folder is another partition's too")
        if counts[each.location] > 1
        else each
        for each in partitions
    )


def _strangers(
    table: Described, partitions: Sequence[SourcePartition], listed: Callable[[str], Listed]
) -> tuple[str, ...]:
    """Folders that would be taken for partitions by their names."""
    root, names = (
        _s3(table.storage.location),
        [each.name.lower() for each in table.partition_columns],
    )
    own = {each.raw for each in partitions if not each.custom_location}
    found = set()
    for folder in listed(root) if names else ():
        parts = folder.removeprefix(f"{root}/").split("/")[: len(names)]
        if [each.partition("=")[0].lower() for each in parts] == names:
            found.add("/".join(parts))
    return tuple(sorted(found - own))


def _unreadable(kind: SourceKind, columns: Sequence[SourceColumn]) -> tuple[SourceKind, str]:
    for each in columns:
        if not each.target_type:
            return SourceKind.OTHER, f"column {each.name}: {each.meaning}"
    return kind, ""


def _column(field: Field, form: Format | None) -> SourceColumn:
    told = mapped_hive(field.type, form)
    return SourceColumn(
        name=field.name,
        type=field.type,
        comment=field.comment,
        target_type=told.target,
        read_type=told.read,
        meaning=told.meaning,
        doubt=told.doubt,
    )


def _bucketing(table: Described) -> Bucketing | None:
    if not table.buckets or not table.bucket_columns:
        return None
    return Bucketing(
        columns=table.bucket_columns, buckets=table.buckets, sorted_by=table.sort_columns
    )


def _kept(parameters: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in parameters.items()
        if not _UNKEPT.fullmatch(name.lower()) and not name.startswith(("spark.sql.", "STATS_"))
    }


def _s3(location: str) -> str:
    """Hadoop's spellings of S3 are one store."""
    return re.sub(r"^s3[an]://", "s3://", location.rstrip("/"))


def require_sources(tables: Sequence[object], database: str) -> None:
    """Raises PhloSqlError(UNKNOWN_TABLE): an empty database is more often a wrong one."""
    if not tables:
        raise PhloSqlError(
            Code.UNKNOWN_TABLE,
            f"database {database} has no tables",
            "check --database: the metastore has others",
        )
