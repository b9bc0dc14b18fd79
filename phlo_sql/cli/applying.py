"""What `runbook apply`, `verify` and `undo` do with a file: they ask the server."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql import approval, flow
from phlo_sql import runbook as runbooks
from phlo_sql.access.changes import COMMANDS as POLICY_COMMANDS
from phlo_sql.audit.journal import events
from phlo_sql.cli import draw, draw_saved
from phlo_sql.cli.change import captured, change, confirm, proceed, run
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.output import Report, console
from phlo_sql.cli.plan_document import plan_document
from phlo_sql.cli.progress import watching
from phlo_sql.cli.saved import read_text, show
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow import runbooks as standing
from phlo_sql.model.intents import UndoRunbook

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.change import Show
    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.flow import Planned
    from phlo_sql.model.intents import Intent
    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.runbook import Runbook


def apply(file: str, replan: bool, options: Options) -> Report:
    """Run a runbook from its file, or with `replan` the plan that its command makes now."""
    text = read_text(file)
    book = runbooks.read(text)
    if options.out and not replan:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            "--out saves the plan that --replan makes, and there is no --replan",
            "add --replan, or leave --out away",
        )
    if replan:
        return _replanned(book, options)
    if options.dry_run:
        return show(file, None, options)
    if book.plan.command in POLICY_COMMANDS:
        from phlo_sql.cli.access_policies import apply_runbook as apply_policies

        return apply_policies(text, options)
    with connected(options) as (settings, session):
        return _confirmed(book, settings, session, options, Path(file).absolute().parent)


def verify(file: str, options: Options) -> Report:
    """Whether what a runbook did is still so. Exit 1 where it is not."""
    book = runbooks.read(read_text(file))
    ran = standing.require_recorded(book, events(journal_path()))
    with connected(options) as (settings, session):
        found = standing.verify(book, ran, flow.Edges(settings=settings, session=session))
    drifted = [check for check in found.checks if not check.ok]

    def human(out: Console) -> None:
        draw_saved.checks(out, found.checks)

    return Report(
        status="error" if drifted else "success",
        data={
            "operation": ran.operation,
            "runbook": book.digest,
            "checks": [check.document() for check in found.checks],
        },
        warnings=found.notes,
        errors=tuple(
            f"step {each.step}, {each.name}: was {each.expected}, is {each.actual}"
            for each in drifted
        ),
        reason_code="drift" if drifted else None,
        exit_code=Code.QUERY_FAILED.exit_code if drifted else 0,
        human=human,
    )


def undo(file: str, options: Options) -> Report:
    """The runbook that goes back over what was recorded of this one."""
    text = read_text(file)
    book = runbooks.read(text)
    ran = standing.require_recorded(book, events(journal_path()))
    if book.plan.command in POLICY_COMMANDS:
        from phlo_sql.cli.access_policies import undo_runbook as undo_policies

        return undo_policies(book, tuple(ran.steps), file, options)
    intent = UndoRunbook(
        table=book.plan.table,
        ref=book.plan.ref,
        text=text,
        file=Path(file).name,
        done=tuple(sorted(ran.steps)),
    )
    return change(intent, options, lambda _out, _details: None)


def _confirmed(
    book: Runbook,
    settings: Settings,
    session: TrinoSession,
    options: Options,
    folder: Path | None = None,
) -> Report:
    approval.require(book, book.plan.planned_by, settings)
    if not options.as_json:
        draw.plan(console(), book.plan)
    confirm(book, options)
    return run(book.text, settings, session, options, folder=folder)


# ------------------------------------------------------------------ --replan
def _replanned(book: Runbook, options: Options) -> Report:
    intent, draw_details = _intent_of(book)
    with connected(options) as (settings, session):
        with watching(quiet=options.quiet) as watch:
            planned = flow.plan(
                intent, flow.Edges(settings=settings, session=session, note=watch.note)
            )
        lines = difference(book, planned.runbook)
        if not lines and not (options.dry_run or options.out):
            return _confirmed(book, settings, session, options)  # its approvals still hold
        if not options.as_json:
            draw_saved.difference(console(), lines)
        report = proceed(planned, settings, session, options, draw_details)
    return _with(report, lines, planned)


def _with(report: Report, lines: tuple[str, ...], planned: Planned) -> Report:
    data = {"plan": plan_document(planned.runbook), **report.data, "difference": list(lines)}
    return replace(report, data=data)


def difference(old: Runbook, new: Runbook) -> tuple[str, ...]:
    """What a new plan says otherwise, as a unified diff; when it was made is no difference."""
    then, now = _lasting(old), _lasting(new)
    return tuple(difflib.unified_diff(then, now, "planned then", "planned now", lineterm="", n=1))


def _lasting(book: Runbook) -> list[str]:
    passing = ("-- planned:", "-- digest:")
    return [line for line in book.body.splitlines() if not line.startswith(passing)]


def _intent_of(book: Runbook) -> tuple[Intent, Show]:
    """What the command line in the header asks for. It is only read: nothing of it runs, and only
    commands that make plans on the one road are looked at."""
    from phlo_sql.cli.root import cli
    from phlo_sql.flow.commands import for_runbook

    for_runbook(book)
    try:
        words = shlex.split(book.plan.command_line)
    except ValueError:
        words = []
    command = book.plan.command.split()
    if words[:1] != ["phlo-sql"] or words[1 : 1 + len(command)] != command:
        raise _unreplannable(book)
    with captured() as asked:
        cli.main([*words[1:], "--dry-run"], prog_name="phlo-sql", standalone_mode=False)
    if len(asked) != 1:
        raise _unreplannable(book)
    return asked[0]


def _unreplannable(book: Runbook) -> PhloSqlError:
    return PhloSqlError(
        Code.RUNBOOK_INVALID,
        f"the header's command {book.plan.command_line!r} is not one of {book.plan.command}",
        "make the plan again by hand",
    )
