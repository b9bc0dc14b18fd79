"""Hive tables whose files are otherwise than the metastore says: copied, or left alone, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.live.hive_tables import ORC, from_hive, tell

if TYPE_CHECKING:
    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def test_what_files_hold_decides(bench: Bench, source: str, target: str) -> None:
    uri = bench.stack.env["HIVE_METASTORE_URI"]
    tables = {
        # as Impala and old Hives write strings
        "plain": (pa.table({"v": pa.array([b"a", None])}), [("v", "string")]),
        # the column was widened since
        "wider": (pa.table({"v": pa.array([1, None], pa.int32())}), [("v", "bigint")]),
        # as Spark writes names of its own case
        "cased": (pa.table({"v": pa.array([{"Zip": 1}, None])}), [("v", "struct<zip:bigint>")]),
    }
    for name, (rows, columns) in tables.items():
        bench.put(f"{name}/1.parquet", rows)
        tell(uri, source, name, f"{bench.folder}/{name}", columns=columns)
    # as Hive writes for a bucket without rows
    bench.put("empty/1.parquet", pa.table({"v": ["a", None]}))
    bench.put("empty/0.parquet", b"")
    tell(uri, source, "empty", f"{bench.folder}/empty", columns=[("v", "string")])
    # a column went since
    bench.put("went/1.orc", pa.table({"v": ["a", None], "gone": [1, 2]}))
    tell(uri, source, "went", f"{bench.folder}/went", columns=[("v", "string")], form=ORC)
    # as Hive wrote ORC before 2.0
    bench.put("old/1.orc", pa.table({"_col0": pa.array(["a", None])}))
    tell(uri, source, "old", f"{bench.folder}/old", columns=[("v", "string")], form=ORC)
    bench.put("pressed/1.parquet", pa.table({"v": ["a"]}), compression="brotli")
    tell(uri, source, "pressed", f"{bench.folder}/pressed", columns=[("v", "string")])

    seen = from_hive(bench, source, "--target", target, "--dry-run")["data"]["migrations"]
    by_name = {each["table"].rpartition(".")[2]: each for each in seen}
    assert {name: each.get("mode") for name, each in by_name.items()} == {
        "plain": "copy",
        "wider": "in-place",
        "cased": "copy",
        "went": "copy",
        "empty": "copy",
        "old": None,
        "pressed": None,
    }
    assert "v: it is binary in s3://" in by_name["plain"]["reason"]
    assert by_name["old"]["state"] == by_name["pressed"]["state"] == "left alone"
    assert "names its columns _col0" in by_name["old"]["reason"]
    assert "BROTLI" in by_name["pressed"]["reason"]

    done = from_hive(bench, source, "--target", target, "--yes")
    assert done["status"] == "success", done
    for name, value in {"plain": "a", "wider": 1, "went": "a", "empty": "a"}.items():
        found = bench.stack.rows(f"SELECT v FROM {target}.{name}")
        assert set(found) == {(value,), (None,)}, name
    assert bench.stack.rows(f"SELECT v.zip FROM {target}.cased WHERE v IS NOT NULL") == [(1,)]
