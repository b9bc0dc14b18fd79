"""A table of many small files from TPC-H data, and what a reader of it pays."""

from __future__ import annotations

import contextlib
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.telling import Say

TABLE = "lineitem"
SMALL = "750kB"
"""Writers cut a file when this much is buffered; on disk that becomes 0.3 to 0.4 MB."""
FILES_PER_SCALE = 1000
"""Of TPC-H's scale factor 1 (Trino 483, one node): 730 when idle, 1,200 when busy, as more writers
share the rows. What is missing is filled up in small pieces."""
ROWS = (
    "SELECT line.*, supplier.name AS supplier, supplier.address, supplier.phone "
    'FROM tpch."{scale}".lineitem AS line '
    'JOIN tpch."{scale}".supplier AS supplier ON line.suppkey = supplier.suppkey'
)
"""A fact table as it is loaded: each row says whom it is about, and each small file keeps a
dictionary of its own of the same names."""
QUERY = (
    "SELECT returnflag, linestatus, sum(quantity), sum(extendedprice * (1 - discount)), count(*) "
    "FROM {table} WHERE shipdate <= DATE '1998-09-02' GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Files, bytes and rows of a table, and the median latency of one aggregate in seconds."""

    files: int
    bytes: int
    rows: int
    latency: float


@contextlib.contextmanager
def connected(env: Mapping[str, str]) -> Iterator[Any]:
    import trino

    connection = trino.dbapi.connect(
        host=env["TRINO_HOST"],
        port=int(env["TRINO_PORT"]),
        user="phlo",
        catalog=env["TRINO_CATALOG"],
    )
    with contextlib.closing(connection):
        yield connection


def run(connection: Any, sql: str, say: Say | None = None) -> list[list[Any]]:
    """The rows of one statement, telling meanwhile how many rows it went through."""

    def progress(stats: dict[str, Any]) -> None:
        if say is not None and stats.get("processedRows"):
            say(f"{stats['processedRows'] / 1e6:.1f} million rows")

    cursor = connection.cursor(stats_callback=progress)
    cursor.execute(sql)
    rows: list[list[Any]] = cursor.fetchall()
    return rows


def make(connection: Any, schema: str, files: int, say: Say) -> None:
    """A new unpartitioned table of at least so many small files."""
    name = f"{schema}.{TABLE}"
    scale = f"sf{files / FILES_PER_SCALE * 1.08:.2f}"
    run(connection, f"CREATE SCHEMA IF NOT EXISTS {schema}")
    run(
        connection,
        f"CREATE TABLE {name} WITH (target_max_file_size = '{SMALL}') AS "
        + ROWS.format(scale=scale),
        say,
    )
    while count(connection, schema) < files:  # another number of writers cuts otherwise
        run(connection, f"INSERT INTO {name} {ROWS.format(scale='sf0.1')}", say)


def count(connection: Any, schema: str) -> int:
    [[files]] = run(connection, f'SELECT count(*) FROM {schema}."{TABLE}$files"')
    return int(files)


def facts(connection: Any, schema: str) -> Facts:
    [[files, size, rows]] = run(
        connection,
        "SELECT count(*), sum(file_size_in_bytes), sum(record_count) "
        f'FROM {schema}."{TABLE}$files"',
    )
    seconds = []
    for _ in range(4):  # the first one warms up
        started = time.perf_counter()
        run(connection, QUERY.format(table=f"{schema}.{TABLE}"))
        seconds.append(time.perf_counter() - started)
    return Facts(files=files, bytes=size, rows=rows, latency=statistics.median(seconds[1:]))
