"""What `migrate` does with the journal: go on, go back, and tell where things stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import runbook as runbooks
from phlo_sql.access import guard
from phlo_sql.audit.journal import Journal, events, kept
from phlo_sql.cli import carrying
from phlo_sql.cli.change import change, confirm, run
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.draw_migration import cut, migrated, operations, taken_back
from phlo_sql.cli.migration_report import require_ending, save
from phlo_sql.cli.output import Report
from phlo_sql.cli.plan_document import plan_document
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import AFTERWARDS
from phlo_sql.flow.migrating import MIGRATIONS, ROLLED_BACK
from phlo_sql.model.migration import Rollback
from phlo_sql.model.names import parse_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from phlo_sql.access.grants import Grant
    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.model.migration import Convert, Detach, FromTable
    from phlo_sql.model.names import TableName
    from phlo_sql.plan import Plan
    from phlo_sql.runbook import Runbook

_UNFINISHED = ("failed", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One run of a migration's runbook. `state`: running or stopped, failed, finished, rolled back;
    a killed run writes nothing of its end."""

    id: str
    command: str
    table: str
    ref: str | None
    runbook: str
    started: str
    steps: int
    done: int = 0
    state: str = "stopped"
    error: str | None = None
    granted: bool = False
    """The grants that follow it were made."""

    @property
    def left_behind(self) -> bool:
        """Whether it did steps, and neither ended nor was taken back."""
        return self.done > 0 and self.state in _UNFINISHED

    def document(self) -> dict[str, Any]:
        return {
            "operation": self.id,
            "command": self.command,
            "table": self.table,
            "ref": self.ref,
            "started_at": self.started,
            "state": self.state,
            "steps_done": self.done,
            "steps": self.steps,
            "error": self.error,
        }


def read_operations(path: Path) -> dict[str, Operation]:
    """Every migration in the journal, oldest first."""
    found: dict[str, Operation] = {}
    for event in events(path):
        name = str(event.get("operation"))
        if event.get("event") == "started" and event.get("command") in MIGRATIONS:
            found[name] = Operation(
                id=name,
                command=str(event["command"]),
                table=str(event["table"]),
                ref=event.get("ref"),
                runbook=str(event["runbook"]),
                started=str(event["timestamp"]),
                steps=int(event["steps"]),
                done=_done_before(found, str(event["runbook"])),
            )
        elif event.get("event") == ROLLED_BACK:
            for each in list(found.values()):
                if each.runbook == event.get("runbook"):
                    found[each.id] = replace(each, state=ROLLED_BACK)
        elif name in found:
            found[name] = _told(found[name], event)
    return found


def _done_before(known: dict[str, Operation], runbook: str) -> int:
    """Steps of a runbook that the runs before this one did, where it goes on with them."""
    last = next((each for each in reversed(known.values()) if each.runbook == runbook), None)
    return 0 if last is None or last.state == ROLLED_BACK else last.done


def _told(of: Operation, event: Any) -> Operation:
    match event.get("event"):
        case "step finished" | "step found done":
            return replace(of, done=of.done + 1)
        case "finished":
            return replace(of, state="finished")
        case carrying.GRANTED:
            return replace(of, granted=True)
        case "failed":
            return replace(of, state="failed", error=str(event.get("error")))
        case _:
            return of


def unfinished(
    path: Path, tables: Mapping[str, str | None], settings: Settings
) -> dict[str, Operation]:
    """By table, the last run that left something to do: steps, or grants; `tables` are full names
    with their refs."""
    found: dict[str, Operation] = {}
    for each in read_operations(path).values():
        if each.table in tables and tables[each.table] == each.ref:
            found[each.table] = each
    grants = guard.policies(settings) if found else None
    return {
        name: each
        for name, each in found.items()
        if each.left_behind or (grants is not None and _ungranted(each, grants) is not None)
    }


def _ungranted(of: Operation, grants: Collection[Grant]) -> Plan | None:
    """The plan of a run that ended without the grants which follow it; most have none, and are not
    parsed."""
    path = kept(journal_path(), of.runbook)
    if of.state != "finished" or of.granted or not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    if AFTERWARDS not in text:
        return None
    plan = runbooks.read(text).plan
    return plan if carrying.missing(plan, grants) else None


