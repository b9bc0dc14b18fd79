"""Tables brought into Iceberg: in place against copy, the bare statements' own time, and a dry run
of a large database.

All on one stack in one run. The bare statements are those of the runbook that places files, sent
by a driver for a table of their own; so both do the same work on the same files.
"""

from __future__ import annotations

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import small_files
from benchmarks.ratios import Pair, at_most
from benchmarks.telling import doing
from phlo_sql import dialect
from phlo_sql import runbook as runbooks
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from benchmarks.servers import Lent

SCHEMA, DATABASE = "iceberg_s3.bench_migrating", "bench_many"
SOURCES = "lake/bench_migrating"
LIMIT = 60.0
"""Seconds that a dry run of a database may take."""
_WRITERS = 16
_PARTITIONS_AT_ONCE = 1000
_FEW = 40
"""Partitions of a table that is taken in place before any is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One migration: its whole time, that of its comparison, and the bytes that it wrote."""

    seconds: float
    comparing: float
    written: int


# ------------------------------------------------------------------ sources
def store(env: Mapping[str, str]) -> Any:
    from pyarrow import fs

    return fs.S3FileSystem(
        endpoint_override=env["ICEBERG_S3_ENDPOINT"],
        access_key=env["ICEBERG_S3_ACCESS_KEY"],
        secret_key=env["ICEBERG_S3_SECRET_KEY"],
        region=env["ICEBERG_S3_REGION"],
    )


def parquet(rows: int) -> bytes:
    """Numbers that don't compress: 16 bytes a row."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet as pq

    made = np.random.default_rng(7)
    numbers = made.integers(0, 2**62, rows)
    out = io.BytesIO()
    table = pa.table({"id": numbers, "x": made.random(rows)})
    pq.write_table(table, out, use_dictionary=False, compression="none")
    return out.getvalue()


def put(env: Mapping[str, str], paths: Sequence[str], data: bytes) -> None:
    system = store(env)

    def write(path: str) -> None:
        with system.open_output_stream(f"{SOURCES}/{path}") as stream:
            stream.write(data)

    with ThreadPoolExecutor(_WRITERS) as pool:
        list(pool.map(write, paths))


# ------------------------------------------------------------------ one table
def convert(stack: Lent, folder: str, table: str, mode: str) -> Ran:
    """Run it, and tell what it took."""
    shown = stack.folder / f"{table}.json"
    words = ("migrate", "convert", f"s3://{SOURCES}/{folder}", "--format", "parquet", "--table")
    with shown.open("wb") as out:
        started = time.perf_counter()
        code = stack.phlo_sql(
            *words, f"{SCHEMA}.{table}", "--mode", mode, "--yes", "--json", "--quiet",
            output=out,
        )  # fmt: skip
        seconds = time.perf_counter() - started
    told = json.loads(shown.read_text("utf-8"))
    if code:
        problem = f"migrate convert ended with exit code {code}: {told['errors']}"
        raise PhloSqlError(Code.INTERNAL, problem[:500], "run it by hand on a stack of your own")
    plan = told["data"]["plan"]
    compares = {each["id"] for each in plan["steps"] if each["summary"].startswith("compare ")}
    steps = told["data"]["steps"]
    return Ran(
        seconds=seconds,
        comparing=sum(each["seconds"] for each in steps if each["id"] in compares),
        written=sum(size_of(stack.env, plan).values()),
    )


def saved(stack: Lent, folder: str, table: str) -> str:
    """The runbook of another migration of these files, that nobody ran."""
    file = stack.folder / f"{table}.sql"
    words = ("migrate", "convert", f"s3://{SOURCES}/{folder}", "--format", "parquet", "--table")
    log = stack.folder / f"{table}.log"
    with log.open("wb") as out:
        code = stack.phlo_sql(
            *words, f"{SCHEMA}.{table}", "--mode", "in-place", "--out", str(file), "--quiet",
            output=out,
        )  # fmt: skip
    if code:
        problem = f"migrate convert --out ended with exit code {code}: {log.read_text()[-300:]}"
        raise PhloSqlError(Code.INTERNAL, problem, "run it by hand on a stack of your own")
    return file.read_text("utf-8")


def size_of(env: Mapping[str, str], plan: Mapping[str, Any]) -> dict[str, int]:
    """Files of the table's own, by what the registering step names as its folder."""
    from pyarrow import fs

    made = next(each for each in plan["steps"] if "register_table" in each["sql"])
    location = str(dialect.describe(dialect.parse(made["sql"])).arguments["table_location"])
    selector = fs.FileSelector(location.removeprefix("s3://"), recursive=True)
    found = store(env).get_file_info(selector)
    return {each.path: each.size for each in found if each.is_file}


def bare(connection: Any, text: str) -> float:
    """Seconds of the statements that make, fill, register and clear; the comparison's not."""
    seconds = 0.0
    for step in runbooks.read(text).plan.steps:
        started = time.perf_counter()
        small_files.run(connection, dialect.render(step.statement))
        if step.kind is not Kind.COMPARE:
            seconds += time.perf_counter() - started
    return seconds


