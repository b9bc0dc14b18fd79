"""`table vacuum` and the clock: only what is older than the retention goes, and only what was
listed, however long a run takes."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from phlo_sql import flow, runbook
from phlo_sql.audit.journal import Journal
from phlo_sql.compile.vacuum import compile_vacuum
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import Watch
from phlo_sql.flow.vacuum import command_line
from phlo_sql.flow.vacuum_seen import look
from phlo_sql.model.intents import Vacuum
from phlo_sql.model.names import parse_table
from phlo_sql.observe.listing import list_files
from phlo_sql.observe.trino import connect
from tests.live.optimizing import document, shown
from tests.live.reclaiming import dead_file, loaded, local, made, stored, vacuum
from tests.live.vacuuming import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.compile.vacuum import VacuumPlan
    from phlo_sql.flow import Applied
    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


class TestTheBoundaryOfTheRetention:
    def test_one_second_either_side(
        self, each_stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        """By the server's clock as the plan has it. What can't be told apart for as long as a run
        takes is left; where nothing else is there, the plan is not run."""
        table = made(each_stack, make_schema(each_stack))
        opened = loaded(each_stack, table)
        data, settings = local(opened.location()) / "data", settings_of(each_stack, tmp_path)
        intent = Vacuum(
            table=parse_table(table)[0],
            older_than=timedelta(hours=1),
            allow_short_retention=True,
        )
        with connect(settings) as session:
            edges = flow.Edges(settings=settings, session=session)

            def planned(ages: dict[str, int]) -> VacuumPlan:
                seen = look(intent, edges)
                for name, age in ages.items():
                    dead_file(data / name)
                    moment = seen.now.timestamp() - 3600 - age
                    os.utime(data / name, (moment, moment))
                seen = replace(seen, listing=list_files(opened.io, opened.location()))
                return compile_vacuum(intent, seen, command_line(intent))

            def applied(plan: VacuumPlan) -> Applied:
                text = runbook.write(plan.plan).text
                journal = Journal(path=tmp_path / "log.jsonl", operation=plan.digest)
                return flow.apply(text, edges, journal, Watch())

            found = planned({"far": 600, "older": 1, "younger": -1})
            assert found.files["path"].to_pylist() == [f"file://{data}/far"]
            assert applied(found).failures == []
            assert {path.name for path in data.iterdir()} >= {"older", "younger"}
            assert not (data / "far").exists()
            found = planned({"older": 1, "younger": -1})
            assert found.files["path"].to_pylist() == [f"file://{data}/older"]
            with pytest.raises(PhloSqlError) as refused:
                applied(found)
            assert refused.value.code is Code.STALE_PLAN
            assert (data / "older").exists()

    def test_a_saved_plan_stops_when_another_file_comes_of_age(
        self, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
    ) -> None:
        table = made(stack, make_schema(stack))
        data = local(loaded(stack, table).location()) / "data"
        dead_file(data / "old.parquet", age=7200)
        book = tmp_path / "vacuum.sql"
        words = ("--older-than", "1h", "--allow-short-retention")
        assert vacuum(stack, table, *words, "--out", str(book))["status"] == "planned"
        come = dead_file(data / "came.parquet", age=7300)
        before = stored(stack, table)
        refused = document(stack, "runbook", "apply", str(book), "--yes")
        assert refused["reason_code"] == "stale_plan", shown(refused)
        assert stored(stack, table) == before
        local(come).unlink()
        assert document(stack, "runbook", "apply", str(book), "--yes")["status"] == "success"

    def test_below_the_floor_it_is_refused(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = made(stack, make_schema(stack))
        refused = vacuum(stack, table, "--older-than", "1s", "--yes")
        assert refused["reason_code"] == "below_floor"
        assert refused["exit_code"] == 3
