"""What lies in a table's location, by a listing of its own, and files made old."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.live.optimizing import document

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from phlo_sql.stack.clients import Clients

SHORT = ("--older-than", "1s", "--allow-short-retention")
DAY = 86400.0


def loaded(stack: Clients, table: str) -> Table:
    catalog, _, name = table.partition(".")
    return stack.pyiceberg(catalog).load_table(name)


def stored(stack: Clients, table: str) -> dict[str, int]:
    """Paths and sizes of all files in the location."""
    from pyarrow.fs import FileSelector, FileType
    from pyiceberg.io.pyarrow import PyArrowFileIO

    found = loaded(stack, table)
    assert isinstance(found.io, PyArrowFileIO)
    scheme, rest = found.location().split("://", 1)
    system = found.io.fs_by_scheme(scheme, None if scheme == "file" else rest.split("/", 1)[0])
    infos = system.get_file_info(FileSelector(rest, recursive=True))
    return {f"{scheme}://{i.path}": i.size for i in infos if i.type == FileType.File}


def local(location: str) -> Path:
    return Path(location.removeprefix("file://"))


def dead_file(path: Path, *, age: float = 8 * DAY, size: int = 100) -> str:
    """A file that nothing references, modified `age` seconds ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    moment = time.time() - age
    os.utime(path, (moment, moment))
    return f"file://{path}"


def make_older(stack: Clients, table: str, age: float = 8 * DAY) -> None:
    """All files of a local table, as if they were written `age` seconds ago."""
    moment = time.time() - age
    for path in stored(stack, table):
        os.utime(local(path), (moment, moment))


def vacuum(stack: Clients, table: str, *words: str) -> dict[str, Any]:
    return document(stack, "table", "vacuum", table, *words)


def rows(stack: Clients, table: str) -> int:
    [[count]] = stack.rows(f"SELECT count(*) FROM {table}")
    return int(count)
