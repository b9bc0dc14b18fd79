"""Data files that no catalog knows: found, read by their footers, told as one `SourceTable`."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from phlo_sql.compile.migrate_types import mapped
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.migration import (
    NULL_PARTITION,
    Format,
    SourceColumn,
    SourceFile,
    SourceKind,
    SourcePartition,
    SourceTable,
)
from phlo_sql.observe.data_footers import footer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

_READ_AT_ONCE = 16
_NAMED = 5
_HIDDEN = ("$path", "$file_size", "$file_modified_time", "$partition", "$bucket")
"""Columns that Trino shows of every table (its HiveColumnHandle, IcebergMetadataColumn)."""
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A file's place below the root, and what its footer says."""

    path: str
    bytes: int
    folders: tuple[str, ...]
    schema: pa.Schema
    rows: int
    counted: frozenset[str] = frozenset()
    """Required columns, in lower case, whose NULL values its statistics count."""


def read_source(path: str, form: Format, properties: Mapping[str, str]) -> SourceTable:
    """The files of a file, folder or glob as one table, columns typed by `migrate_types`.

    Raises PhloSqlError: BAD_SOURCE for what is not there, is not of the format, or is no one table.
    """
    from pyiceberg.io.pyarrow import PyArrowFileIO

    io = PyArrowFileIO(dict(properties))
    root, found, chosen = _found(io, path.rstrip("/") if path.rstrip("/") else path)
    if not found:
        raise _bad(f"there is no data file at {path}", "name a file, a folder or a glob of files")
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        told = list(pool.map(lambda each: _looked_into(io, root, each[0], each[1], form), found))
    broken = [each for each in told if isinstance(each, str)]
    if broken:
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        raise _bad(
            f"{len(broken)} of {len(told)} files can't be read as {form}: "
            f"{'; '.join(broken[:_NAMED])}{more}",
            "take them away or write them anew, or name the format they have with --format",
            data={"files": broken},
        )
    read = [each for each in told if isinstance(each, _Read)]
    return _table(root, read, form, chosen=chosen)


def _found(io: Any, path: str) -> tuple[str, list[tuple[str, int]], bool]:
    """The folder that all is below, its files, and whether they are only some of it."""
    from phlo_sql.observe import listing

    glob = _GLOB.search(path)
    root = path[: path.rindex("/", 0, glob.start())] if glob else path
    rows = listing.list_files(io, root) if glob or not _is_file(io, path) else None
    if rows is None:
        root = path.rsplit("/", 1)[0]
        rows = listing.list_files(io, root)
        kept = [each for each in rows.to_pylist() if each["path"] == path]
        return root, [(path, int(kept[0]["size"]))] if kept else [], True
    every = [
        (str(each["path"]), int(each["size"]))
        for each in rows.to_pylist()
        if not _hidden(str(each["path"]), root)
    ]
    if not glob:
        return root, sorted(every), False
    kept_files = [each for each in every if _matches(each[0], path)]
    return root, sorted(kept_files), len(kept_files) < len(every)


def _is_file(io: Any, path: str) -> bool:
    from phlo_sql.observe.listing import opened_at

    try:
        _, system, place = opened_at(io, path)
        return bool(system.get_file_info(place).is_file)
    except Exception as error:  # each store has its own exceptions
        cause = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"{path} cannot be looked at: {cause}",
            "check the address, the storage settings and the credentials",
        ) from error


def _matches(path: str, glob: str) -> bool:
    """A `*` stays within its folder; a glob of a folder means all that is below it."""
    parts, wanted = path.split("/"), glob.split("/")
    if len(parts) < len(wanted):
        return False
    return all(fnmatch.fnmatchcase(*pair) for pair in zip(parts, wanted, strict=False))


def _hidden(path: str, root: str) -> bool:
    """As Hive takes it: names that begin with a dot or an underscore are no data."""
    below = path.removeprefix(root).strip("/").split("/")
    return any(each.startswith((".", "_")) for each in below if not each.startswith("__HIVE"))


def _looked_into(io: Any, root: str, path: str, size: int, form: Format) -> _Read | str:
    """What a file's footer says, or in one line why it could not be read."""
    try:
        with io.new_input(path).open() as stream:
            schema, rows, counted = footer_of(stream, form)
    except Exception as error:  # noqa: BLE001 - each format has its own exceptions; all are told
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        return f"{path} ({cause})"
    below = path.removeprefix(root).strip("/").split("/")[:-1]
    return _Read(
        path=path, bytes=size, folders=tuple(below), schema=schema, rows=rows, counted=counted
    )


def _table(root: str, read: Sequence[_Read], form: Format, *, chosen: bool) -> SourceTable:
    keys = _keys(root, read)
    folded = [key.lower() for key in keys]
    twice = {
        name
        for schema in {each.schema for each in read}
        for name, count in Counter([*(n.lower() for n in schema.names), *folded]).items()
        if count > 1
    }
    if twice:
        raise _bad(
            f"{min(twice)} stands more than once, in the files or in names of folders",
            "Trino folds names to lower case: rename one where the files are written",
        )
    names = {each.lower() for file in read for each in file.schema.names}
    if unfit := sorted(each for each in names if each == "" or each in _HIDDEN):
        raise _bad(
            f"a column has the name {unfit[0]!r}, which no table of Trino's can have",
            "rename it where the files are made",
        )
    columns = _columns(read)
    folders: dict[tuple[str, ...], list[_Read]] = defaultdict(list)
    for each in read:
        folders[each.folders].append(each)
    _refuse_same(folders)
    partitions = tuple(
        SourcePartition(
            values=tuple(_value(segment) for segment in segments),
            raw="/".join(segments),
            location="/".join((root, *segments)),
            format=form,
            files=tuple(
                SourceFile(path=each.path, bytes=each.bytes, rows=each.rows, format=form)
                for each in files
            ),
            doubt=_doubt(files),
        )
        for segments, files in sorted(folders.items())
    )
    return SourceTable(
        kind=SourceKind.FILES,
        name=None,
        location=root,
        format=form,
        columns=columns,
        partition_columns=tuple(
            _partition_column(key, [each.values[place] for each in partitions])
            for place, key in enumerate(keys)
        ),
        partitions=partitions,
        chosen_files=chosen,
    )


