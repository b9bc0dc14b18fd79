"""`migrate convert` on real servers: what it makes holds what the files hold, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from tests.live.migrating import US, Bench, everything

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


pytestmark = pytest.mark.live


@pytest.fixture
def bench(each_bench: Bench) -> Bench:
    return each_bench


def modes(document: dict[str, Any]) -> dict[str | None, str]:
    return {each["partition"]: each["mode"] for each in document["data"]["modes"]}


class TestInPlace:
    @pytest.mark.parametrize("catalog", ["iceberg_s3", "nessie"])
    def test_every_type_is_read_where_it_is_and_the_source_outlives_the_table(
        self, bench: Bench, make_schema: Callable[..., str], catalog: str
    ) -> None:
        schema = make_schema(bench.stack, catalog)
        bench.put("a.parquet", everything())
        bench.put("b.parquet", everything())
        before = bench.files(bench.folder)
        document = bench.convert(bench.folder, f"{schema}.t", "--mode", "in-place")
        assert document["data"]["result"] == {"added_data_files": 2, "rows": 8}
        rows = bench.stack.rows(f"SELECT count(*), count_if(is_nan(d)), max(price) FROM {schema}.t")
        assert rows[0][:2] == (8, 2)
        assert str(rows[0][2]) == "9" * 38
        paths = bench.stack.rows(f'SELECT file_path FROM {schema}."t$files"')
        assert {path.removeprefix("s3://") for (path,) in paths} == set(before)
        assert bench.runs()
        assert not bench.left_catalogs()
        stats = {row[0]: row[2] for row in bench.stack.rows(f"SHOW STATS FOR {schema}.t")}
        assert stats["id"] == 4, "ANALYZE was part of it"
        later = bench.stack.rows(f"SELECT count(*) FROM {schema}.t WHERE ts >= TIMESTAMP '{US}'")
        assert later == [(4,)]
        # The trap: without the guard, DROP TABLE of a JDBC catalog deletes the source's files.
        bench.stack.rows(f"DROP TABLE {schema}.t")
        assert bench.files(bench.folder) == before

    def test_partitions_with_two_keys_null_and_values_that_need_escaping(
        self, bench: Bench, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(bench.stack, "iceberg_s3")
        odd = "a%2Fb%3Ac"
        for region in ("x", "a b", odd, "__HIVE_DEFAULT_PARTITION__"):
            for day in ("2024-01-01", "2024-01-02"):
                bench.put(f"region={region}/day={day}/1.parquet", everything().drop(["day"]))
        document = bench.convert(bench.folder, f"{schema}.t")
        assert document["data"]["result"]["rows"] == 32
        found = bench.stack.rows(
            f"SELECT region, cast(day AS varchar), count(*) FROM {schema}.t GROUP BY 1, 2"
        )
        assert set(found) == {
            (region, day, 4)
            for region in ("x", "a b", "a/b:c", None)
            for day in ("2024-01-01", "2024-01-02")
        }
        sources = bench.stack.rows(f'SELECT partition.region, "file_path" FROM {schema}."t$files"')
        own = {region for region, path in sources if "/sources/" not in path}
        assert own == {"a/b:c"}, "only what can't be taken in place is copied"

    def test_a_branch_of_nessie_has_it_and_main_does_not(
        self, bench: Bench, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(bench.stack, "nessie_dev").partition(".")[2]
        bench.put("a.parquet", everything())
        bench.convert(f"{bench.folder}/a.parquet", f"nessie.{schema}.t", "--ref", "dev")
        assert bench.stack.rows(f"SELECT count(*) FROM nessie_dev.{schema}.t") == [(4,)]
        assert not bench.stack.rows(f"SHOW SCHEMAS FROM nessie LIKE '{schema}'")


class TestCopy:
    def test_what_has_wrong_bounds_or_no_type_in_place_is_copied_and_right(
        self, bench: Bench, make_schema: Callable[..., str]
    ) -> None:
        """`add_files` gives milliseconds bounds of 1970: `WHERE` then loses rows silently."""
        schema = make_schema(bench.stack, "iceberg_s3")
        table = pa.table(
            {
                "ms": pa.array([US.replace(microsecond=123000)], pa.timestamp("ms")),
                "ns": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
                "at": pa.array([US.replace(microsecond=5000)], pa.timestamp("ms", "UTC")),
                "u8": pa.array([255], pa.uint8()),
                "u16": pa.array([65535], pa.uint16()),
                "u32": pa.array([2**32 - 1], pa.uint32()),
                "u64": pa.array([2**64 - 1], pa.uint64()),
                "i8": pa.array([-128], pa.int8()),
            }
        )
        bench.put("a.parquet", table)
        plan = bench.planned(bench.folder, f"{schema}.t", "--mode", "in-place", expect=3)
        assert "milliseconds" in plan["errors"][0] or "wrong bounds" in plan["errors"][0]
        document = bench.convert(bench.folder, f"{schema}.t")
        assert document["data"]["result"]["rows"] == 1
        row = bench.stack.rows(
            f"SELECT u8, u16, u32, u64, i8, cast(ns AS varchar) FROM {schema}.t "
            "WHERE ms >= TIMESTAMP '2023-11-14 22:13:20.100'"
        )[0]
        assert [int(each) for each in row[:5]] == [255, 65535, 2**32 - 1, 2**64 - 1, -128]
        assert row[5] == "2023-11-14 22:13:20.123457"

    def test_local_files_and_a_new_partitioning(
        self, bench: Bench, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        import pyarrow.parquet as pq

        schema = make_schema(bench.stack, "iceberg")
        folder = tmp_path / "in put"
        folder.mkdir()
        pq.write_table(everything(), folder / "a.parquet")
        pq.write_table(everything(), folder / "other.parquet")
        document = bench.convert(
            f"{folder}/a*.parquet", f"{schema}.t", "--partition-by", "month(ts)"
        )
        assert document["data"]["result"]["rows"] == 4
        assert "local" in bench.planned(str(folder), f"{schema}.u")["data"]["modes"][0]["reason"]
        created = bench.stack.rows(f"SHOW CREATE TABLE {schema}.t")[0][0]
        assert "month(ts)" in created

    def test_orc_and_avro(self, bench: Bench, make_schema: Callable[..., str]) -> None:
        schema = make_schema(bench.stack, "iceberg_s3")
        bench.put("orc/a.orc", everything(zoned=False).drop(["ts"]))
        document = bench.convert(f"{bench.folder}/orc", f"{schema}.o", "--format", "orc")
        assert document["data"]["result"]["rows"] == 4
        fields = [
            {"name": "id", "type": "long", "doc": "the key"},
            {"name": "Text", "type": ["null", "string"]},
            {"name": "d", "type": "double"},
        ]
        rows = [{"id": 1, "Text": None, "d": -0.0}, {"id": 2, "Text": "ü", "d": float("nan")}]
        bench.put_avro("avro/a.avro", {"type": "record", "name": "r", "fields": fields}, rows)
        document = bench.convert(f"{bench.folder}/avro", f"{schema}.a", "--format", "avro")
        assert document["data"]["result"]["rows"] == 2
        created = bench.stack.rows(f"SHOW CREATE TABLE {schema}.a")[0][0]
        assert "id bigint COMMENT 'the key'" in created  # in place: Avro counts no NULLs

    def test_partitions_side_by_side_a_sample_of_them_compared_and_a_report(
        self, bench: Bench, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        schema = make_schema(bench.stack, "nessie")
        for key in range(3):
            bench.put(f"k={key}/a.parquet", pa.table({"id": list(range(10))}))
        page = tmp_path / "report.html"
        document = bench.convert(
            bench.folder, f"{schema}.t", "--mode", "copy", "--parallel", "3", "--verify", "sample",
            "--report", str(page),
        )  # fmt: skip
        assert document["data"]["result"]["rows"] == 30
        assert bench.stack.rows(f"SELECT count(*), sum(k) FROM {schema}.t") == [(30, 30)]
        text = page.read_text()
        assert document["data"]["operation"] in text
        assert "DIFFERS" not in text


class TestRefused:
    """Each with its reason, and nothing left behind."""

    def test_bad_input(self, bench: Bench, make_schema: Callable[..., str]) -> None:
        schema = make_schema(bench.stack, "iceberg_s3")
        good = everything()
        bench.put("cut/a.parquet", good)
        whole = bench.put("cut/b.parquet", good).removeprefix("s3://")
        data = bench.store.open_input_stream(whole).read()
        bench.put("cut/b.parquet", bytes(data[: len(data) // 2]))
        bench.put("mixed/a.parquet", pa.table({"id": pa.array([1], pa.int64())}))
        bench.put("mixed/b.parquet", pa.table({"id": ["x"]}))
        bench.put("twice/a.parquet", pa.table([[1], [2]], names=["a", "A"]))
        bench.put("deep/sub/a.parquet", good)
        bench.put("text/a.parquet", b"id,name\n1,x\n")
        bench.put("tab/_SUCCESS", b"")
        before = bench.files(bench.folder)
        for folder, words in {
            "cut": "cut/b.parquet",
            "mixed": "id is int64 in",
            "twice": "a stands more than once",
            "deep": "no partition",
            "text": "1 of 1 files can't be read as parquet",
            "tab": "there is no data file",
            "nothing": "there is no data file",
        }.items():
            document = bench.planned(f"{bench.folder}/{folder}", f"{schema}.t", expect=1)
            assert document["reason_code"] == "bad_source"
            assert words in document["errors"][0]
        assert bench.files(bench.folder) == before
        assert not bench.left_catalogs()
        assert not bench.stack.rows(f"SHOW TABLES FROM {schema}")

    def test_a_table_that_is_there(self, bench: Bench, make_schema: Callable[..., str]) -> None:
        schema = make_schema(bench.stack, "iceberg_s3")
        bench.stack.rows(f"CREATE TABLE {schema}.t (id bigint)")
        bench.put("a.parquet", everything())
        document = bench.convert(bench.folder, f"{schema}.t", expect=3)
        assert document["reason_code"] == "target_exists"
        document = bench.convert(bench.folder, f"{schema}.t", "--if-exists", "skip")
        assert document["status"] == "noop"
        assert bench.stack.rows(f"SELECT count(*) FROM {schema}.t") == [(0,)]

    def test_a_saved_runbook_holds_no_secret(
        self, bench: Bench, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        schema = make_schema(bench.stack, "iceberg_s3")
        bench.put("a.parquet", everything())
        saved = tmp_path / "runbook.sql"
        bench(
            "convert", bench.folder, "--table", f"{schema}.t", "--format", "parquet", "--mode",
            "copy", "--out", str(saved),
        )  # fmt: skip
        text = saved.read_text()
        assert "hunter" not in text
        assert bench.stack.env["ICEBERG_S3_SECRET_KEY"] not in text
