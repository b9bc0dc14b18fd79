"""What lies under a location, and whether a file is there: asked of the storage itself.

Through PyIceberg's own file systems, so with the table's credentials. Object stores are listed page
by page into Arrow columns; one row of Python objects never lives longer than its page.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.io import FileIO

_ASKED_AT_ONCE = 1000
_ASKING = 16


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [("path", pa.string()), ("size", pa.int64()), ("modified", pa.timestamp("us", "UTC"))]
    )


def list_files(io: FileIO, location: str, *, at_once: bool = False) -> pa.Table:
    """Every file below a location: path string · size int64 · modified timestamp (UTC).

    Paths begin as the location does. `at_once` asks for all folders together: 4 s instead of 116
    for 10,000 of them, with all in memory. Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    import pyarrow as pa

    found = _schema().empty_table()
    try:
        pages = list(_pages(io, location.rstrip("/"), at_once=at_once))
    except Exception as error:  # each store has its own exceptions
        cause = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"{location} cannot be listed: {cause}",
            "check the storage settings and credentials",
        ) from error
    return pa.concat_tables([found, *pages])


def _pages(io: FileIO, location: str, *, at_once: bool) -> Iterator[pa.Table]:
    import pyarrow as pa

    prefix, system, root = opened_at(io, location)
    for page in _whole(system, root) if at_once else _selected(system, root):
        columns = [
            pa.array([prefix + each.path for each in page], pa.string()),
            pa.array([each.size for each in page], pa.int64()),
            pa.array([(each.mtime_ns or 0) // 1000 for each in page], pa.timestamp("us", "UTC")),
        ]
        yield pa.table(columns, schema=_schema())


def _whole(system: Any, root: str) -> Iterator[list[Any]]:
    from pyarrow.fs import FileSelector, FileType

    found = system.get_file_info(FileSelector(root, allow_not_found=True, recursive=True))
    yield [each for each in found if each.type == FileType.File]


def _selected(system: Any, root: str) -> Iterator[list[Any]]:
    """One page for each folder right below the root, so that a page is part of a table."""
    from pyarrow.fs import FileSelector, FileType

    top = system.get_file_info(FileSelector(root, allow_not_found=True))
    yield [each for each in top if each.type == FileType.File]
    for folder in top:
        if folder.type != FileType.Directory:
            continue
        within = system.get_file_info(FileSelector(folder.path, recursive=True))
        yield [each for each in within if each.type == FileType.File]


def opened_at(io: FileIO, location: str) -> tuple[str, Any, str]:
    """What stands before a path in this location, its file system, and its root there."""
    from pyiceberg.io.pyarrow import PyArrowFileIO

    opened = io if isinstance(io, PyArrowFileIO) else PyArrowFileIO(dict(io.properties))
    parts = urlsplit(location) if "://" in location else None
    if parts is None or parts.scheme == "file":
        path = "/" + location.removeprefix("file:").lstrip("/")
        return ("file://" if parts else "", opened.fs_by_scheme("file", None), path)
    scheme, netloc, path = parts.scheme, parts.netloc, location.split("://", 1)[1]
    return f"{scheme}://", opened.fs_by_scheme(scheme, netloc), path


def absent(io: FileIO, paths: Sequence[str]) -> list[str]:
    """The paths where no file is, by one request each.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    from pyarrow.fs import FileType

    groups: dict[str, list[str]] = {}
    for path in paths:
        store = "/".join(path.split("/", 3)[:3]) if "://" in path else "file"
        groups.setdefault(store, []).append(path)
    chunks = [
        found[start : start + _ASKED_AT_ONCE]
        for found in groups.values()
        for start in range(0, len(found), _ASKED_AT_ONCE)
    ]

    def ask(chunk: list[str]) -> list[str]:
        _, system, _ = opened_at(io, chunk[0])
        told = system.get_file_info([opened_at(io, each)[2] for each in chunk])
        return [
            path for path, each in zip(chunk, told, strict=True) if each.type == FileType.NotFound
        ]

    try:
        with ThreadPoolExecutor(_ASKING) as pool:
            return [path for part in pool.map(ask, chunks) for path in part]
    except Exception as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"files cannot be looked at: {cause}",
            "check the storage settings and credentials",
        ) from error
