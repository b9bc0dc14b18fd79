"""The one way of every command that changes something: plan, show or save, ask, apply, report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql import approval, dialect, flow
from phlo_sql import runbook as runbooks
from phlo_sql.audit.journal import Journal, trail_of_now
from phlo_sql.cli import beside, draw, host
from phlo_sql.cli.confirmation import confirmed
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.output import Report, console
from phlo_sql.cli.plan_document import plan_document
from phlo_sql.cli.progress import watching
from phlo_sql.errors import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.flow import Applied, Fresh, Planned
    from phlo_sql.model.intents import Intent
    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.plan import Plan
    from phlo_sql.runbook import Runbook

Show = Callable[["Console", Any], None]
"""Draws what a dry run shows of a compiled plan beside its steps and prediction."""
_ASKED: ContextVar[list[tuple[Any, Show]] | None] = ContextVar("phlo_sql_asked", default=None)


def change(intent: Intent, options: Options, show: Show) -> Report:
    """Plan the intent; then show it, save it, or run it once that is confirmed."""
    asked = _ASKED.get()
    if asked is not None:
        asked.append((intent, show))
        return Report(status="noop")
    with connected(options) as (settings, session):
        with watching(quiet=options.quiet) as watch:
            planned = flow.plan(
                intent,
                flow.Edges(
                    settings=settings,
                    session=session,
                    note=watch.note,
                    history=journal_path(),
                ),
            )
        return proceed(planned, settings, session, options, show)


@contextmanager
def captured() -> Iterator[list[tuple[Intent, Show]]]:
    """Commands run inside only say what they are asked for; nothing is planned or run."""
    asked: list[tuple[Intent, Show]] = []
    token = _ASKED.set(asked)
    try:
        yield asked
    finally:
        _ASKED.reset(token)


def proceed(
    planned: Planned, settings: Settings, session: TrinoSession, options: Options, show: Show
) -> Report:
    """Show a plan or save it, or run it once that is confirmed."""
    book = planned.runbook
    beside.save(planned.details, options)
    if options.out and book.plan.steps:
        Path(options.out).write_text(book.text, encoding="utf-8", newline="\n")
    if not book.plan.steps:
        return _report("noop", planned, options, show)
    if options.dry_run or options.out:
        _note_plan(book, session)
        return _report("planned", planned, options, show)
    approval.require(book, book.plan.planned_by, settings)
    if not options.as_json:
        _draw(planned, show)(console())
    confirm(book, options)
    fresh = planned.fresh if options.yes else None  # a person may take hours to answer
    return run(book.text, settings, session, options, fresh=fresh)


def _note_plan(book: Runbook, session: TrinoSession) -> None:
    """Where there is an audit trail, a dry run stands in it too."""
    if trail_of_now() is None:
        return
    from phlo_sql.access.guard import identity_of

    plan = book.plan
    operation = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{book.id}"
    Journal(path=journal_path(), operation=operation).write(
        "planned",
        command=plan.command,
        user=identity_of(session).user,
        table=str(plan.table),
        ref=plan.ref,
        runbook=book.digest,
        steps=len(plan.steps),
    )


def _report(status: str, planned: Planned, options: Options, show: Show) -> Report:
    book, details = planned.runbook, planned.details
    data = {
        "plan": plan_document(book),
        **details.document(),
    }
    if options.out and book.plan.steps:
        data["runbook"] = options.out
    steps: tuple[tuple[str, str], ...] = ()
    if status == "planned":
        apply = f"phlo-sql runbook apply {options.out}" if options.out else book.plan.command_line
        steps = ((apply, "to run this plan"),)
    return Report(
        status=status,
        data=data,
        warnings=book.plan.warnings,
        reason_code="dry_run"
        if options.dry_run and status == "planned"
        else ("no_changes" if status == "noop" else None),
        next_steps=steps,
        human=_draw(planned, show, saved=options.out if status == "planned" else None),
    )


def _draw(planned: Planned, show: Show, saved: str | None = None) -> Callable[[Console], None]:
    def human(out: Console) -> None:
        draw.plan(out, planned.runbook.plan)
        if planned.runbook.plan.steps:
            out.print()
            draw.predictions(out, planned.runbook.plan.predicts)
            out.print()
            show(out, planned.details)
        if saved:
            out.print(f"saved: {saved}", soft_wrap=True)

    return human


def confirm(book: Runbook, options: Options) -> None:
    """Ask before a plan runs."""
    confirmed(
        f"Run {len(book.plan.steps)} step(s) on {book.plan.table}?",
        options,
        needing=f"{book.plan.command} on {book.plan.table}",
        data={"plan": plan_document(book)},
    )


def run(
    text: str,
    settings: Settings,
    session: TrinoSession,
    options: Options,
    *,
    folder: Path | None = None,
    fresh: Fresh | None = None,
) -> Report:
    """Run a runbook's text; files that belong to it lie in `folder`."""
    book = runbooks.read(text)
    if trail_of_now() is not None:
        from phlo_sql.access import trail

        trail.require(settings, journal_path())
    with host.doing(_deed(book.plan)) as outcome:
        approvers = approval.require(book, book.plan.planned_by, settings)
        started = datetime.now(UTC)
        journal = Journal(path=journal_path(), operation=f"{started:%Y%m%dT%H%M%S}-{book.id}")
        outcome |= {
            "operation_id": journal.operation,
            "runbook": book.digest,
            "approvers": list(approvers),
        }
        report = _run(book, settings, session, journal, options, folder, fresh)
        outcome |= {"status": report.status, "reason_code": report.reason_code}
    if report.status == "success" and book.plan.command.startswith("migrate "):
        from phlo_sql.cli.carrying import followed

        return followed(report, book.plan, settings, session, options)
    return report


