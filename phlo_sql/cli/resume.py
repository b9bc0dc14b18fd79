"""`--resume`: the intent of the last run of a table that did not come to its end."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import config
from phlo_sql import runbook as runbooks
from phlo_sql.audit.journal import Journal, events, kept
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import click

    from phlo_sql.cli.options import Options
    from phlo_sql.model.intents import Optimize
    from phlo_sql.plan import Step
    from phlo_sql.runbook import Runbook

_COMMAND = "table optimize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A run that was stopped or killed, and the steps of it that ended well."""

    operation: str
    runbook: Runbook
    done: frozenset[int]
    undone: frozenset[int]

    @property
    def dangling(self) -> list[Step]:
        """What a killed run had set or made for itself and could not put back."""
        steps = self.runbook.plan.steps
        ran = [step.statement for step in steps if step.id in self.done]
        return [
            step
            for step in reversed(steps)
            if step.temporary
            and step.kind is not Kind.SESSION
            and step.undo.statement is not None
            and step.undo.statement not in ran
            and step.id in self.done - self.undone
        ]


def resumed(intent: Optimize, options: Options, command: click.Command) -> Optimize:
    """The options of the last unfinished run on the same table and ref. What is left to do is
    planned from the table as it is: slices that are done have nothing left to gain."""
    catalog = str(config.load(dict(options.flags)).trino_catalog.value)
    table = str(intent.table.within(catalog))
    found = last_unfinished(journal_path(), table, intent.ref)
    if found is None:
        _say(options, f"no unfinished run on {table} is recorded; planning as usual")
        return intent
    slices = [step.id for step in found.runbook.plan.steps if step.independent]
    done = len(found.done.intersection(slices))
    _say(options, f"going on with {found.operation}: {done} of {len(slices)} slices were done")
    if found.dangling and not options.dry_run:
        _put_back(found, options)
    words = shlex.split(found.runbook.plan.command_line)[3:]
    given: dict[str, Any] = command.make_context(_COMMAND, words).params
    known = {name: value for name, value in given.items() if hasattr(intent, name)}
    return replace(intent, **{k: v for k, v in known.items() if k not in ("table", "ref")})


def last_unfinished(
    path: Path, table: str, ref: str | None, command: str = _COMMAND
) -> Unfinished | None:
    """The newest run of a command on this table, unless it came to its end."""
    last: Mapping[str, Any] | None = None
    done: dict[str, set[int]] = {}
    undone: dict[str, set[int]] = {}
    ended: set[str] = set()
    for event in events(path):
        operation = event.get("operation", "")
        match event.get("event"):
            case "started" if event.get("command") == command:
                if event.get("table") == table and event.get("ref") == ref:
                    last = event
            case "step finished":
                done.setdefault(operation, set()).add(int(event["step"]))
            case "undone":
                undone.setdefault(operation, set()).add(int(event["step"]))
            case "finished":
                ended.add(operation)
            case _:
                pass
    if last is None or last["operation"] in ended:
        return None
    text = kept(path, str(last["runbook"]))
    if not text.exists():
        return None
    return Unfinished(
        operation=last["operation"],
        runbook=runbooks.read(text.read_text(encoding="utf-8")),
        done=frozenset(done.get(last["operation"], ())),
        undone=frozenset(undone.get(last["operation"], ())),
    )


def _put_back(found: Unfinished, options: Options) -> None:
    journal = Journal(path=journal_path(), operation=found.operation)
    with connected(options) as (_, session):
        for step in found.dangling:
            if step.undo.statement is not None:
                session.run(step.undo.statement)
                journal.write("undone", step=step.id)
                _say(options, f"put back what the stopped run had set: {step.undo.reason}")


def _say(options: Options, text: str) -> None:
    if not options.quiet:
        sys.stderr.write(text + "\n")
