"""Odd names, odd times and another writer, brought to a branch; storage that says no."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from phlo_sql.stack.clients import Clients
from tests.live.hive_tables import AVRO, from_hive, tell
from tests.live.migrating import US, Bench

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]
ODD = 'it\'s a.b "q" ünï'
"""As a column's name: of tables' names the metastore takes letters, digits, _ and / only."""
SLASHED = "odd/t"
PYICEBERG = "PYICEBERG_CATALOG__NESSIE__S3__SECRET_ACCESS_KEY"
MS = US.replace(microsecond=123000)


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def odd_tables(bench: Bench, source: str) -> None:
    uri = bench.stack.env["HIVE_METASTORE_URI"]
    bench.put("odd/k=x/1.parquet", pa.table({ODD: ["ü"], "id": [1]}))
    tell(uri, source, SLASHED, f"{bench.folder}/odd", columns=[(ODD, "string"), ("id", "bigint")],
         keys=["k"], partitions={"x": f"{bench.folder}/odd/k=x"})  # fmt: skip
    units = {
        "ms": pa.array([MS, None], pa.timestamp("ms")),
        "us": pa.array([US, dt.datetime(9999, 12, 31)], pa.timestamp("us")),  # noqa: DTZ001
        "ns": pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns")),
    }
    bench.put("units/1.parquet", pa.table(units))
    tell(uri, source, "units", f"{bench.folder}/units",
         columns=[(name, "timestamp") for name in units])  # fmt: skip
    bench.put("int96/1.parquet", pa.table({"at": pa.array([US, None], pa.timestamp("us"))}),
              use_deprecated_int96_timestamps=True)  # fmt: skip
    tell(uri, source, "int96", f"{bench.folder}/int96", columns=[("at", "timestamp")])
    fields = [
        {"name": "id", "type": "long"},
        {"name": "text", "type": ["null", "string"]},
        {"name": "d", "type": ["null", "double"]},
    ]
    rows = [{"id": 1, "text": None, "d": -0.0}, {"id": 2, "text": "ü", "d": float("nan")}]
    bench.put_avro("avro/1.avro", {"type": "record", "name": "r", "fields": fields}, rows)
    tell(uri, source, "avro", f"{bench.folder}/avro", form=AVRO,
         columns=[("id", "bigint"), ("text", "string"), ("d", "double")])  # fmt: skip


def by_name(answer: dict[str, Any], schema: str) -> dict[str, dict[str, Any]]:
    migrations = answer["data"]["migrations"]
    return {each["table"].rpartition(f"{schema}.")[2]: each for each in migrations}


def test_odd_names_times_in_every_unit_and_avro_of_fastavro_on_a_branch(
    bench: Bench, source: str, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "nessie_dev").partition(".")[2]
    odd_tables(bench, source)
    words = ("--target", f"nessie.{schema}", "--ref", "dev", "--parallel", "2")
    seen = from_hive(bench, source, *words, "--dry-run")
    modes = {name: each["mode"] for name, each in by_name(seen, schema).items()}
    odd = next(name for name in modes if "odd" in name)
    assert modes == {odd: "in-place", "units": "copy", "int96": "copy", "avro": "in-place"}
    at = f"nessie_dev.{schema}"
    anew = ("--table", SLASHED, "--partition-by", "bucket(id, 4)")
    assert from_hive(bench, source, *words, *anew, "--yes")["status"] == "success"
    created = str(bench.stack.rows(f'SHOW CREATE TABLE {at}."{SLASHED}"')[0][0])
    assert "partitioning = ARRAY['bucket(id, 4)']" in created
    done = from_hive(bench, source, *words, "--yes")
    states = {name: each["state"] for name, each in by_name(done, schema).items()}
    assert states == {odd: "done", "units": "success", "int96": "success", "avro": "success"}
    quoted = '"' + ODD.replace('"', '""') + '"'
    assert bench.stack.rows(f'SELECT {quoted}, id, k FROM {at}."{SLASHED}"') == [("ü", 1, "x")]
    later = f"SELECT cast(ns AS varchar), ms, us FROM {at}.units WHERE ms >= TIMESTAMP '{MS}'"
    assert bench.stack.rows(later) == [("2023-11-14 22:13:20.123457", MS, US)]
    assert bench.stack.rows(f"SELECT max(us) FROM {at}.units")[0][0].year == 9999
    assert bench.stack.rows(f"SELECT at FROM {at}.int96 WHERE at >= TIMESTAMP '{US}'") == [(US,)]
    assert bench.stack.rows(f"SELECT id, text, is_nan(d) FROM {at}.avro ORDER BY id") == [
        (1, None, False),
        (2, "ü", True),
    ]
    assert not bench.stack.rows(f"SHOW SCHEMAS FROM nessie LIKE '{schema}'")
    skipped = from_hive(bench, source, *words, "--table", "avro", "--if-exists", "skip", "--yes")
    assert (skipped["status"], skipped["reason_code"]) == ("noop", "exists")


def test_storage_that_lets_nobody_in_is_one_line(
    bench: Bench, source: str, make_schema: Callable[..., str]
) -> None:
    target = make_schema(bench.stack, "nessie")
    bench.put("t/1.parquet", pa.table({"id": [1]}))
    tell(bench.stack.env["HIVE_METASTORE_URI"], source, "t", f"{bench.folder}/t")
    before = bench.files(bench.folder)
    key = "ICEBERG_S3_SECRET_KEY"
    wrong = replace(bench, stack=Clients(env={**bench.stack.env, key: "wrong", PYICEBERG: "wrong"}))
    for how in (("--dry-run",), ("--yes",)):
        refused = from_hive(wrong, source, "--target", target, *how, expect=1)
        assert refused["reason_code"] == "storage_unreadable"
        assert "wrong" not in str(refused)
    assert bench.files(bench.folder) == before
    assert not bench.stack.rows(f"SHOW TABLES FROM {target}")
