"""Many tables' migrations at once: the largest first, each on a session of its own, none stopped
by another's failure."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING

from phlo_sql import flow
from phlo_sql.cli.change import proceed
from phlo_sql.cli.connection import connected, gathered, journal_path
from phlo_sql.cli.draw_migration import migrated
from phlo_sql.cli.migrating import gone_on, with_way_back
from phlo_sql.cli.progress import instead
from phlo_sql.cli.progress_tables import Amount, Together, together
from phlo_sql.cli.run import unexpected
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.cli.migrating_tables import Line
    from phlo_sql.cli.options import Options
    from phlo_sql.cli.output import Report
    from phlo_sql.flow import Planned
    from phlo_sql.model.migration import Chosen

_POLL = 0.2
_ENDING = (Code.SERVER_DOWN, Code.NOT_AUTHENTICATED, Code.INTERRUPTED)
"""After these the next table would fare no better."""


def run_all(lines: Sequence[Line], options: Options) -> None:
    """Each line tells afterwards what came of it. `options.parallel` is shared: tables at once, and
    where there are fewer of them, parts of each at once."""
    crew = min(options.parallel, len(lines))
    own = replace(options, parallel=max(1, options.parallel // crew))
    total = {each.name: _whole(each) for each in lines}
    stop = Event()
    with (
        together(total, quiet=options.quiet) as board,
        gathered() as sessions,
        ThreadPoolExecutor(crew, thread_name_prefix="table") as pool,
    ):
        waiting: set[Future[None]] = {
            pool.submit(copy_context().run, _table, each, own, board, stop) for each in lines
        }
        while waiting:
            try:
                _, waiting = wait(waiting, timeout=_POLL)
            except KeyboardInterrupt:
                stop.set()
            if stop.is_set():
                for session in tuple(sessions):
                    session.cancel()


def _whole(line: Line) -> Amount:
    source = line.table.source
    return Amount(tables=1, partitions=len(source.partitions), bytes=source.bytes)


def _table(line: Line, options: Options, board: Together, stop: Event) -> None:
    if stop.is_set():
        line.state = "not run"
        line.error = PhloSqlError(Code.INTERRUPTED, "it was not begun", "run the command again")
        return
    try:
        report = _brought(line, options, board)
        line.state, line.told = report.status, {**report.data, "warnings": report.warnings}
        if report.errors:
            line.error = _told(report)
    except PhloSqlError as error:
        line.error = with_way_back(error, line.name)
        line.told = dict(line.error.data)
    except Exception as error:  # noqa: BLE001 - a bug in one table must not stop the others
        line.error = unexpected(error)
    if line.error is not None:
        line.state = "failed"
        if line.error.code in _ENDING:
            stop.set()
    board.ended(line.name, str(line.error) if line.error is not None else "done")


def _told(report: Report) -> PhloSqlError:
    """What a run that came to its end has to say against itself."""
    code = next((e for e in Code if e.reason == report.reason_code), Code.NOT_VERIFIED)
    problem = report.errors[0].removeprefix(f"{code.id}: ")
    return PhloSqlError(code, problem, "see its report", next_steps=report.next_steps)


def _brought(line: Line, options: Options, board: Together) -> Report:
    table = line.table
    if line.begun is not None:
        with instead(board.watch(line.name, {})):
            return gone_on(table.table, table.ref, options)
    with connected(options) as (settings, session):
        edges = flow.Edges(settings=settings, session=session, history=journal_path())
        planned = flow.plan(table, edges)
        with instead(board.watch(line.name, _amounts(planned, line.outlook.chosen))):
            return proceed(planned, settings, session, options, migrated)


def _amounts(planned: Planned, chosen: Sequence[Chosen]) -> dict[int, Amount]:
    """What is done when a step has ended: a partition each, or the same share of the whole."""
    steps = [each.id for each in planned.runbook.plan.steps if each.kind in _MOVING]
    ordered = sorted(chosen, key=lambda each: each.mode != "in-place")
    if len(ordered) == len(steps):
        amounts = [Amount(partitions=1, bytes=each.partition.bytes) for each in ordered]
        return dict(zip(steps, amounts, strict=True))
    share = sum(each.partition.bytes for each in chosen) // max(1, len(steps))
    return {each: Amount(bytes=share) for each in steps}


_MOVING = (Kind.PROCEDURE, Kind.WRITE)
