"""Slices of `table optimize`: bounded, side by side, beside a writer, stopped and gone on with."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.gate import gate_of
from tests.live.optimizing import PHLO_SQL, document, files, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


def days(stack: Clients, schema: str, *, partitions: int, turns: int, properties: str = "") -> str:
    """A table by day: as many days, each with a file per turn."""
    table = f"{schema}.t"
    suffix = f", {properties}" if properties else ""
    stack.rows(
        f"CREATE TABLE {table} (id bigint, day date, note varchar) "
        f"WITH (partitioning = ARRAY['day']{suffix})"
    )
    for turn in range(turns):
        stack.rows(
            f"INSERT INTO {table} SELECT n, date_add('day', n, DATE '2026-01-01'), 'turn {turn}' "
            f"FROM UNNEST(sequence(0, {partitions - 1})) AS s (n)"
        )
    return table


class TestBounds:
    def test_partitions(self, each_stack: Clients, make_schema: Callable[..., str]) -> None:
        table = days(each_stack, make_schema(each_stack), partitions=6, turns=2)
        before = files(each_stack, table)
        words = ("table", "optimize", table, "--max-slice-files", "4")
        done = document(each_stack, *words, "--parallel", "2", "--yes")
        assert done["status"] == "success", done
        steps = done["data"]["plan"]["steps"]
        assert len(steps) == 3
        assert all(step["predicts"]["rewritten_data_files"] <= 4 for step in steps)
        assert done["data"]["result"]["rewritten_data_files"] == len(before) == 12
        assert done["data"]["result"]["rewritten_bytes"] == sum(size for _, size in before)
        assert len(files(each_stack, table)) == 6
        assert all(check["ok"] for check in done["data"]["checks"])
        assert document(each_stack, *words, "--yes")["status"] == "noop"

    def test_only_partitions_that_gain(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = days(stack, make_schema(stack), partitions=20, turns=1)
        stack.rows(f"INSERT INTO {table} VALUES (1, DATE '2026-01-03', 'more')")
        done = document(stack, "table", "optimize", table, "--yes")
        assert done["data"]["result"]["rewritten_data_files"] == 2

    def test_groups_of_files(self, each_stack: Clients, make_schema: Callable[..., str]) -> None:
        table = f"{make_schema(each_stack)}.t"
        each_stack.rows(f"CREATE TABLE {table} (id bigint, note varchar)")
        for turn in range(5):
            each_stack.rows(f"INSERT INTO {table} VALUES ({turn}, 'turn')")
        words = ("table", "optimize", table, "--max-slice-files", "2")
        done = document(each_stack, *words, "--yes")
        assert done["status"] == "success", done
        assert '"$path" IN' in done["data"]["plan"]["steps"][0]["sql"]
        assert len(files(each_stack, table)) == 1
        assert [check["ok"] for check in done["data"]["checks"]]
        assert all(check["ok"] for check in done["data"]["checks"])
        assert document(each_stack, *words, "--yes")["status"] == "noop"


class Writer(threading.Thread):
    """Appends a row to one day and deletes another, in a loop, and keeps what was confirmed."""

    def __init__(self, stack: Clients, table: str) -> None:
        super().__init__()
        self.stack, self.table = stack, table
        self.stop, self.wrote = threading.Event(), threading.Event()
        self.written: set[int] = set()
        self.unsure: set[int] = set()
        """Of a statement that failed nobody knows whether it took place."""

    def begin(self) -> None:
        """Comes back when the first row is written."""
        self.start()
        self.wrote.wait()

    def run(self) -> None:
        number = 1000
        with self.stack.trino() as connection:
            while not self.stop.is_set():
                self.write(connection.cursor(), number)
                number += 1

    def write(self, cursor: Any, number: int) -> None:
        day, older = f"DATE '2026-01-0{1 + number % 4}'", number - 2
        if self.told(cursor, f"INSERT INTO {self.table} VALUES ({number}, {day}, 'w')", number):
            self.written.add(number)
            self.wrote.set()
        if self.told(cursor, f"DELETE FROM {self.table} WHERE id = {older}", older):
            self.written.discard(older)

    def told(self, cursor: Any, sql: str, number: int) -> bool:
        try:
            cursor.execute(sql)
            cursor.fetchall()
        except Exception:  # noqa: BLE001 - a writer loses a race at times, too
            self.unsure.add(number)
            return False
        return True


def test_beside_a_writer(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = days(stack, make_schema(stack), partitions=4, turns=4)
    writer = Writer(stack, table)
    words = ("table", "optimize", table, "--max-slice-files", "5", "--parallel", "2")
    with gate_of(stack) as way:
        way.at("ALTER TABLE", "EXECUTE", before=writer.begin)  # after the plan, before the run
        try:
            done = document(way.to(stack), *words, "--accept-drift", "--yes")
        finally:
            writer.stop.set()
            writer.join()
    assert done["status"] == "success", done
    assert done["exit_code"] == 0
    assert done["data"]["remaining"] == []
    assert any("others wrote" in warning for warning in done["warnings"])
    [[mine]] = stack.rows(f"SELECT count(*) FROM {table} WHERE id < 1000")
    assert mine == 16, "no row of those that stood before is lost"
    found = {number for (number,) in stack.rows(f"SELECT id FROM {table} WHERE id >= 1000")}
    assert found - writer.unsure == writer.written - writer.unsure
    assert writer.written
    again = document(stack, *words, "--yes")
    assert again["status"] in ("success", "noop")


def test_one_that_fails_does_not_undo_the_others(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    own = "target_max_file_size = '300MB'"
    table = days(stack, make_schema(stack), partitions=3, turns=2)
    stack.rows(f"ALTER TABLE {table} SET PROPERTIES {own}")
    lost = next(path for path, _ in files(stack, table) if "2026-01-02" in path)
    Path(lost.removeprefix("local://").removeprefix("file://")).unlink()
    words = ("table", "optimize", table, "--max-slice-files", "2", "--target-file-size", "200MB")
    ended = document(stack, *words, "--verify", "none", "--yes")
    assert (ended["status"], ended["exit_code"]) == ("partial", 1)
    assert [each["id"] for each in ended["data"]["failed"]] == [3]
    assert 3 in ended["data"]["remaining"]
    assert ended["data"]["result"]["rewritten_data_files"] == 4
    assert "--resume" in ended["next_steps"][0]["command"]
    assert len(files(stack, table)) == 4
    [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
    assert "300MB" in ddl


class TestStopped:
    def wide(self, stack: Clients, schema: str, properties: str = "") -> str:
        """Slices that take long enough to be stopped."""
        table = f"{schema}.wide"
        stack.rows(
            f"CREATE TABLE {table} (id bigint, flag varchar, note varchar) "
            f"WITH (partitioning = ARRAY['flag'] {properties})"
        )
        for _ in range(2):
            stack.rows(
                f"INSERT INTO {table} SELECT orderkey, shipmode, comment FROM tpch.sf1.lineitem "
                "WHERE orderkey % 4 = 0"
            )
        return table

    def test_ctrl_c_and_resume(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        own = ", target_max_file_size = '300MB'"
        table = self.wide(stack, make_schema(stack), own)
        words = ["table", "optimize", table, "--max-slice-files", "3", "--yes"]
        words += ["--target-file-size", "512MB"]
        with gate_of(stack) as way:
            way.at("ALTER TABLE", "EXECUTE", nth=2, after=lambda: started.send_signal(SIGINT))
            env = {**way.to(stack).subprocess_env, "XDG_STATE_HOME": str(tmp_path)}
            started = subprocess.Popen(
                [PHLO_SQL, *words, "--json"],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            out, err = started.communicate(timeout=240)
        stopped = json.loads(out)
        assert stopped["reason_code"] == "cancelled", err
        assert stopped["exit_code"] == started.returncode == 1
        assert stopped["data"]["remaining"], stopped
        assert stopped["next_steps"][0]["command"].endswith("--resume")
        running = stack.rows(
            "SELECT query FROM system.runtime.queries WHERE state NOT IN ('FINISHED', 'FAILED')"
        )
        assert not [query for (query,) in running if table.rsplit(".", 1)[0][8:] in query]
        [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
        assert "300MB" in ddl

        ran = phlo_sql(
            stack, "table", "optimize", table, "--resume", "--yes", "--json", state=tmp_path
        )
        done = json.loads(ran.stdout)
        assert done["status"] == "success", ran.stderr
        assert "going on with" in ran.stderr
        assert "--target-file-size" in done["data"]["plan"]["steps"][0]["sql"] or (
            "512MB" in done["data"]["plan"]["steps"][0]["sql"]
        )
        slices = [s for s in done["data"]["plan"]["steps"] if "EXECUTE" in s["sql"]]
        # The slice that was stopped may have ended before the order to stop reached the server.
        assert len(slices) in (
            len(stopped["data"]["remaining"]) - 1,
            len(stopped["data"]["remaining"]),
        )
        assert len(files(stack, table)) == 7