def converted(intent: Convert | FromTable, options: Options, file: str | None = None) -> Report:
    """Plan, show or run it; a failure says how to go back."""
    if file is not None:
        require_ending(file)
    try:
        return _reported(change(intent, options, migrated), file)
    except PhloSqlError as error:
        if error.code is Code.TARGET_EXISTS and intent.if_exists == "skip":
            return Report(status="noop", reason_code="exists", warnings=(error.problem,))
        raise with_way_back(error, str(intent.table)) from error


def detached(intent: Detach, options: Options) -> Report:
    """The same command goes on where a run of it on this table stopped."""
    with connected(options) as (settings, _):
        table = intent.table.within(str(settings.trino_catalog.value))
    last = _last(table, intent.ref)
    if last is not None and last.command == "migrate detach" and last.state in _UNFINISHED:
        return gone_on(table, intent.ref, options)
    try:
        return change(intent, options, cut)
    except PhloSqlError as error:
        raise with_way_back(error, str(table)) from error


def _last(table: TableName, ref: str | None) -> Operation | None:
    named = str(table)
    known = reversed(read_operations(journal_path()).values())
    return next((each for each in known if each.table == named and each.ref == ref), None)


def _reported(report: Report, file: str | None) -> Report:
    if file is not None and "plan" in report.data:
        save(report, file)
    return report


def with_way_back(error: PhloSqlError, table: str) -> PhloSqlError:
    """Where the run left something, its rollback and its resumption stand in the error."""
    found = [
        each
        for each in read_operations(journal_path()).values()
        if f".{each.table}".endswith(f".{table}")
    ]
    if not found or found[-1].state not in _UNFINISHED:
        return error
    last = found[-1]
    again = f"phlo-sql migrate rollback {last.id}"
    return PhloSqlError(
        error.code,
        error.problem,
        f"go back with: {again}; or go on with --resume ({error.hint})"
        if last.done
        else error.hint,
        data={**error.data, "operation": last.id},
        next_steps=(*error.next_steps, (again, "to take away what the run made"))
        if last.done
        else error.next_steps,
    )


def gone_on(table: TableName, ref: str | None, options: Options, file: str | None = None) -> Report:
    """Run what is left of the last migration to this table. Raises NOTHING_RECORDED."""
    if file is not None:
        require_ending(file)
    with connected(options) as (settings, session):
        named = str(table.within(str(settings.trino_catalog.value)))
        last = _last(table.within(str(settings.trino_catalog.value)), ref)
        if last is not None and last.state == "finished" and not options.dry_run:
            grants = guard.policies(settings)
            plan = None if grants is None else _ungranted(last, grants)
            if plan is not None:
                done = Report(status="success", data={"operation": last.id})
                return carrying.followed(done, plan, settings, session, options)
        if last is None or last.state in ("finished", ROLLED_BACK):
            raise PhloSqlError(
                Code.NOTHING_RECORDED,
                f"no unfinished migration to {named} is recorded",
                "start it without --resume; `migrate status` lists what is known",
            )
        book = _book(last)
        if options.dry_run:
            return Report(status="planned", data={"plan": plan_document(book)})
        confirm(book, options)
        try:
            return _reported(run(book.text, settings, session, options), file)
        except PhloSqlError as error:
            raise with_way_back(error, named) from error


def _book(of: Operation) -> Runbook:
    path = kept(journal_path(), of.runbook)
    if not path.exists():
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            f"the runbook of {of.id} is not kept beside the journal",
            "run it on the machine, and as the user, that ran the migration",
        )
    return runbooks.read(path.read_text(encoding="utf-8"))


def rolled_back(operation: str, options: Options) -> Report:
    """Raises PhloSqlError(NOTHING_RECORDED)."""
    found = _one(operation)
    table, _ = parse_table(found.table)
    book = _book(found)
    intent = Rollback(table=table, ref=found.ref, operation=found.id, text=book.text)
    report = change(intent, options, taken_back)
    if report.status in ("success", "noop") and not (options.dry_run or options.out):
        Journal(path=journal_path(), operation=found.id).write(ROLLED_BACK, runbook=book.digest)
    return report


def _one(operation: str) -> Operation:
    known = read_operations(journal_path())
    found = [each for each in known.values() if each.id == operation]
    if not found:
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            f"the journal has no migration {operation}",
            "see the ids with `phlo-sql migrate status`",
        )
    return found[0]


def listed(operation: str | None) -> Report:
    """All migrations, or one."""
    known = read_operations(journal_path())
    found = list(known.values()) if operation is None else [_one(operation)]
    return Report(
        status="success",
        data={"migrations": [each.document() for each in found]},
        human=lambda out: operations(out, [each.document() for each in found]),
    )
