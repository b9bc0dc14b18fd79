"""Whom a change breaks, as the server has it: what is classed so fails, and what is not goes on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from trino.exceptions import TrinoUserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.live.access_desk import Desk

pytestmark = pytest.mark.live
LACKS = "mismatched column types"


class TestWriters:
    def test_an_insert_of_a_whole_row_fails_once_it_has_another_field(
        self, desk: Desk, make_schema: Callable[..., str]
    ) -> None:
        stack, table = desk.stack, f"{make_schema(desk.stack)}.t"
        stack.rows(f"CREATE TABLE {table} (id integer, r row(x integer, y integer))")
        whole = f"INSERT INTO {table} (id, r) VALUES (1, ROW(1, 2))"
        nameless = f"INSERT INTO {table} VALUES (1, ROW(1, 2))"
        stack.rows(whole)
        code, refused = desk("schema", "evolve", table, "--add-column", "r.z:int", "--yes")
        assert (code, refused["reason_code"]) == (3, "breaking_change")
        assert "breaking for writers" in refused["errors"][0]
        stack.rows(whole)

        code, done = desk("schema", "evolve", table, "--add-column", "n:int", "--yes")
        assert code == 0, done  # it needs no leave, so it is classed as compatible
        stack.rows(whole)
        with pytest.raises(TrinoUserError, match=LACKS):
            stack.rows(nameless)

        words = ("--add-column", "r.z:int", "--allow-breaking", "--yes")
        code, done = desk("schema", "evolve", table, *words)
        assert code == 0, done
        with pytest.raises(TrinoUserError, match=LACKS):
            stack.rows(whole)

    def test_rows_are_filled_by_place(
        self, desk: Desk, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        stack, table = desk.stack, f"{make_schema(desk.stack)}.t"
        stack.rows(f"CREATE TABLE {table} (id integer, r row(x integer, y integer))")
        insert = f"INSERT INTO {table} VALUES (1, CAST(ROW(1, 2) AS row(x integer, y integer)))"
        stack.rows(insert)
        file = tmp_path / "wanted.sql"
        file.write_text("CREATE TABLE x.t (id integer, r row(y integer, x integer))")
        code, refused = desk("schema", "evolve", table, "--from", str(file), "--yes")
        assert (code, refused["reason_code"]) == (3, "breaking_change")
        assert "breaking for writers, an INSERT fills a ROW by place" in refused["errors"][0]
        words = ("--from", str(file), "--allow-breaking", "--yes")
        assert desk("schema", "evolve", table, *words)[0] == 0
        stack.rows(insert)
        assert stack.rows(f"SELECT r.x, r.y FROM {table} ORDER BY 1") == [(1, 2), (2, 1)]

    def test_a_default_taken_away_is_missed_by_who_relies_on_it(
        self, desk: Desk, make_schema: Callable[..., str]
    ) -> None:
        stack, table = desk.stack, f"{make_schema(desk.stack)}.t"
        stack.rows(
            f"CREATE TABLE {table} (id integer, d integer DEFAULT 7) WITH (format_version = 3)"
        )
        insert = f"INSERT INTO {table} (id) VALUES (1)"
        stack.rows(insert)
        code, refused = desk("schema", "evolve", table, "--default", "d:NULL", "--yes")
        assert (code, refused["reason_code"]) == (3, "breaking_change")
        assert "writes NULL" in refused["errors"][0]
        words = ("--default", "d:NULL", "--allow-breaking", "--yes")
        assert desk("schema", "evolve", table, *words)[0] == 0
        stack.rows(insert)
        assert {row[0] for row in stack.rows(f"SELECT d FROM {table}")} == {7, None}


@contextmanager
def with_materialized_views(desk: Desk, folder: Path) -> Iterator[str]:
    """A catalog on files, of the test's own: those on JDBC and REST have none."""
    name = f"mv_{desk.schema}"
    desk.stack.rows(
        f"CREATE CATALOG {name} USING iceberg WITH ("
        "\"iceberg.catalog.type\" = 'TESTING_FILE_METASTORE', "
        f"\"hive.metastore.catalog.dir\" = 'local://{folder}', "
        "\"fs.local.enabled\" = 'true', \"local.location\" = '/')"
    )
    opened = {"type": "in-memory", "warehouse": f"file://{folder}"}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in opened.items())
    (desk.folder / "phlo-sql.toml").write_text(f"[catalogs.{name}]\n{lines}")
    try:
        yield name
    finally:
        desk.stack.rows(f"DROP CATALOG {name}")


class TestReaders:
    def test_a_materialized_view_that_reads_a_column_is_named(
        self, desk: Desk, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        stack = desk.stack
        folder = tmp_path_factory.mktemp("views")
        with with_materialized_views(desk, folder) as catalog:
            stack.rows(f"CREATE SCHEMA {catalog}.s WITH (location = 'file://{folder}/s')")
            stack.rows(f"CREATE TABLE {catalog}.s.t (id integer, a bigint, b varchar)")
            stack.rows(f"CREATE MATERIALIZED VIEW {catalog}.s.mv AS SELECT a FROM {catalog}.s.t")
            table = f"{catalog}.s.t"
            code, planned = desk("schema", "evolve", table, "--alter-type", "id:long", "--dry-run")
            assert code == 0, planned
            code, refused = desk("schema", "evolve", table, "--drop-column", "a", "--dry-run")
            assert (code, refused["reason_code"]) == (3, "breaking_change")
            assert "materialized view s.mv reads it" in refused["errors"][0]
            words = ("--drop-column", "a", "--allow-breaking", "--yes")
            code, done = desk("schema", "evolve", table, *words)
            assert code == 0, done
            with pytest.raises(TrinoUserError):  # so the warning was true
                stack.rows(f"REFRESH MATERIALIZED VIEW {catalog}.s.mv")
            stack.rows(f"DROP MATERIALIZED VIEW {catalog}.s.mv")
            stack.rows(f"DROP SCHEMA {catalog}.s CASCADE")


def test_a_file_of_each_format_is_what_the_table_becomes(
    desk: Desk, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    stack, schema = desk.stack, make_schema(desk.stack)
    stack.rows(
        f"CREATE TABLE {schema}.wanted (id bigint, a bigint COMMENT 'it''s', "
        "r row(x bigint, y varchar, z date), extra array(row(p decimal(38,38))), "
        '"a b" timestamp(6) with time zone)'
    )
    for form, suffix in (("sql", "sql"), ("python", "py"), ("json-schema", "json"),
                         ("avro", "avsc")):  # fmt: skip
        table, file = f"{schema}.{form.replace('-', '_')}", tmp_path / f"wanted.{suffix}"
        stack.rows(f"CREATE TABLE {table} (id integer, a bigint, gone date, "
                   "r row(x integer, y varchar))")  # fmt: skip
        _, exported = desk("schema", "export", f"{schema}.wanted", "--format", form)
        file.write_text(exported["data"]["schema"]["text"])
        words = ("schema", "evolve", table, "--from", str(file), "--allow-breaking", "--yes")
        code, done = desk(*words)
        assert code == 0, (form, done)
        _, compared = desk("schema", "diff", f"{schema}.wanted", table)
        assert compared["data"]["differences"] == [], form
        assert desk(*words)[1]["status"] == "noop", form


def test_what_is_no_iceberg_table_is_said_to_be_none(desk: Desk) -> None:
    words = ("schema", "evolve", "tpch.tiny.nation", "--add-column", "n:int", "--dry-run")
    code, refused = desk(*words)
    assert (code, refused["reason_code"]) == (3, "not_iceberg")