def _refuse_same(folders: Iterable[tuple[str, ...]]) -> None:
    """Two spellings of one value, as `k=a` and `k=%61`: to Hive they are one partition."""
    seen: dict[tuple[str | None, ...], str] = {}
    for segments in folders:
        raw = "/".join(segments)
        other = seen.setdefault(tuple(_value(each) for each in segments), raw)
        if other != raw:
            raise _bad(
                f"folders {other} and {raw} spell one partition in two ways",
                "move the files of one of the two into the other's folder",
            )


def _keys(root: str, read: Sequence[_Read]) -> tuple[str, ...]:
    """The partition columns that the folders name; all files must agree on them."""
    found = {tuple(each.partition("=")[0] for each in file.folders): file for file in read}
    if len(found) > 1:
        one, other = list(found.values())[:2]
        raise _bad(
            f"folders differ: {one.path} and {other.path} are not partitioned alike",
            "name one folder in which all files lie at the same depth, as key=value/",
        )
    keys = next(iter(found))
    plain = next((each for each in read[0].folders if "=" not in each), None)
    if plain is not None:
        raise _bad(
            f"folder {plain} below {root} is no partition: it is not named key=value",
            "name that folder itself, or a glob of the files",
        )
    return keys


def _value(segment: str) -> str | None:
    value = unquote(segment.partition("=")[2])
    return None if value == NULL_PARTITION else value


def _partition_column(name: str, values: Sequence[str | None]) -> SourceColumn:
    known = [each for each in values if each is not None]
    kind = _kind_of(known)
    return SourceColumn(
        name=name,
        type="folder name",
        target_type=kind,
        read_type=kind,
        meaning=f"names of folders, read as {kind}",
    )


def _kind_of(values: Sequence[str]) -> str:
    if values and all(_is_number(each) for each in values):
        return "integer" if all(-(2**31) <= int(each) < 2**31 for each in values) else "bigint"
    if values and all(_is_date(each) for each in values):
        return "date"
    return "varchar"


def _is_number(text: str) -> bool:
    """As it is spelt without a sign or zeros before it: `01` is no number, its zero would go."""
    return re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text) is not None


def _is_date(text: str) -> bool:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _doubt(files: Sequence[_Read]) -> str | None:
    for file in files:
        for each in file.schema:
            if doubt := mapped(each.type).doubt:
                return f"column {each.name}: {doubt}"
    return None


def _columns(read: Sequence[_Read]) -> tuple[SourceColumn, ...]:
    """Columns of all files: those of the first, then those that others have besides."""
    found: dict[str, SourceColumn] = {}
    first: dict[str, _Read] = {}
    seen: dict[str, int] = defaultdict(int)
    for file in read:
        for field in file.schema:
            key = field.name.lower()
            column = replace(_column(field), counted=key in file.counted)
            seen[key] += 1
            if key not in found:
                found[key], first[key] = column, file
            elif found[key].target_type != column.target_type:
                raise _bad(
                    f"column {field.name} is {found[key].type} in {first[key].path} and "
                    f"{column.type} in {file.path}: one table can't hold both",
                    "convert the files of each schema to a table of their own, by a glob",
                )
            else:
                found[key] = _merged(found[key], column)
    return tuple(
        replace(each, not_null=each.not_null and seen[key] == len(read))
        for key, each in found.items()
    )


def _merged(one: SourceColumn, other: SourceColumn) -> SourceColumn:
    """Files that spell the same table type in two ways, as timestamps of two units are."""
    if one.unsigned != other.unsigned or one.read_type != other.read_type:
        raise _bad(
            f"column {one.name} is {one.type} in some files and {other.type} in others",
            "convert the files of each schema to a table of their own, by a glob",
        )
    return replace(
        one,
        not_null=one.not_null and other.not_null,
        counted=one.counted and other.counted,
        doubt=one.doubt or other.doubt,
        meaning=one.meaning or other.meaning,
    )


def _column(field: pa.Field) -> SourceColumn:
    told = mapped(field.type)
    if not told.target:
        raise _bad(
            f"column {field.name}: {told.meaning}",
            "leave it out, or write it as another type or under another name, where it is made",
        )
    doc = (field.metadata or {}).get(b"doc")
    return SourceColumn(
        name=field.name,
        type=str(field.type),
        comment=doc.decode() if doc else None,
        not_null=not field.nullable,
        target_type=told.target,
        # Hive keeps the names of a table's columns in one list, with commas
        read_type="" if "," in field.name else told.read,
        meaning=told.meaning,
        doubt=told.doubt,
        unsigned=told.unsigned,
    )


def _bad(problem: str, hint: str, data: Mapping[str, Any] | None = None) -> PhloSqlError:
    return PhloSqlError(Code.BAD_SOURCE, problem, hint, data=data)
