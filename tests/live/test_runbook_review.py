"""The review flow on a real Trino: save, sign, refuse what moved, apply, verify, take back."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql import runbook
from tests.live.optimizing import files, phlo_sql
from tests.live.trino_cli import command, run_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


class Desk:
    """A project folder, its own journal, a table of small files, and a runbook of it."""

    def __init__(self, stack: Clients, table: str, folder: Path) -> None:
        self.stack, self.table, self.folder = stack, table, folder
        self.file = folder / "plan.sql"
        self.settings("")

    def settings(self, text: str) -> None:
        (self.folder / "phlo-sql.toml").write_text(text)

    def run(self, *words: str) -> dict[str, Any]:
        config = ("--config", str(self.folder / "phlo-sql.toml"))
        ran = phlo_sql(self.stack, *words, *config, "--json", state=self.folder / "state")
        found: dict[str, Any] = json.loads(ran.stdout)
        assert ran.returncode == found["exit_code"], ran.stderr
        return found

    def save(self, *words: str) -> None:
        done = self.run("table", "optimize", self.table, "--out", str(self.file), *words)
        assert done["status"] == "planned", done

    def runbook(self, command: str, *words: str, file: Path | None = None) -> dict[str, Any]:
        return self.run("runbook", command, str(file or self.file), *words)

    def insert(self, value: int = 1) -> None:
        self.stack.rows(f"INSERT INTO {self.table} VALUES ({value}, DATE '2026-01-01')")

    def key(self, name: str) -> str:
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        with (self.folder / "signers").open("a") as signers:
            words = path.with_suffix(".pub").read_text().split()[:2]
            signers.write(f"{name}@example.org {' '.join(words)}\n")
        return str(path)

    def journal(self) -> list[dict[str, Any]]:
        text = (self.folder / "state" / "phlo-sql" / "operations.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def desk(stack: Clients, make_schema: Callable[..., str], tmp_path: Path) -> Desk:
    table = f"{make_schema(stack)}.orders"
    stack.rows(f"CREATE TABLE {table} (id bigint, day date)")
    desk = Desk(stack, table, tmp_path)
    for value in range(3):
        desk.insert(value)
    desk.save()
    return desk


def test_save_apply_verify_take_back(desk: Desk) -> None:
    before = files(desk.stack, desk.table)
    assert desk.runbook("verify")["reason_code"] == "nothing_recorded"
    assert desk.runbook("apply", "--yes")["status"] == "success"
    assert len(files(desk.stack, desk.table)) == 1
    assert desk.runbook("verify")["status"] == "success"

    back = desk.folder / "back.sql"
    planned = desk.runbook("undo", "--out", str(back))
    assert planned["data"]["plan"]["command"] == "runbook undo"
    assert not planned["data"]["plan"]["steps"][0]["destructive"]
    assert desk.runbook("apply", "--yes", file=back)["status"] == "success"
    assert files(desk.stack, desk.table) == before
    drift = desk.runbook("verify")
    assert (drift["exit_code"], drift["reason_code"]) == (1, "drift")
    assert desk.runbook("verify", file=back)["status"] == "success"


def test_rows_that_others_added_are_no_drift_and_are_not_lost_silently(desk: Desk) -> None:
    assert desk.runbook("apply", "--yes")["status"] == "success"
    desk.insert(9)
    verified = desk.runbook("verify")
    assert verified["status"] == "success"
    assert any("others wrote" in warning for warning in verified["warnings"])
    planned = desk.runbook("undo", "--dry-run")
    assert planned["data"]["plan"]["steps"][0]["destructive"]
    assert "lost" in planned["data"]["plan"]["risk"]


def test_what_moved_is_shown_and_replanned(desk: Desk) -> None:
    desk.insert(7)
    refused = desk.runbook("apply", "--yes")
    assert (refused["exit_code"], refused["reason_code"]) == (3, "stale_plan")
    moved = refused["data"]["moved"]
    assert [each["operation"] for each in moved["commits"]] == ["append"]
    assert moved["metadata_location"]["from"] != moved["metadata_location"]["to"]

    again = desk.folder / "again.sql"
    planned = desk.runbook("apply", "--replan", "--out", str(again))
    assert planned["status"] == "planned"
    assert any("rewritten_data_files = 4" in line for line in planned["data"]["difference"])
    assert len(files(desk.stack, desk.table)) == 4
    done = desk.runbook("apply", "--replan", "--yes")
    assert done["data"]["result"]["rewritten_data_files"] == 4


def test_drift_may_be_accepted_where_nothing_is_destroyed(desk: Desk) -> None:
    desk.insert(7)
    assert desk.runbook("apply", "--accept-drift", "--yes")["exit_code"] in (0, 4)
    assert len(files(desk.stack, desk.table)) == 1


def test_a_table_made_anew_is_another_table_also_for_a_runbook_that_ran(desk: Desk) -> None:
    assert desk.runbook("apply", "--yes")["status"] == "success"
    desk.stack.rows(f"DROP TABLE {desk.table}")
    desk.stack.rows(f"CREATE TABLE {desk.table} (id bigint, day date)")
    desk.insert(1)
    for words in (("--yes",), ("--yes", "--accept-drift")):
        assert desk.runbook("apply", *words)["reason_code"] == "wrong_target"


def test_a_header_that_names_another_table_than_the_statements(desk: Desk) -> None:
    other = desk.table.replace(".orders", ".other")
    desk.stack.rows(f"CREATE TABLE {other} (id bigint, day date)")
    text = desk.file.read_text()
    forged = text.replace(f"-- table:     {desk.table}", f"-- table:     {other}", 1)
    assert forged != text
    desk.file.write_text(forged.replace(runbook.outline(text).digest, runbook.digest(forged)))
    assert desk.runbook("apply", "--yes")["reason_code"] == "wrong_target"
    assert len(files(desk.stack, desk.table)) == 3


def test_one_step_at_a_time(desk: Desk) -> None:
    desk.save("--target-file-size", "64MB")
    assert desk.runbook("apply", "--step", "2", "--yes")["reason_code"] == "stale_plan"
    assert desk.runbook("apply", "--step", "9", "--yes")["reason_code"] == "invalid_arguments"
    first = desk.runbook("apply", "--step", "1", "--yes")
    assert [each["id"] for each in first["data"]["steps"]] == [1]
    assert len(files(desk.stack, desk.table)) == 3
    second = desk.runbook("apply", "--step", "2", "--yes")
    assert [each["id"] for each in second["data"]["steps"]] == [2]
    assert len(files(desk.stack, desk.table)) == 1


def test_no_way_around_an_approval(desk: Desk) -> None:
    alice, author = desk.key("alice"), desk.key(desk.stack.env["TRINO_USER"])
    desk.settings('require_approval = true\nfour_eyes = true\nallowed_signers = "signers"\n')
    ways = [
        ("table", "optimize", desk.table, "--yes"),
        ("runbook", "apply", str(desk.file), "--yes"),
        ("runbook", "apply", str(desk.file), "--yes", "--step", "1"),
        ("runbook", "apply", str(desk.file), "--yes", "--accept-drift"),
        ("runbook", "apply", str(desk.file), "--yes", "--replan"),
    ]
    for way in ways:
        refused = desk.run(*way)
        assert (refused["exit_code"], refused["reason_code"]) == (3, "approval_required"), way
    assert desk.runbook("approve", "--key", author)["reason_code"] == "approval_required"
    assert desk.runbook("approve", "--key", alice)["status"] == "success"
    assert len(files(desk.stack, desk.table)) == 3
    assert desk.runbook("apply", "--yes")["status"] == "success"
    approved = [line for line in desk.journal() if line["event"] == "approved"]
    assert approved[-1]["approvers"] == ["alice@example.org"]


def test_lint_asks_the_server(desk: Desk) -> None:
    assert desk.runbook("lint")["data"]["findings"] == []
    bad = desk.folder / "bad.sql"
    bad.write_text(
        f"ALTER TABLE {desk.table} EXECUTE optimize WHERE id = 3; -- noqa: unquoted-name\n"
        "-- undo: none\n"
    )
    found = desk.runbook("lint", file=bad)
    assert [each["rule"] for each in found["data"]["findings"]] == ["server-refuses"]
    assert found["exit_code"] == 1
    assert desk.runbook("lint", "--offline", file=bad)["data"]["findings"] == []


def test_trinos_own_cli_runs_the_file_as_it_is(desk: Desk) -> None:
    desk.save("--target-file-size", "64MB")
    assert desk.runbook("approve", "--key", desk.key("alice"))["status"] == "success"
    ran = run_file(command(), desk.stack, desk.file)
    assert ran.returncode == 0, ran.stderr
    assert len(files(desk.stack, desk.table)) == 1
    rows = [line for line in ran.stdout.splitlines() if line == '"3"']
    assert len(rows) == 2, ran.stdout  # the check before, and after
