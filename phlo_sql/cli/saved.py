"""What the commands of `runbook` do with a file: show, apply, verify, approve, take back."""

from __future__ import annotations

import difflib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql import approval, config, flow
from phlo_sql import runbook as runbooks
from phlo_sql.access.changes import COMMANDS as POLICY_COMMANDS
from phlo_sql.audit.journal import events
from phlo_sql.cli import draw, draw_saved
from phlo_sql.cli.change import captured, change, confirm, plan_document, proceed, run
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.output import Report, console
from phlo_sql.cli.progress import watching
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
    from phlo_sql.runbook import Outline, Runbook


def read_text(file: str) -> str:
    """A runbook's file. Raises PhloSqlError(RUNBOOK_INVALID) for what is no text."""
    try:
        return Path(file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise PhloSqlError(
            Code.RUNBOOK_INVALID, f"{file} cannot be read as text: {why}", "name a .sql runbook"
        ) from error


def show(file: str, html: str | None, options: Options) -> Report:
    """The plan that a file holds."""
    found = runbooks.outline(read_text(file))
    signed = _verified(found, options)
    data: dict[str, Any] = {
        "plan": draw_saved.document(found),
        "approvals": [each.document() for each in signed],
    }
    if html:
        from phlo_sql.cli.runbook_page import page

        Path(html).write_text(page(found, signed), encoding="utf-8", newline="\n")
        data["html"] = html
    return Report(
        status="planned" if found.steps else "noop",
        data=data,
        warnings=found.head.warnings,
        human=lambda out: draw_saved.outline(out, found, signed, html),
    )


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
        return _confirmed(book, settings, session, options)


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
    intent = UndoRunbook(
        table=book.plan.table,
        ref=book.plan.ref,
        text=text,
        file=Path(file).name,
        done=tuple(sorted(ran.steps)),
    )
    return change(intent, options, lambda _out, _details: None)


def approve(file: str, key: str, options: Options) -> Report:
    """Add a signature over the digest to the file."""
    book = runbooks.read(read_text(file))
    settings = config.load(dict(options.flags))
    signature = approval.sign(book.digest, Path(key).expanduser(), ask=not options.as_json)
    signers = approval.allowed_signers(settings)
    warnings: tuple[str, ...] = ()
    made = runbooks.Approval(by=_comment(key), signature=signature)
    if signers is None:
        warnings = ("no allowed_signers file is set here: nothing tells yet whose key this is",)
    else:
        checked = approval.check(made, book.digest, signers)
        if not checked.names:
            raise PhloSqlError(
                Code.SIGNING_FAILED,
                f"{key} may not approve: {checked.why}",
                f"add its public half to {signers}, or sign with a key that stands there",
            )
        made = runbooks.Approval(by=checked.by, signature=signature)
        _refuse_author(book, checked, settings)
    if any(each == made for each in book.approvals):
        return Report(
            status="noop",
            data={"approvals": [each.document() for each in approval.verified(book, settings)]},
            reason_code="no_changes",
            human=lambda out: out.print(f"nothing to do: {made.by} has approved it", markup=False),
        )
    _replace(file, runbooks.approved(book.text, made))
    signed = _verified(runbooks.outline(read_text(file)), options)

    def human(out: Console) -> None:
        out.print(f"approved by {made.by}: {file}", soft_wrap=True)

    return Report(
        status="success",
        data={
            "runbook": file,
            "digest": book.digest,
            "approvals": [each.document() for each in signed],
        },
        warnings=warnings,
        next_steps=((f"phlo-sql runbook apply {shlex.quote(file)}", "to run it"),),
        human=human,
    )


def _refuse_author(book: Runbook, checked: approval.Verified, settings: Settings) -> None:
    if settings.four_eyes.value and approval.own(checked.names, book.plan.planned_by):
        raise PhloSqlError(
            Code.APPROVAL_REQUIRED,
            f"{checked.by} may be {book.plan.planned_by}, who made this plan, and four_eyes is set",
            "have somebody else approve it",
        )


def _comment(key: str) -> str:
    """The comment of a key's public half: who it is said to be of."""
    path = Path(key).expanduser()
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        words = public.read_text(encoding="utf-8").split(maxsplit=2)
    except (OSError, UnicodeDecodeError):
        return "unknown"
    return " ".join(words[2].split()) if len(words) > 2 else "unknown"


def _replace(file: str, text: str) -> None:
    """Whole or not at all: a runbook that is half written is none."""
    path = Path(file)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8", newline="\n")
    written.chmod(path.stat().st_mode)
    written.replace(path)


def _verified(book: Outline, options: Options) -> tuple[approval.Verified, ...]:
    if not book.approvals:
        return ()
    return approval.verified(book, config.load(dict(options.flags)))


def _confirmed(
    book: Runbook, settings: Settings, session: TrinoSession, options: Options
) -> Report:
    approval.require(book, book.plan.planned_by, settings)
    if not options.as_json:
        draw.plan(console(), book.plan)
    confirm(book, options)
    return run(book.text, settings, session, options)


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
    from dataclasses import replace

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