def whole_table(stack: Lent, out: Console, size: int) -> list[Pair]:
    """In place against a copy of one table."""
    files = max(1, size // (64 * 1024**2))
    with doing(out, f"writing {human_size(size)} in {files} files"):
        data = parquet(size // files // 16)
        put(stack.env, [f"whole/{number}.parquet" for number in range(files)], data)
    with doing(out, "in place"):
        placed = convert(stack, "whole", "placed", "in-place")
    with doing(out, "by copy"):
        copied = convert(stack, "whole", "copied", "copy")
    moved = human_size(copied.written)
    return [
        at_most(f"{human_size(size)}, time, in place against copy", placed.seconds,
                copied.seconds, 1.0, "s"),
        at_most(f"{human_size(size)}, bytes written ({moved} by copy)", placed.written,
                copied.written, 0.01, "bytes"),
        _share("comparison's share of in place", placed),
        _share("comparison's share of copy", copied),
    ]  # fmt: skip


def _share(what: str, ran: Ran) -> Pair:
    return Pair(
        what=what,
        ours=f"{ran.comparing:.3g} s",
        other=f"{ran.seconds:.3g} s",
        ratio=f"{100 * ran.comparing / ran.seconds:.0f}%",
    )


def many_partitions(stack: Lent, out: Console, partitions: int) -> list[Pair]:
    """A table in place against its own statements, sent by a driver."""
    with doing(out, "warming the server up"):  # or whichever goes first pays for it
        put(stack.env, [f"few/k={n}/a.parquet" for n in range(_FEW)], parquet(100))
        convert(stack, "few", "few", "in-place")
    with doing(out, f"writing {partitions:,} partitions"):
        put(stack.env, [f"parts/k={n}/a.parquet" for n in range(partitions)], parquet(100))
    with doing(out, "in place"):
        ran = convert(stack, "parts", "parts", "in-place")
    text = saved(stack, "parts", "bare")
    with small_files.connected(stack.env) as connection, doing(out, "the bare statements"):
        alone = bare(connection, text)
    return [
        at_most(f"{partitions:,} partitions in place, bare statements", ran.seconds - ran.comparing,
                alone, 1.3, "s"),
        _share("comparison's share", ran),
    ]  # fmt: skip


# ------------------------------------------------------------------ a database
def make_database(env: Mapping[str, str], tables: int, partitions: int) -> None:
    """So many tables of one file each, and one of so many partitions, through the metastore."""
    from hive_metastore.ttypes import Database, Partition

    from phlo_sql.observe.hive_client import connected

    put(env, [f"many/t{number}/a.parquet" for number in range(tables)], parquet(10))
    put(env, [f"many/big/k={number}/a.parquet" for number in range(partitions)], parquet(10))
    root = f"s3://{SOURCES}/many"
    with connected(env["HIVE_METASTORE_URI"]) as client:
        client.create_database(
            Database(name=DATABASE, locationUri=f"s3://lake/hive/{DATABASE}.db", parameters={})
        )
        for number in range(tables):
            client.create_table(_table(f"t{number}", f"{root}/t{number}", ()))
        client.create_table(_table("big", f"{root}/big", ("k",)))
        for start in range(0, partitions, _PARTITIONS_AT_ONCE):
            client.add_partitions(
                [
                    Partition(
                        values=[str(number)],
                        dbName=DATABASE,
                        tableName="big",
                        sd=_storage(f"{root}/big/k={number}"),
                        parameters={},
                    )
                    for number in range(start, min(start + _PARTITIONS_AT_ONCE, partitions))
                ]
            )


def _table(name: str, place: str, keys: Sequence[str]) -> Any:
    from hive_metastore.ttypes import FieldSchema, Table

    return Table(
        tableName=name,
        dbName=DATABASE,
        owner="bench",
        sd=_storage(place),
        partitionKeys=[FieldSchema(name=key, type="string") for key in keys],
        parameters={"EXTERNAL": "TRUE"},
        tableType="EXTERNAL_TABLE",
    )


def _storage(place: str) -> Any:
    from hive_metastore.ttypes import FieldSchema, SerDeInfo, StorageDescriptor

    told = "org.apache.hadoop.hive.ql.io.parquet"
    return StorageDescriptor(
        cols=[FieldSchema(name="id", type="bigint"), FieldSchema(name="x", type="double")],
        location=place,
        inputFormat=f"{told}.MapredParquetInputFormat",
        outputFormat="",
        numBuckets=-1,
        serdeInfo=SerDeInfo(serializationLib=f"{told}.serde.ParquetHiveSerDe", parameters={}),
        bucketCols=[],
        sortCols=[],
        parameters={},
    )


def database(stack: Lent, out: Console, tables: int, partitions: int) -> list[Pair]:
    with doing(out, f"making {tables:,} tables, and one of {partitions:,} partitions"):
        make_database(stack.env, tables, partitions)
    shown = stack.folder / "database.json"
    words = ("migrate", "from-hive", "--uri", stack.env["HIVE_METASTORE_URI"], "--database")
    with doing(out, "a dry run of the database"), shown.open("wb") as output:
        started = time.perf_counter()
        code = stack.phlo_sql(
            *words, DATABASE, "--target", SCHEMA, "--dry-run", "--json", "--quiet", output=output
        )
        seconds = time.perf_counter() - started
    found = json.loads(shown.read_text("utf-8"))
    planned = [each for each in found["data"]["migrations"] if each["state"] == "planned"]
    if code or len(planned) != tables + 1:
        problem = f"{len(planned)} of {tables + 1} tables are planned: {found['errors']}"
        raise PhloSqlError(Code.INTERNAL, problem[:500], "run it by hand on a stack of your own")
    what = f"dry run of {tables:,} tables and {partitions:,} partitions"
    return [at_most(what, seconds, LIMIT, 1.0, "s")]


def measure(
    stack: Lent, out: Console, *, size: int, partitions: int, tables: int, of_one: int
) -> list[Pair]:
    """`partitions` of the table that is taken in place, `of_one` of the largest in the database."""
    with small_files.connected(stack.env) as connection:
        small_files.run(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    return [
        *whole_table(stack, out, size),
        *many_partitions(stack, out, partitions),
        *database(stack, out, tables, of_one),
    ]
