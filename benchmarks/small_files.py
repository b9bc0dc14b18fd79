"""A table of many small files from TPC-H data, and what a reader of it pays."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = "lineitem"
SMALL = "1MB"
"""Writers cut a file when this much is buffered; on disk that becomes about 0.4 MB."""
QUERY = (
    "SELECT returnflag, linestatus, sum(quantity), sum(extendedprice * (1 - discount)), count(*) "
    "FROM {table} WHERE shipdate <= DATE '1998-09-02' GROUP BY 1, 2"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Files and bytes of a table, and the median latency of one aggregate over it in seconds."""

    files: int
    bytes: int
    rows: int
    latency: float


def connect(env: Mapping[str, str]) -> Any:
    import trino

    return trino.dbapi.connect(
        host=env["TRINO_HOST"], port=int(env["TRINO_PORT"]), user="phlo", catalog="iceberg"
    )


def run(connection: Any, sql: str) -> list[list[Any]]:
    cursor = connection.cursor()
    cursor.execute(sql)
    rows: list[list[Any]] = cursor.fetchall()
    return rows


def make(connection: Any, schema: str, files: int, table: str = TABLE) -> None:
    """A table of at least `files` files of about 0.4 MB, unpartitioned.

    Scale factor 1 gives 440 files of 380 kB (Trino 483, one node).
    """
    scale = files / 435
    run(connection, f"CREATE SCHEMA IF NOT EXISTS iceberg.{schema}")
    run(connection, f"DROP TABLE IF EXISTS iceberg.{schema}.{table}")
    source = "tpch.sf10.lineitem" if scale > 1 else "tpch.sf1.lineitem"
    orders = int(1_500_000 * scale * 4)  # order keys are sparse: eight of each 32
    run(
        connection,
        f"CREATE TABLE iceberg.{schema}.{table} WITH (target_max_file_size = '{SMALL}') AS "
        f"SELECT * FROM {source} WHERE orderkey <= {orders}",
    )


def facts(connection: Any, schema: str, table: str = TABLE) -> Facts:
    name = f"iceberg.{schema}.{table}"
    [[files, size, rows]] = run(
        connection,
        "SELECT count(*), sum(file_size_in_bytes), sum(record_count) "
        f'FROM iceberg.{schema}."{table}$files"',
    )
    seconds = []
    for _ in range(4):  # the first one warms up
        started = time.monotonic()
        run(connection, QUERY.format(table=name))
        seconds.append(time.monotonic() - started)
    return Facts(files=files, bytes=size, rows=rows, latency=statistics.median(seconds[1:]))
