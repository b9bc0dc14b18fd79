"""`table vacuum` on Nessie: what any branch or tag needs stays, whoever writes or is killed."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from phlo_sql import flow
from phlo_sql.audit.journal import Journal
from phlo_sql.config import Settings, load
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import Watch
from phlo_sql.model.intents import Vacuum
from phlo_sql.model.names import parse_table
from phlo_sql.observe import nessie_contents
from phlo_sql.observe.trino import connect
from phlo_sql.plan import Kind
from phlo_sql.stack.clients import catalog_properties
from tests.alone import alone
from tests.live.optimizing import document, shown
from tests.live.reclaiming import killed, stored, vacuum
from tests.live.two_refs import (
    REFS,
    SHORT,
    TwoRefs,
    branch_at,
    branched,
    head,
    two_refs,
    unbranched,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from phlo_sql.observe.nessie_contents import Put
    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
STEPS = 6


@pytest.fixture
def refs(stack: Clients, make_schema: Callable[..., str]) -> Iterator[TwoRefs]:
    with two_refs(stack, make_schema(stack, "nessie")) as found:
        yield found


@pytest.fixture
def each_refs(each_stack: Clients, make_schema: Callable[..., str]) -> Iterator[TwoRefs]:
    with two_refs(each_stack, make_schema(each_stack, "nessie")) as found:
        yield found


def listed_goes(refs: TwoRefs) -> set[str]:
    """Dry run, then run: exactly what was listed is gone, both refs are whole, no trace is left."""
    before, count = stored(refs.stack, refs.main), refs.rows()
    with alone(REFS):
        planned = vacuum(refs.stack, refs.main, *SHORT, "--dry-run")
        assert planned["status"] == "planned", shown(planned)
        assert stored(refs.stack, refs.main) == before
        done = vacuum(refs.stack, refs.main, *SHORT, "--yes")
    assert done["status"] == "success", shown(done)
    gone = set(before) - set(stored(refs.stack, refs.main))
    assert gone == set(planned["data"]["deleted_paths"])
    assert done["data"]["result"]["deleted_bytes"] == sum(before[path] for path in gone)
    refs.whole()
    assert refs.rows() == count
    assert refs.traces() == []
    return gone


class TestEveryRef:
    def test_only_what_no_ref_needs_goes_and_no_trace_stays(self, each_refs: TwoRefs) -> None:
        each_refs.commit()
        assert len(listed_goes(each_refs)) > 4
        # a second run sees the same union again, under another name, after another commit
        each_refs.commit()
        again = vacuum(each_refs.stack, each_refs.main, *SHORT, "--yes")
        assert again["status"] == "success", shown(again)
        each_refs.whole()

    def test_refs_that_evolved_apart(self, each_refs: TwoRefs) -> None:
        """Each numbers its own schemas and specs: both have a spec 1, of another type."""
        each_refs.evolve_apart()
        assert len(listed_goes(each_refs)) > 4
        found = f"SELECT count(*) FROM {each_refs.other} WHERE \"nación\" LIKE 'ñ%'"
        [[count]] = each_refs.stack.rows(found)
        assert count == 6

    def test_without_a_scratch_catalog_it_names_refs_and_files(self, refs: TwoRefs) -> None:
        refs.commit()
        bare = replace(refs.stack, env={**refs.stack.env, "PHLO_SQL_SCRATCH_CATALOG": ""})
        before = stored(bare, refs.main)
        found = vacuum(bare, refs.main, *SHORT, "--yes")
        assert found["reason_code"] == "unsafe_deletion"
        assert found["exit_code"] == 3
        assert refs.branch in found["errors"][0]
        assert set(found["data"]["live_paths"]) <= set(before)
        assert stored(bare, refs.main) == before

    def test_a_state_inside_the_retention_stays(self, refs: TwoRefs) -> None:
        refs.commit()
        before = stored(refs.stack, refs.main)
        found = vacuum(
            refs.stack, refs.main, "--older-than", "1h", "--allow-short-retention", "--yes"
        )
        assert found["status"] == "noop"
        assert stored(refs.stack, refs.main) == before


@pytest.fixture
def no_other_branch() -> Iterator[None]:
    with alone(REFS):
        yield


@pytest.mark.usefixtures("stack", "no_other_branch")
class TestRefsComeAndGo:
    def test_between_a_saved_plan_and_its_run(self, refs: TwoRefs, tmp_path: Path) -> None:
        """A branch that went makes more dead than is listed: the saved union names it still. One
        that came, at a state whose files are listed, stops the run."""
        book = tmp_path / "vacuum.sql"
        with branched(refs.stack) as third:
            refs.insert()
            middle = head(refs.stack)
            refs.commit()
            planned = vacuum(refs.stack, refs.main, *SHORT, "--out", str(book))
            assert planned["status"] == "planned", shown(planned)
        before = stored(refs.stack, refs.main)
        fourth = f"{third}_4"
        branch_at(refs.stack, fourth, middle)
        try:
            refused = document(refs.stack, "runbook", "apply", str(book), "--yes")
        finally:
            unbranched(refs.stack, fourth)
        assert refused["reason_code"] == "unsafe_deletion", shown(refused)
        assert stored(refs.stack, refs.main) == before
        done = document(refs.stack, "runbook", "apply", str(book), "--yes")
        assert done["status"] == "success", shown(done)
        gone = set(before) - set(stored(refs.stack, refs.main))
        assert gone == set(planned["data"]["deleted_paths"])
        refs.whole()
        assert len(listed_goes(refs)) > 0

    def test_while_a_plan_is_made(
        self, refs: TwoRefs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A branch that comes between two questions shows the table as no neighbour of itself."""
        refs.commit()
        ask, intent = nessie_contents.histories, old(refs, timedelta(seconds=2))
        with ExitStack() as stack:

            def branch_first(properties: Mapping[str, str]) -> dict[str, tuple[Put, ...]]:
                stack.enter_context(branched(refs.stack))
                return ask(properties)

            monkeypatch.setattr(nessie_contents, "histories", branch_first)
            settings = settings_of(refs, tmp_path)
            with connect(settings) as session:
                book = flow.plan(intent, flow.Edges(settings=settings, session=session)).runbook
        assert [step for step in book.plan.steps if step.kind is Kind.PROCEDURE] != []


