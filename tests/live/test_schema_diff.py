"""`schema diff` and `schema export` on real servers: what they write is what Trino makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
LEFT = (
    "id integer NOT NULL COMMENT 'key', a bigint, gone varchar, "
    "r row(x integer, y varchar), arr array(row(p real)), m map(varchar, row(k integer)), "
    '"a b" decimal(38,38), "we""ird.name" date, ts timestamp(6)'
)
RIGHT = (
    "id bigint COMMENT 'the key', come uuid COMMENT 'it''s', a bigint, "
    "r row(z date, x bigint), arr array(row(p double, q timestamp(6) with time zone)), "
    'm map(varchar, row(k bigint, j varchar)), "a b" decimal(38,38), "we""ird.name" date, '
    "ts timestamp(6), v map(integer, array(row(e varbinary)))"
)


class TestTables:
    def test_the_alters_leave_no_difference(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(each_stack)
        one, other = f"{schema}.one", f"{schema}.other"
        version = each_stack.version
        moved = "" if version < 480 else ", partitioning = ARRAY['day(ts)', 'bucket(id, 4)']"
        before = "" if version < 480 else " WITH (partitioning = ARRAY['day(ts)'])"
        each_stack.rows(f"CREATE TABLE {one} ({LEFT}){before}")
        each_stack.rows(
            f"CREATE TABLE {other} ({RIGHT}) COMMENT 'all' "
            f"WITH (sorted_by = ARRAY['a DESC NULLS LAST'], format = 'ORC'{moved})"
        )
        found = document(each_stack, "schema", "diff", one, other, "--exit-code")
        assert found["exit_code"] == 1
        assert {each["what"] for each in found["data"]["differences"]} >= {
            "added", "dropped", "type", "nullability", "comment", "sort order", "property",
        }  # fmt: skip
        sql = document(each_stack, "schema", "diff", one, other, "--format", "sql")["data"]["sql"]
        for statement in sql:
            each_stack.rows(statement.removesuffix(";"))
        left = document(each_stack, "schema", "diff", one, other, "--exit-code")
        unreached = [] if version >= 480 else ["m.value.j"]  # 476 sets no type that holds a map
        assert [each["path"] for each in left["data"]["differences"]] == unreached
        assert left["exit_code"] == bool(unreached)  # a field inside a column breaks writers

    def test_exported_sql_makes_the_same_table(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        schema = make_schema(stack)
        first, second = f"{schema}.first", f"{schema}.second"
        stack.rows(
            f"CREATE TABLE {first} ({RIGHT}, n timestamp(9) with time zone, w variant, "
            "d integer DEFAULT 7) COMMENT 'it''s' WITH (format_version = 3, "
            "partitioning = ARRAY['truncate(a, 10)', '\"we\"\"ird.name\"'], "
            "sorted_by = ARRAY['id'], target_max_file_size = '64MB', max_commit_retry = 7)"
        )
        text = phlo_sql(stack, "schema", "export", first, "--format", "sql").stdout
        stack.rows(text.replace('"first"', '"second"').strip().removesuffix(";"))
        assert document(stack, "schema", "diff", first, second)["data"]["differences"] == []
        for form, suffix in (("python", "py"), ("json-schema", "json"), ("avro", "avsc")):
            file = tmp_path / f"first.{suffix}"
            file.write_text(phlo_sql(stack, "schema", "export", first, "--format", form).stdout)
            found = document(stack, "schema", "diff", first, str(file))["data"]["differences"]
            assert found == [], form

    def test_a_folder_with_an_index(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        schema = make_schema(stack)
        stack.rows(f"CREATE TABLE {schema}.one ({LEFT})")
        stack.rows(f'CREATE TABLE {schema}."two/x" ({RIGHT})')
        stack.rows(f"CREATE VIEW {schema}.seen AS SELECT 1 one")
        done = document(stack, "schema", "export", f"{schema}.*", "--out", str(tmp_path))
        assert done["status"] == "success", done
        assert len(done["data"]["schema"]["files"]) == 3
        assert (tmp_path / "index.md").read_text().count("](") == 2

    def test_a_snapshot_and_a_time(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = f"{make_schema(stack)}.t"
        stack.rows(f"CREATE TABLE {table} (a integer)")
        stack.rows(f"INSERT INTO {table} VALUES 1")
        schema, name = table.rsplit(".", 1)
        [[snapshot]] = stack.rows(
            f'SELECT snapshot_id FROM {schema}."{name}$snapshots" '
            "ORDER BY committed_at DESC LIMIT 1"
        )
        stack.rows(f"ALTER TABLE {table} RENAME COLUMN a TO b")
        found = document(stack, "schema", "diff", f"{table}@{snapshot}", table)
        [renamed] = found["data"]["differences"]
        assert (renamed["what"], renamed["old"], renamed["new"]) == ("renamed", "a", "b")
        refused = document(stack, "schema", "diff", f"{table}@2001-01-01", table)
        assert refused["reason_code"] == "unknown_snapshot"


class TestBranches:
    def test_a_branch_alone_then_brought_over(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack, "nessie_dev")
        bare = schema.removeprefix("nessie_dev.")
        stack.rows(f"CREATE TABLE {schema}.t (id integer, a varchar)")
        words = ("--rename", "a:b", "--add-column", "c:int", "--allow-breaking", "--yes")
        done = document(stack, "schema", "evolve", f"nessie.{bare}.t", "--ref", "dev", *words)
        assert done["status"] == "success", done
        assert all('"nessie_dev"' in each["sql"] for each in done["data"]["plan"]["steps"])
        stack.rows(f"CREATE SCHEMA IF NOT EXISTS nessie.{bare}")
        try:
            stack.rows(f"CREATE TABLE nessie.{bare}.t (id integer, a varchar)")
            sides = (f"nessie.{bare}.t@main", f"nessie.{bare}.t@dev")
            shown = document(stack, "schema", "diff", *sides)["data"]["differences"]
            assert {each["what"] for each in shown} == {"added", "dropped"}  # two tables, by name
            same = document(stack, "schema", "evolve", f"nessie.{bare}.t", "--ref", "main", *words)
            assert same["status"] == "success", same
            assert document(stack, "schema", "diff", *sides)["data"]["differences"] == []
        finally:
            stack.rows(f"DROP SCHEMA nessie.{bare} CASCADE")