def _deed(plan: Plan) -> host.Deed:
    return host.Deed(
        command=plan.command,
        resource=str(plan.table),
        ref=plan.ref,
        destructive=plan.destructive,
    )


def _run(
    book: Runbook,
    settings: Settings,
    session: TrinoSession,
    journal: Journal,
    options: Options,
    folder: Path | None,
    fresh: Fresh | None,
) -> Report:
    with watching(quiet=options.quiet) as watch:
        applied = flow.apply(
            book.text,
            flow.Edges(
                settings=settings,
                session=session,
                note=watch.note,
                parallel=options.parallel,
                beside=folder,
                history=journal_path(),
                fresh=fresh,
            ),
            journal,
            watch,
            accept_drift=options.accept_drift,
            only=options.step,
        )
    return _outcome(book.plan, applied, journal)


def _outcome(plan: Plan, applied: Applied, journal: Journal) -> Report:
    failures = applied.failures
    checks = [check.document() for check in applied.checks]
    if not applied.moved:
        checks += [verdict.document() for verdict in applied.verdicts if verdict.exact]
    undo = _way_back(plan)

    def human(out: Console) -> None:
        out.print()
        draw.predictions(out, plan.predicts, applied.measured)
        seconds = sum(step.seconds for step in applied.steps)
        out.print(
            f"{len(applied.steps)} of {len(plan.steps)} step(s) in {seconds:.1f} s, "
            f"{sum(c['ok'] for c in checks)} of {len(checks)} checks agree"
        )

    status, code, reason = _ending(applied)
    again = f"{plan.command_line} --resume"
    return Report(
        status=status,
        data={
            "plan": plan_document(applied.runbook),
            "result": applied.measured.document(),
            "checks": checks,
            "steps": [
                {
                    "id": s.id,
                    "query_id": s.query_id,
                    "seconds": s.seconds,
                    "metrics": dict(s.metrics),
                }
                for s in applied.steps
            ],
            "failed": [
                {"id": each.step.id, "code": each.error.code.id, "problem": each.error.problem}
                for each in applied.failed
            ],
            "remaining": list(applied.left),
            "operation": journal.operation,
        },
        warnings=(*plan.warnings, *applied.surprises),
        errors=(
            *(f"{Code.NOT_VERIFIED.id}: {line}" for line in failures),
            *(f"{e.error.code.id}: step {e.step.id}: {e.error.problem}" for e in applied.failed),
        ),
        reason_code=reason,
        next_steps=(
            *(((undo[0], f"to go back: {undo[1]}"),) if failures and undo else ()),
            *(((again, "to go on with what remains"),) if applied.failed else ()),
        ),
        exit_code=code,
        human=human,
    )


def _way_back(plan: Plan) -> tuple[str, str] | None:
    """The statement that goes back to the state before, or what to do where none does."""
    rewriting = [step.undo for step in plan.steps if step.independent]
    others = [step.undo for step in plan.steps if step.undo.statement is not None]
    undo = next(iter([*rewriting, *others]), None)
    if undo is None:
        return None
    if undo.statement is None:
        return undo.reason, "no statement of Trino does"
    return dialect.render(undo.statement, version=plan.trino_version), undo.reason


def _ending(applied: Applied) -> tuple[str, int, str | None]:
    """Status, exit code and reason: what is not verified weighs more than what is not done."""
    if applied.failures:
        return "error", Code.NOT_VERIFIED.exit_code, Code.NOT_VERIFIED.reason
    if applied.failed:
        return "partial", 1, applied.failed[0].error.code.reason
    return "success", 0, None