def old(refs: TwoRefs, age: timedelta) -> Vacuum:
    return Vacuum(table=parse_table(refs.main)[0], older_than=age, allow_short_retention=True)


def settings_of(refs: TwoRefs, cwd: Path) -> Settings:
    settings = load(environ=refs.stack.env, cwd=cwd)
    return replace(settings, catalogs=catalog_properties(refs.stack.env))


class TestKilled:
    def test_at_each_step_and_run_again(self, refs: TwoRefs, tmp_path: Path) -> None:
        for step in range(2, STEPS + 1):
            refs.commit()
            count = refs.rows()
            killed(refs.stack, refs.main, SHORT, step, tmp_path / str(step))
            refs.whole()
            again = vacuum(refs.stack, refs.main, *SHORT, "--yes")
            assert again["status"] in ("success", "noop"), (step, shown(again))
            refs.whole()
            assert refs.rows() == count
            assert refs.traces() == [], step


def vacuumed(settings: Settings, intent: Vacuum, log: Path, turn: int) -> bool:
    """In this process, so that many follow each other quickly. False: nothing to do, or stale."""
    with connect(settings) as session:
        edges = flow.Edges(settings=settings, session=session)
        book = flow.plan(intent, edges).runbook
        if not book.plan.steps:
            return False
        try:
            journal = Journal(path=log, operation=str(turn))
            applied = flow.apply(book.text, edges, journal, Watch())
        except PhloSqlError as error:
            if error.code is not Code.STALE_PLAN:
                raise
            return False
        assert applied.failures == []
        return True


class TestWriters:
    def test_twenty_vacuums_beside_writers_on_two_refs(self, refs: TwoRefs, tmp_path: Path) -> None:
        stop, written = threading.Event(), {refs.main: 25, refs.other: 25}

        def write(table: str) -> None:
            while not stop.wait(3):
                refs.stack.rows(f"INSERT INTO {table} SELECT * FROM tpch.tiny.nation")
                written[table] += 25

        settings, intent = settings_of(refs, tmp_path), old(refs, timedelta(seconds=90))
        refs.commit()
        for table in written:
            written[table] += 50
        writers = [threading.Thread(target=write, args=(table,)) for table in written]
        for each in writers:
            each.start()
        try:
            time.sleep(92)
            done = sum(vacuumed(settings, intent, tmp_path / "log", turn) for turn in range(20))
        finally:
            stop.set()
            for each in writers:
                each.join()
        assert done >= 5
        refs.whole()
        assert refs.rows() == (written[refs.main], written[refs.other])
