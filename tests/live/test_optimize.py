"""`table optimize` as users run it: the program's own process, real tables, both Trino versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document, files, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
COLUMNS = "id bigint, day date, region varchar, note varchar"
TABLES = {
    "unpartitioned": "",
    "identity": "partitioning = ARRAY['region']",
    "day": "partitioning = ARRAY['day(day)']",
    "bucket": "partitioning = ARRAY['bucket(id, 3)']",
}
FIGURES = ("rewritten_data_files", "rewritten_bytes", "removed_delete_files")


def small_files(stack: Clients, schema: str, name: str, properties: str, inserts: int = 3) -> str:
    table = f"{schema}.{name}"
    stack.rows(
        f"CREATE TABLE {table} ({COLUMNS})" + (f" WITH ({properties})" if properties else "")
    )
    for turn in range(inserts):
        stack.rows(
            f"INSERT INTO {table} SELECT orderkey + {turn}, orderdate, orderpriority, comment "
            f"FROM tpch.tiny.orders WHERE orderdate < DATE '1992-01-05'"
        )
    return table


class TestTheWholeRoad:
    @pytest.mark.parametrize("kind", TABLES)
    def test_what_was_predicted_is_what_happened(
        self, kind: str, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = small_files(each_stack, make_schema(each_stack), kind, TABLES[kind])
        before = files(each_stack, table)
        [[rows]] = each_stack.rows(f"SELECT count(*) FROM {table}")

        planned = document(each_stack, "table", "optimize", table, "--dry-run")
        assert planned["status"] == "planned"
        assert files(each_stack, table) == before
        predicted = planned["data"]["plan"]["predicts"]

        done = document(each_stack, "table", "optimize", table, "--yes")
        after = files(each_stack, table)
        gone = before - after
        assert done["status"] == "success", done
        assert len(gone) > 2
        assert predicted["rewritten_data_files"] == len(gone)
        assert predicted["rewritten_bytes"] == sum(size for _, size in gone)
        assert set(planned["data"]["rewritten_paths"]) == {path for path, _ in gone}
        assert predicted["added_data_files"] == len(after - before)
        for name in FIGURES:
            assert done["data"]["result"][name] == predicted[name]
        assert all(check["ok"] for check in done["data"]["checks"])
        assert each_stack.rows(f"SELECT count(*) FROM {table}") == [(rows,)]

    @pytest.mark.parametrize("kind", ["unpartitioned", "day"])
    def test_a_second_run_does_nothing(
        self, kind: str, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = small_files(each_stack, make_schema(each_stack), kind, TABLES[kind])
        words = ("table", "optimize", table, "--target-file-size", "200MB", "--yes")
        assert document(each_stack, *words)["status"] == "success"
        before = files(each_stack, table)
        again = document(each_stack, *words)
        assert again["status"] == "noop"
        assert again["data"]["plan"]["steps"] == []
        assert files(each_stack, table) == before

    @pytest.mark.parametrize("own", [None, "300MB"])
    def test_the_tables_own_file_size_afterwards(
        self, own: str | None, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        properties = f"target_max_file_size = '{own}'" if own else ""
        table = small_files(stack, make_schema(stack), "own", properties)
        done = document(stack, "table", "optimize", table, "--target-file-size", "200MB", "--yes")
        [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
        if own:
            assert f"target_max_file_size = '{own}'" in ddl
            assert done["warnings"] == []
        else:
            assert "target_max_file_size = '200MB'" in ddl
            assert any("keeps target_max_file_size" in warning for warning in done["warnings"])

    def test_a_branch_is_optimized_and_main_is_not_touched(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack, "nessie_dev")
        small_files(stack, schema, "orders", "")
        logical = schema.replace("nessie_dev.", "nessie.") + ".orders"
        main = stack.rows("SHOW SCHEMAS FROM nessie")
        done = document(stack, "table", "optimize", f"{logical}@dev", "--yes")
        assert done["status"] == "success", done
        assert done["data"]["plan"]["ref"] == "dev"
        assert '"nessie_dev"' in done["data"]["plan"]["steps"][0]["sql"]
        assert done["data"]["plan"]["state"]["ref_hash"]
        assert stack.rows("SHOW SCHEMAS FROM nessie") == main


class TestRunbook:
    def test_saved_reviewed_applied(
        self, each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = small_files(each_stack, make_schema(each_stack), "saved", "")
        before = files(each_stack, table)
        book = tmp_path / "runbook.sql"
        saved = document(each_stack, "table", "optimize", table, "--out", str(book))
        assert saved["status"] == "planned"
        assert files(each_stack, table) == before
        shown = document(each_stack, "runbook", "show", str(book))
        assert shown["data"]["plan"] == saved["data"]["plan"]
        done = document(each_stack, "runbook", "apply", str(book), "--yes")
        assert done["status"] == "success", done
        assert done["data"]["plan"] == saved["data"]["plan"]
        assert len(files(each_stack, table)) == 1

    def test_every_line_of_it_is_plain_sql(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = small_files(stack, make_schema(stack), "by_hand", "")
        book = tmp_path / "runbook.sql"
        document(stack, "table", "optimize", table, "--out", str(book))
        text = book.read_text()
        lines = [line for line in text.splitlines() if not line.startswith("--")]
        for statement in "\n".join(lines).split(";"):  # as a person would paste them
            if statement.strip():
                stack.rows(statement)
        assert len(files(stack, table)) == 1

    def test_a_table_that_moved_is_refused(
        self, each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = small_files(each_stack, make_schema(each_stack), "moved", "")
        book = tmp_path / "runbook.sql"
        document(each_stack, "table", "optimize", table, "--out", str(book))
        each_stack.rows(f"INSERT INTO {table} VALUES (1, NULL, NULL, NULL)")
        before = files(each_stack, table)
        refused = document(each_stack, "runbook", "apply", str(book), "--yes")
        assert (refused["reason_code"], refused["exit_code"]) == ("stale_plan", 3)
        assert files(each_stack, table) == before
        done = document(each_stack, "runbook", "apply", str(book), "--yes", "--accept-drift")
        assert len(files(each_stack, table)) == 1
        assert done["status"] in ("success", "error")  # the new file was not in the prediction
        assert done["exit_code"] in (0, 4)

    def test_an_edited_file_is_refused(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = small_files(stack, make_schema(stack), "edited", "")
        book = tmp_path / "runbook.sql"
        document(stack, "table", "optimize", table, "--out", str(book))
        book.write_text(book.read_text().replace("100MB", "900MB"))
        before = files(stack, table)
        refused = document(stack, "runbook", "apply", str(book), "--yes")
        assert (refused["reason_code"], refused["exit_code"]) == ("runbook_altered", 3)
        assert files(stack, table) == before


class TestErrors:
    """One line of cause, one of what to do, the design's exit code, never a traceback."""

    def refused(
        self, stack: Clients, words: Sequence[str], reason: str, code: int, *named: str
    ) -> None:
        ran = phlo_sql(stack, *words)
        lines = [line for line in ran.stderr.splitlines() if not line.startswith("reading ")]
        assert ran.returncode == code, ran.stderr
        assert ran.stdout == ""
        assert len(lines) == 2, ran.stderr
        assert lines[0].startswith("error[PS")
        assert lines[1].startswith("hint: ")
        for text in named:
            assert text in ran.stderr
        found = document(stack, *words)
        assert (found["reason_code"], found["exit_code"]) == (reason, code)

    def test_unknown_table_with_near_names(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(each_stack)
        each_stack.rows(f"CREATE TABLE {schema}.orders ({COLUMNS})")
        words = ["table", "optimize", f"{schema}.ordesr", "--yes"]
        self.refused(each_stack, words, "unknown_table", 1, "ordesr", "orders")

    def test_unknown_schema_and_catalog(self, stack: Clients) -> None:
        self.refused(
            stack, ["table", "optimize", "nowhere.t", "--yes"], "unknown_schema", 1, "nowhere"
        )
        self.refused(stack, ["table", "optimize", "no.s.t", "--yes"], "unknown_catalog", 1, "no")

    def test_unknown_ref_and_no_refs(self, stack: Clients) -> None:
        self.refused(stack, ["table", "optimize", "nessie.s.t@dve"], "unknown_ref", 1, "dve", "dev")
        self.refused(stack, ["table", "optimize", "iceberg.s.t@dev"], "no_refs", 3, "dev")

    def test_a_view_and_a_table_of_another_connector(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack)
        stack.rows(f"CREATE VIEW {schema}.v AS SELECT 1 AS x")
        self.refused(stack, ["table", "optimize", f"{schema}.v"], "not_iceberg", 3, "view")
        self.refused(stack, ["table", "optimize", "tpch.tiny.orders"], "not_iceberg", 3, "tpch")

    def test_server_down(self, stack: Clients) -> None:
        words = ["table", "optimize", "s.t", "--server", "http://127.0.0.1:9"]
        self.refused(stack, words, "server_down", 1, "127.0.0.1:9")

    def test_a_bad_size_is_said_before_anything_is_asked(self, stack: Clients) -> None:
        words = ["table", "optimize", "s.t", "--target-file-size", "12 parsecs"]
        self.refused(stack, words, "bad_size", 2, "12 parsecs")

    def test_nobody_to_ask(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        table = small_files(stack, make_schema(stack), "unasked", "")
        before = files(stack, table)
        ran = phlo_sql(stack, "table", "optimize", table)
        assert ran.returncode == 3
        assert "--yes" in ran.stderr
        found = document(stack, "table", "optimize", table)
        assert found["reason_code"] == "confirmation_required"
        assert found["data"]["plan"]["steps"]
        assert files(stack, table) == before

    def test_debug_adds_the_traceback(self, stack: Clients) -> None:
        ran = phlo_sql(stack, "table", "optimize", "nowhere.t", "--debug")
        assert "Traceback" in ran.stderr
        assert ran.returncode == 1


def test_progress_is_plain_lines_and_json_stays_alone(
    stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    table = small_files(stack, make_schema(stack), "lines", "")
    ran = phlo_sql(stack, "table", "optimize", table, "--yes", "--json", state=tmp_path)
    assert json.loads(ran.stdout)["status"] == "success"
    assert "step 1: rewrite" in ran.stderr
    assert "\x1b" not in ran.stderr + ran.stdout
    events = [
        json.loads(line)["event"]
        for line in (tmp_path / "phlo-sql" / "operations.jsonl").read_text().splitlines()
    ]
    assert events == ["server", "started", "step started", "step finished", "finished", "verified"]
