"""`migrate from-hive` and `from-glue` on real metastores: files of two writers, what is left alone,
and what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.glue import read_database
from phlo_sql.stack import ports
from tests.live import hive_tables, trino_cli
from tests.live.hive_tables import tell
from tests.live.migrating import Bench, everything

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.clients import Clients
    from tests.live.glue_copies import GlueCopies

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]

EDGES = """
    SELECT * FROM (VALUES
      (BIGINT '1', DOUBLE '-0.0', '', DATE '1900-01-01', DECIMAL '9999999999999999999999999999.99',
        ARRAY['a', NULL], 'a b'),
      (2, nan(), 'ünï ✓ 𝄞', DATE '9999-12-31', DECIMAL '-0.01', ARRAY[], 'a b'),
      (3, NULL, 'it''s "q"', NULL, NULL, NULL, NULL),
      (4, infinity(), NULL, DATE '1970-01-01', DECIMAL '0', ARRAY['z'], 'x_y-1'),
      (5, 1.5, 'z', DATE '2026-01-01', DECIMAL '1.00', ARRAY['z'], 'a/b=c'))
      AS t (id, d, text, day, price, tags, region)
"""


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


def uri(bench: Bench) -> str:
    return bench.stack.env["HIVE_METASTORE_URI"]


def from_hive(
    bench: Bench, database: str, target: str, *argv: str, expect: int = 0
) -> dict[str, Any]:
    return hive_tables.from_hive(bench, database, "--target", target, *argv, expect=expect)


def told(bench: Bench, database: str, name: str, place: str, **given: Any) -> None:
    tell(uri(bench), database, name, place, **given)


def same(stack: Clients, one: str, other: str, columns: str = "id, d, text, day, price") -> None:
    asked = f"SELECT count(*), checksum(ROW({columns})) FROM"
    assert stack.rows(f"{asked} {one}") == stack.rows(f"{asked} {other}")


def test_a_database_of_trinos_tables(bench: Bench, source: str, target: str) -> None:
    stack = bench.stack
    stack.rows(
        f"CREATE TABLE hive.{source}.parted COMMENT 'kept' WITH (format = 'PARQUET', "
        f"partitioned_by = ARRAY['region']) AS {EDGES}"
    )
    stack.rows(
        f"CREATE TABLE hive.{source}.whole WITH (format = 'ORC') AS SELECT e.*, "
        f"CAST('ch' AS char(5)) AS c, SMALLINT '7' AS s FROM ({EDGES}) e"
    )
    stack.rows(f"CREATE VIEW hive.{source}.seen AS SELECT 1 AS x")
    stack.rows(f"CREATE TABLE hive.{source}.lines WITH (format = 'TEXTFILE') AS SELECT 'a' AS x")
    told(
        bench, source, "lake_delta", f"{bench.folder}/d", **{"spark.sql.sources.provider": "delta"}
    )
    stack.rows(f"CREATE TABLE iceberg_hive.{source}.lake_ice (x integer)")
    before = bench.files(f"s3://lake/hive_external/{source}.db", f"s3://lake/hive/{source}.db")

    planned = from_hive(bench, source, target, "--dry-run")["data"]["migrations"]
    states = {each["table"].rpartition(".")[2]: (each["kind"], each["state"]) for each in planned}
    assert states == {
        "parted": ("hive", "planned"),
        "whole": ("hive", "planned"),
        "seen": ("view", "left alone"),
        "lines": ("other", "left alone"),
        "lake_delta": ("delta", "left alone"),
        "lake_ice": ("iceberg", "left alone"),
    }
    assert stack.rows(f"SHOW TABLES FROM {target}") == []

    done = from_hive(bench, source, target, "--yes")
    assert done["status"] == "success"
    for table in ("parted", "whole"):
        same(stack, f"hive.{source}.{table}", f"{target}.{table}")
    assert stack.rows(f"SELECT region FROM {target}.parted WHERE id IN (3, 5) ORDER BY id") == [
        (None,),
        ("a/b=c",),
    ]
    assert stack.rows(f"SELECT DISTINCT s, c FROM {target}.whole") == [(7, "ch")]
    modes = stack.rows(
        f"SELECT \"$path\" LIKE '%/{source}.db/%', id FROM {target}.parted ORDER BY id"
    )
    assert modes == [(True, 1), (True, 2), (True, 3), (True, 4), (False, 5)]
    assert (
        bench.files(f"s3://lake/hive_external/{source}.db", f"s3://lake/hive/{source}.db") == before
    )

    again = from_hive(bench, source, target, "--if-exists", "skip", "--yes")
    assert again["status"] == "noop"


def test_a_plan_tells_what_the_metastore_knows(bench: Bench, source: str, target: str) -> None:
    stack = bench.stack
    stack.rows(
        f"CREATE TABLE hive.{source}.parted (id bigint COMMENT 'key', text varchar, k varchar) "
        "COMMENT 'told' WITH (format = 'ORC', partitioned_by = ARRAY['k'], "
        "bucketed_by = ARRAY['id'], bucket_count = 2, sorted_by = ARRAY['id'], "
        "extra_properties = map(ARRAY['team'], ARRAY['sales']))"
    )
    stack.rows(f"INSERT INTO hive.{source}.parted VALUES (1, 'a', 'x'), (2, NULL, 'y')")
    stack.rows(f"CREATE TABLE hive.{source}.whole AS SELECT name FROM tpch.tiny.nation")

    def planned(name: str) -> dict[str, Any]:
        found = from_hive(bench, source, target, "--table", name, "--dry-run")
        return dict(found["data"])

    parted = planned("parted")
    there = bench.files(f"s3://lake/hive_external/{source}.db/parted")
    assert parted["source"] == {
        "kind": "hive",
        "location": f"s3://lake/hive_external/{source}.db/parted",
        "format": "orc",
        "files": len(there),
        "bytes": sum(there.values()),
        "rows": None,
        "partitions": 2,
        "owner": stack.env["TRINO_USER"],
        "comment": "told",
        "properties": {"team": "sales"},
        "bucketing": {"columns": ["id"], "buckets": 2, "sorted_by": ["id"]},
        "statistics": parted["source"]["statistics"],
        "constraints": [],
    }
    told = parted["source"]["statistics"]
    assert told["rows"] == 2
    assert {name: each["nulls"] for name, each in told["columns"].items()} == {"id": 0, "text": 1}
    assert parted["columns"][0]["comment"] == "key"
    assert planned("whole")["source"]["statistics"] == {
        "rows": 25,
        "columns": {"name": {"distinct": 25, "nulls": 0}},
    }


def test_files_that_pyarrow_wrote_are_read_by_their_own_names(
    bench: Bench, source: str, target: str
) -> None:
    rows = everything(zoned=False).drop_columns(["ts", "raw", "place", "tags"])
    bench.put("t/part-0.parquet", rows)
    columns = [
        ("id", "bigint"), ("small", "int"), ("ok", "boolean"), ("f", "float"), ("d", "double"),
        ("price", "decimal(38,0)"), ("rate", "decimal(5,2)"), ("text", "string"), ("day", "date"),
    ]  # fmt: skip
    told(bench, source, "t", f"{bench.folder}/t", columns=columns)
    done = from_hive(bench, source, target, "--table", "t", "--yes")
    assert done["data"]["result"]["rows"] == rows.num_rows
    same(bench.stack, f"hive.{source}.t", f"{target}.t")


def test_partitions_are_where_the_metastore_says_and_nowhere_else(
    bench: Bench, source: str, target: str
) -> None:
    """Elsewhere, in a folder of another's name, two in one folder, of another format, with a value
    that needs escaping, and folders that no partition names: one table."""

    def put(name: str, *ids: int) -> str:
        return bench.put(name, pa.table({"id": list(ids)})).rpartition("/")[0]

    partitions = {
        "1": put("t/k=1/a.parquet", 1, 2),
        "2": put("away/two/a.parquet", 3),
        "a/b": put("t/k=a%2Fb/a.parquet", 4),
        "4-orc": put("t/k=4-orc/a.orc", 5, 6),
        "5": put("shared/a.parquet", 7),
        "6": f"{bench.folder}/shared",
        "7": put("t/k=8/a.parquet", 8),
        "__HIVE_DEFAULT_PARTITION__": put("t/k=__HIVE_DEFAULT_PARTITION__/a.parquet", 9),
    }
    put("t/k=2/a.parquet", 90)  # where partition 2 would be looked for by its name
    put("t/k=9/a.parquet", 91)
    told(bench, source, "t", f"{bench.folder}/t", keys=["k"], partitions=partitions)
    before = bench.files(bench.folder)

    done = from_hive(bench, source, target, "--table", "t", "--yes")
    assert done["data"]["result"]["rows"] == 10
    rows = "SELECT k, count(*), checksum(id) FROM"
    assert set(bench.stack.rows(f"{rows} {target}.t GROUP BY k")) == set(
        bench.stack.rows(f"{rows} hive.{source}.t GROUP BY k")
    )
    in_place = {
        key
        for key, path in bench.stack.rows(f'SELECT k, "$path" FROM {target}.t')
        if path.startswith(bench.folder)
    }
    assert in_place == {"1", "2", "7", None}
    assert bench.files(bench.folder) == before
    planned = from_hive(bench, source, f"{target}", "--table", "t", "--dry-run", expect=3)
    assert planned["reason_code"] == "target_exists"


def test_a_partition_whose_folder_is_gone_is_refused(
    bench: Bench, source: str, target: str
) -> None:
    rows = everything(zoned=False).select(["id"])
    partitions = {"1": bench.put("t/k=1/a.parquet", rows).rpartition("/")[0]}
    partitions["4"] = f"{bench.folder}/t/k=4"
    told(bench, source, "t", f"{bench.folder}/t", keys=["k"], partitions=partitions)
    bench.store.delete_dir(f"{bench.folder.removeprefix('s3://')}/t/k=4")
    refused = from_hive(bench, source, target, "--yes", expect=3)
    assert refused["reason_code"] == "not_migratable"
    assert bench.stack.rows(f"SHOW TABLES FROM {target}") == []


def test_names_are_swapped_by_a_runbook_of_its_own_and_swapped_back(
    bench: Bench, source: str, target: str, tmp_path: Path
) -> None:
    rows = everything(zoned=False).select(["id", "text"])
    columns = [("id", "bigint"), ("text", "string")]
    bench.put("t/a.parquet", rows)
    told(bench, source, "t", f"{bench.folder}/t", columns=columns)
    stack, file = bench.stack, str(tmp_path / "swap.sql")
    words = ("--table", "t", "--cut-over", file, "--yes")
    wrong = from_hive(bench, source, target, *words, "--source-catalog", "iceberg_hive", expect=1)
    assert wrong["reason_code"] == "unknown_table"
    done = from_hive(bench, source, target, *words, "--if-exists", "skip")
    assert done["data"]["cut_over"]["runbook"] == file
    asked = f"SELECT count(*), checksum(id) FROM hive.{source}.t"
    before = stack.rows(asked)
    tables = f"SHOW TABLES FROM hive.{source}"
    assert stack.rows(tables) == [("t",)], "nothing of it ran"

    assert bench.other("runbook", "apply", file, "--yes")["status"] == "success"
    assert stack.rows(tables) == [("t",), ("t_before_migration",)]
    assert stack.rows(asked) == before
    created = stack.rows(f"SHOW CREATE VIEW hive.{source}.t")[0][0]
    assert "SECURITY INVOKER" in created
    stack.rows(f"INSERT INTO {target}.t VALUES (99, 'new')")
    assert stack.rows(asked)[0][0] == before[0][0] + 1, "readers of the old name see it"

    assert bench.other("runbook", "undo", file, "--yes")["status"] == "success"
    assert stack.rows(tables) == [("t",)]
    assert stack.rows(asked) == before


def test_trinos_own_cli_runs_what_is_saved(
    bench: Bench, source: str, target: str, tmp_path: Path
) -> None:
    """A migration with partitions of both modes, the swap of the names, and the detaching."""
    stack, cli = bench.stack, trino_cli.command()
    for raw in ("k=x", "k=a%2Fb"):
        bench.put(f"t/{raw}/1.parquet", pa.table({"id": [1, 2]}))
    folders = {key: f"{bench.folder}/t/k={raw}" for key, raw in (("x", "x"), ("a/b", "a%2Fb"))}
    told(bench, source, "t", f"{bench.folder}/t", keys=["k"], partitions=folders)
    file = tmp_path / "by-hand.sql"

    def by_hand() -> None:
        ran = trino_cli.run_file(cli, stack, file)
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        made = set(re.findall(r'CREATE CATALOG "(\w+)"', file.read_text()))
        assert not made & {name for (name,) in stack.rows("SHOW CATALOGS")}

    from_hive(bench, source, target, "--table", "t", "--out", str(file))
    by_hand()
    rows = [("a/b", 2), ("x", 2)]
    assert stack.rows(f"SELECT k, count(*) FROM {target}.t GROUP BY 1 ORDER BY 1") == rows
    swap = ("--if-exists", "skip", "--cut-over", str(file), "--yes")
    from_hive(bench, source, target, "--table", "t", *swap)
    by_hand()
    assert stack.rows(f"SELECT k, count(*) FROM hive.{source}.t GROUP BY 1 ORDER BY 1") == rows
    bench("detach", f"{target}.t", "--out", str(file))
    by_hand()
    schema = target.partition(".")[2]
    paths = stack.rows(f'SELECT file_path FROM {target}."t$files"')
    assert paths
    assert not [path for (path,) in paths if schema not in path]
    assert stack.rows(f"SELECT k, count(*) FROM {target}.t GROUP BY 1 ORDER BY 1") == rows


def test_a_table_of_glue(bench: Bench, source: str, target: str, glue: GlueCopies) -> None:
    bench.stack.rows(
        f"CREATE TABLE hive.{source}.t WITH (format = 'PARQUET', "
        f"partitioned_by = ARRAY['region']) AS {EDGES}"
    )
    glue.copy(source)
    where = ("--endpoint", bench.stack.env["GLUE_ENDPOINT_URL"], "--region", "us-east-1")
    words = ("from-glue", *where, "--target", target, "--database")
    assert bench(*words, source, "--yes")["data"]["result"]["rows"] == 5
    same(bench.stack, f"hive.{source}.t", f"{target}.t")
    wrong = bench(*words, source[:-1], "--dry-run", expect=1)
    assert wrong["reason_code"] == "unknown_schema"


def test_sources_that_do_not_answer_are_one_line(bench: Bench) -> None:
    address = f"127.0.0.1:{ports.choose(('free',), {}, {})['free']}"
    rest = ("--database", "x", "--target", "nessie.x", "--dry-run")
    down = bench("from-hive", "--uri", f"thrift://{address}", *rest, expect=1)
    assert down["reason_code"] == "server_down"
    bad = bench("from-hive", "--uri", "h:9083", *rest, expect=2)
    assert bad["reason_code"] == "bad_setting"
    unknown = bench("from-hive", "--uri", uri(bench), *rest, expect=1)
    assert unknown["reason_code"] == "unknown_schema"
    glue = ("from-glue", "--endpoint", f"http://{address}")
    found = bench(*glue, *rest, expect=1)  # the region is that of AWS_REGION
    assert found["reason_code"] == "server_down"
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        bench.monkeypatch.delenv(name, raising=False)
    with pytest.raises(PhloSqlError, match="region") as nowhere:
        read_database("x", region=None, endpoint=f"http://{address}")
    assert nowhere.value.code is Code.MISSING_SETTING
