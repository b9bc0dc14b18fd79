"""`schema evolve` on real servers: what it plans is what Trino does, and what it refuses stays."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.gate import gate_of
from tests.live.optimizing import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
COLUMNS = (
    "id integer NOT NULL, a bigint, b varchar, r row(x integer, y varchar), "
    "arr array(row(p real)), m map(varchar, row(k integer)), day date"
)
ROW = "(1, 2, 'x', ROW(1, 'y'), ARRAY[ROW(1.5)], MAP(ARRAY['a'], ARRAY[ROW(7)]), DATE '2026-01-01')"


def made(stack: Clients, schema: str, properties: str = "partitioning = ARRAY['day']") -> str:
    table = f"{schema}.t"
    stack.rows(f"CREATE TABLE {table} ({COLUMNS}) WITH ({properties})")
    stack.rows(f"INSERT INTO {table} VALUES {ROW}")
    return table


def columns(stack: Clients, table: str) -> dict[str, str]:
    catalog, schema, name = table.split(".")
    rows = stack.rows(
        f"SELECT column_name, data_type FROM {catalog}.information_schema.columns "
        f"WHERE table_schema = '{schema}' AND table_name = '{name}' ORDER BY ordinal_position"
    )
    return {str(column): str(kind) for column, kind in rows}


def evolve(stack: Clients, table: str, *words: str) -> dict[str, Any]:
    return document(stack, "schema", "evolve", table, *words)


EVERYTHING = (
    "--drop-column", "r.y", "--rename", "a:b", "--rename", "b:a", "--alter-type", "id:bigint",
    "--make-optional", "id", "--comment", "id:it's \"it\"", "--table-comment", "all of it",
    "--add-column", "r.z:int", "--add-column", "arr.element.q:timestamp(6)",
    "--alter-type", "m.value.k:long", "--alter-type", "r.x:long", "--alter-type",
    "arr.element.p:double", "--add-column", "note:varchar", "--first", "note",
    "--add-column", "a b:map<string, list<decimal(38,38)>>", "--after", "a b:note",
)  # fmt: skip


INSIDE_A_MAP = ("--add-column", "m.value.j:string")
"""What needs the whole type of a column with a map in it, which Trino sets from 480 on."""


class TestOneCommand:
    def test_everything_at_once_on_both_versions(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = made(each_stack, make_schema(each_stack))
        before = columns(each_stack, table)
        words = [*EVERYTHING, "--allow-breaking"]
        if each_stack.version >= 480:
            words += INSIDE_A_MAP
        else:
            refused = evolve(each_stack, table, *words, *INSIDE_A_MAP, "--yes")
            assert refused["status"] == "refused", refused
            assert "m.value.j: added" in refused["data"]["error"]["problem"]
            assert "480" in refused["data"]["error"]["hint"]
        planned = evolve(each_stack, table, *words, "--dry-run")
        assert planned["status"] == "planned", planned
        assert columns(each_stack, table) == before
        done = evolve(each_stack, table, *words, "--yes")
        assert done["status"] == "success", done
        assert all(check["ok"] for check in done["data"]["checks"])
        found = columns(each_stack, table)
        assert list(found) == ["note", "a b", "id", "b", "a", "r", "arr", "m", "day"]
        assert found["id"] == "bigint"
        assert found["b"] == "bigint"
        assert "timestamp(6)" in found["arr"]
        assert "double" in found["arr"]
        assert "bigint" in found["m"].split("row")[1]
        assert ("varchar" in found["m"].split("row")[1]) == (each_stack.version >= 480)
        rows = each_stack.rows(f"SELECT note, id, b, a, r.x, day FROM {table}")
        assert [row[:5] for row in rows] == [(None, 1, 2, "x", 1)]

    def test_two_names_are_swapped_and_no_value_moves(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = made(stack, make_schema(stack))
        words = ("--rename", "a:b", "--rename", "b:id", "--rename", "id:a", "--allow-breaking")
        assert evolve(stack, table, *words, "--yes")["status"] == "success"
        assert stack.rows(f"SELECT a, b, id FROM {table}") == [(1, 2, "x")]

    def test_a_file_is_what_the_table_becomes(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        file = tmp_path / "wanted.sql"
        file.write_text(
            "CREATE TABLE x.t (id bigint NOT NULL COMMENT 'key', a bigint, b varchar, "
            "r row(x bigint, y varchar), arr array(row(p real)), m map(varchar, row(k integer)), "
            "day date, extra array(varchar)) WITH (partitioning = ARRAY['day', 'bucket(id, 4)'])"
        )
        done = evolve(stack, table, "--from", str(file), "--yes")
        assert done["status"] == "success", done
        again = evolve(stack, table, "--from", str(file), "--yes")
        assert again["status"] == "noop", again
        [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
        assert "bucket(id, 4)" in ddl

    def test_undo_goes_back(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        before = columns(stack, table)
        book = tmp_path / "evolve.sql"
        words = ("--add-column", "n:int", "--rename", "a:c", "--allow-breaking")
        assert evolve(stack, table, *words, "--out", str(book))["status"] == "planned"
        assert document(stack, "runbook", "apply", str(book), "--yes")["status"] == "success"
        undone = document(stack, "runbook", "undo", str(book), "--yes")
        assert undone["status"] == "success", undone
        assert columns(stack, table) == before


class TestStopped:
    def stopped(self, stack: Clients, table: str, book: Path) -> dict[str, Any]:
        """Five steps, of which the third fails: another takes its name just before it is sent."""
        words = [word for name in "pqrst" for word in ("--add-column", f"new_{name}:int")]
        assert evolve(stack, table, *words, "--out", str(book))["status"] == "planned"
        with gate_of(stack) as way:
            way.at(
                "ALTER TABLE",
                "ADD COLUMN",
                "new_r",
                before=lambda: stack.rows(f"ALTER TABLE {table} ADD COLUMN new_r integer"),
            )
            failed = document(way.to(stack), "runbook", "apply", str(book), "--yes")
        stack.rows(f"ALTER TABLE {table} DROP COLUMN new_r")
        return failed

    def test_what_stands_is_told_and_resume_goes_on(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        failed = self.stopped(stack, table, tmp_path / "evolve.sql")
        assert (failed["status"], failed["exit_code"]) == ("error", 1), failed
        assert failed["data"]["done"] == [1, 2]
        assert failed["data"]["remaining"] == [3, 4, 5]
        assert "step 3 of 5: Column" in failed["errors"][0]
        assert "2 stand (add new_p (int); add new_q (int))" in failed["errors"][0]
        assert failed["next_steps"][0]["command"].endswith("--resume")
        gone_on = evolve(stack, table, "--resume", "--yes")
        assert gone_on["status"] == "success", gone_on
        assert {f"new_{name}" for name in "pqrst"} <= set(columns(stack, table))
        again = evolve(stack, table, "--resume", "--yes")
        assert again["reason_code"] == "nothing_recorded"

    def test_undo_goes_back_over_what_stands(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table, book = made(stack, make_schema(stack)), tmp_path / "evolve.sql"
        before = columns(stack, table)
        assert self.stopped(stack, table, book)["data"]["done"] == [1, 2]
        undone = document(stack, "runbook", "undo", str(book), "--yes")
        assert undone["status"] == "success", undone
        assert len(undone["data"]["plan"]["steps"]) == 2
        assert columns(stack, table) == before


REFUSED = {
    "no type": (("--add-column", "foo"), "invalid_arguments"),
    "unknown type": (("--add-column", "foo:bigit"), "bad_type"),
    "twice": (("--add-column", "foo:int", "--add-column", "foo:int"), "invalid_arguments"),
    "there already": (("--add-column", "a:int"), "invalid_arguments"),
    "partition source": (("--drop-column", "day", "--allow-breaking"), "impossible_change"),
    "rename to an existing name": (("--rename", "a:b", "--allow-breaking"), "invalid_arguments"),
    "unknown column": (("--drop-column", "dya"), "unknown_column"),
    "narrowing": (("--alter-type", "a:int"), "impossible_change"),
    "rename inside an array": (
        ("--rename", "arr.element.p:q", "--allow-breaking"),
        "impossible_change",
    ),
    "breaking without leave": (("--drop-column", "a"), "breaking_change"),
    "default in format 2": (("--default", "a:7"), "impossible_change"),
    "fixed": (("--add-column", "f:fixed[16]"), "impossible_change"),
    "unknown": (("--add-column", "f:unknown"), "impossible_change"),
    "variant in format 2": (("--add-column", "f:variant"), "impossible_change"),
    "nothing": ((), "invalid_arguments"),
}


class TestRefusals:
    def test_one_clear_error_and_nothing_run(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = made(stack, make_schema(stack))
        before = columns(stack, table)
        for name, (words, reason) in REFUSED.items():
            refused = evolve(stack, table, *words, "--yes")
            assert refused["reason_code"] == reason, (name, refused)
            assert len(refused["errors"]) == 1
        assert columns(stack, table) == before

    def test_the_last_column_stays(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = f"{make_schema(stack)}.one"
        stack.rows(f"CREATE TABLE {table} (a integer)")
        refused = evolve(stack, table, "--drop-column", "a", "--allow-breaking", "--yes")
        assert refused["reason_code"] == "impossible_change"
        words = ("--drop-column", "a", "--add-column", "a:varchar", "--allow-breaking", "--yes")
        done = evolve(stack, table, *words)
        assert done["status"] == "success", done
        assert columns(stack, table) == {"a": "varchar"}

    def test_views_that_read_a_column_are_found(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack)
        table = made(stack, schema)
        stack.rows(f"CREATE VIEW {schema}.narrow AS SELECT id, b FROM {table}")
        fine = evolve(stack, table, "--add-column", "n:int", "--dry-run")
        assert fine["status"] == "planned"
        stack.rows(f"CREATE VIEW {schema}.wide AS SELECT * FROM {table}")
        refused = evolve(stack, table, "--add-column", "n:int", "--dry-run")
        assert refused["reason_code"] == "breaking_change"
        assert "wide" in refused["errors"][0]
        refused = evolve(stack, table, "--alter-type", "id:bigint", "--dry-run")
        assert "narrow" in refused["errors"][0]
        assert (
            evolve(stack, table, "--add-column", "n:int", "--allow-breaking", "--yes")["status"]
            == "success"
        )
        with pytest.raises(Exception, match="stale"):  # so the warning was true
            stack.rows(f"SELECT * FROM {schema}.wide")
        assert len(stack.rows(f"SELECT * FROM {schema}.narrow")) == 1

    def test_a_schema_that_changed_meanwhile_makes_the_plan_stale(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        book = tmp_path / "evolve.sql"
        evolve(stack, table, "--add-column", "n:int", "--out", str(book))
        stack.rows(f"INSERT INTO {table} VALUES {ROW}")  # rows alone do not
        stack.rows(f"ALTER TABLE {table} ADD COLUMN other integer")
        before = columns(stack, table)
        refused = document(stack, "runbook", "apply", str(book), "--yes")
        assert refused["reason_code"] == "stale_plan", refused
        assert columns(stack, table) == before

    def test_partitioning_on_476(
        self, stack_476: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack_476, make_schema(stack_476))
        file = tmp_path / "wanted.sql"
        file.write_text(
            f"CREATE TABLE x.t ({COLUMNS}) WITH (partitioning = ARRAY['day', 'bucket(id, 4)'])"
        )
        refused = evolve(stack_476, table, "--from", str(file), "--yes")
        assert refused["reason_code"] == "impossible_change"
        assert "26492" in refused["errors"][0]


TYPES = (
    "boolean", "int", "long", "float", "double", "decimal(38,38)", "decimal(9,2)", "date", "time",
    "timestamp", "timestamptz", "timestamp_ns", "timestamptz_ns", "string", "uuid", "binary",
    "variant", "list<string>", "map<string, long>",
    "struct<a: struct<b: struct<c: struct<d: struct<e: int>>>>>",
)  # fmt: skip


class TestTypes:
    def test_each_type_of_format_3_is_added(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(stack)}.types"
        stack.rows(f"CREATE TABLE {table} (id integer) WITH (format_version = 3)")
        words: list[str] = []
        for number, kind in enumerate(TYPES):
            words += ["--add-column", f"c{number}:{kind}"]
        words += ["--default", "c1:-7", "--default", "c6:12.50", "--default", "c13:it's"]
        words += ["--default", "c7:2026-01-31", "--default", "c9:2026-01-31T12:00:00.123456"]
        done = evolve(stack, table, *words, "--yes")
        assert done["status"] == "success", done
        assert len(columns(stack, table)) == len(TYPES) + 1
        taken = ["--default", "c1:NULL", "--alter-type", "c1:long", "--yes"]
        assert evolve(stack, table, *taken)["reason_code"] == "breaking_change"
        again = evolve(stack, table, *taken, "--allow-breaking")
        assert again["status"] == "success", again
        refused = evolve(stack, table, "--add-column", "g:geometry", "--yes")
        assert refused["status"] in ("success", "refused")  # as the server has its plugin
        if refused["status"] == "refused":
            assert "plugin" in refused["errors"][0]


PLANNED_MEANWHILE = "GENERIC_INTERNAL_ERROR"
"""Trino itself (ArrayIndexOutOfBoundsException), for an INSERT that is analyzed before an ALTER and
planned after it: any ALTER, by anybody, does that."""
EVOLUTIONS = 23


class TestNoDowntime:
    def test_a_reader_and_a_writer_go_on_through_twenty_evolutions(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(stack)}.busy"
        stack.rows(f"CREATE TABLE {table} (id integer, a bigint)")
        stop, turns = threading.Event(), {"read": 0, "written": 0}
        errors: list[str] = []
        raced: list[str] = []

        def work(sql: str, what: str) -> None:
            while not stop.is_set():
                try:
                    stack.rows(sql)
                    turns[what] += 1
                except Exception as error:  # noqa: BLE001 - each one is a failure of the test
                    ours = (
                        errors if what == "read" or PLANNED_MEANWHILE not in str(error) else raced
                    )
                    ours.append(str(error))
                time.sleep(0.2)

        workers = [
            threading.Thread(target=work, args=(f"SELECT sum(id), count(*) FROM {table}", "read")),
            threading.Thread(
                target=work, args=(f"INSERT INTO {table} (id, a) VALUES (1, 2)", "written")
            ),
        ]
        for worker in workers:
            worker.start()
        try:
            for number in range(4):
                words = [f"--add-column=n{number}_{each}:int" for each in range(5)]
                if number:
                    words += [f"--drop-column=n{number - 1}_0", "--allow-breaking"]
                done = evolve(stack, table, *words, "--yes")
                assert done["status"] == "success", done
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        assert errors == []
        assert len(raced) <= EVOLUTIONS  # each wrote nothing, as the count says; the next went on
        assert min(turns.values()) > 2
        assert stack.rows(f"SELECT count(*) FROM {table}") == [(turns["written"],)]
