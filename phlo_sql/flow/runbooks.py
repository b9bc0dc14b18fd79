"""A saved runbook against the world: is it for this table, did that move, does its outcome hold?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.audit.journal import events
from phlo_sql.compile.cut_over import is_own
from phlo_sql.compile.vacuum_union import SCRATCH_SCHEMA
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import CheckResult
from phlo_sql.execute.steps import answer, compared
from phlo_sql.flow import approvals, carrying, cutting_over
from phlo_sql.flow.edges import open_table, physical
from phlo_sql.flow.migrating import MIGRATIONS, left, refuse_unstaged
from phlo_sql.plan import UNMOVED, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyiceberg.table import Table

    from phlo_sql.audit.journal import Journal
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.names import TableName
    from phlo_sql.plan import Check, Plan, Step
    from phlo_sql.runbook import Runbook


def admit(
    book: Runbook, edges: Edges, journal: Journal, *, only: int | None, accept_drift: bool
) -> Runbook:
    """The runbook, or the one step of it, that may run here and now. Raises PhloSqlError where it
    is not approved, made for another table, or made from another state."""
    approvals.hold(book, edges, journal)
    refuse_other_target(book, edges)
    past = tuple(events(journal.path))
    began = recorded(book.digest, past) is not None  # then its own steps moved the table
    refuse_moved(book, edges, accept_drift=accept_drift, began=began)
    if book.plan.command in MIGRATIONS:
        return left(book, edges, journal, past)
    return narrowed(book, only, past)


def refuse_other_target(book: Runbook, edges: Edges) -> None:
    """Raises PhloSqlError(WRONG_TARGET) where a statement changes another table than the header
    names, or the header's ref is shown by another catalog here. Permissions are asked for the
    header's table, so a statement must not reach past it."""
    plan = book.plan
    if plan.command in MIGRATIONS:
        refuse_unstaged(book, edges)
    carrying.commanded(plan)  # its grants are about that table too
    if not plan.command.startswith(("table ", "schema ", "runbook ", cutting_over.COMMAND)):
        return
    expected = physical(plan.table.within(edges.settings.trino_catalog.value), plan.ref, edges)
    swaps = plan.command in (cutting_over.COMMAND, "runbook undo")
    for step in plan.steps:
        for tree in (step.statement, step.undo.statement):
            target = dialect.target_of(tree) if tree is not None else None
            if target is None or target == expected or _is_scratch(plan, target, edges):
                continue
            if tree is not None and swaps and is_own(tree, expected):
                continue
            at_ref = f" at ref {plan.ref}" if plan.ref else ""
            raise PhloSqlError(
                Code.WRONG_TARGET,
                f"step {step.id} changes {target}, but {plan.table}{at_ref} is {expected} here",
                "apply it where it was made, or make it again here with the command in its header",
            )


def _is_scratch(plan: Plan, target: TableName, edges: Edges) -> bool:
    """Where a vacuum shows the server all refs of its table; before it runs, each of its statements
    is compared with those of a plan made anew (`flow.vacuum`)."""
    return (
        plan.command == "table vacuum"
        and target.catalog == edges.settings.scratch_catalog.value
        and target.schema.startswith(SCRATCH_SCHEMA)
    )


def refuse_moved(book: Runbook, edges: Edges, *, accept_drift: bool, began: bool) -> None:
    """Raises PhloSqlError before anything runs: WRONG_TARGET where another table has the name now,
    STALE_PLAN, with what moved, where the table has other metadata than the plan was made from."""
    unmoved = _unmoved(book.plan)
    if unmoved is None or unmoved.expected is None:
        return
    rows = edges.session.query(unmoved.query)
    found = str(rows[0][0]) if rows else ""
    if found == unmoved.expected:
        return
    plan = book.plan
    if _folder(found) != _folder(unmoved.expected):
        raise PhloSqlError(
            Code.WRONG_TARGET,
            f"the runbook was made for the {plan.table} in {_folder(unmoved.expected)}, "
            f"this one is in {_folder(found)}",
            "it is another server's, or was made anew: make the plan again here",
        )
    if began or (accept_drift and not plan.destructive):
        return
    moved = _moved(plan, edges, found)
    commits = moved["commits"]
    what = "; ".join(str(each["line"]) for each in commits[:3]) or "its metadata alone changed"
    more = f" and {len(commits) - 3} more" if len(commits) > 3 else ""
    raise PhloSqlError(
        Code.STALE_PLAN,
        f"{plan.table} moved since the plan was made: {what}{more}",
        "run it with --replan to make it anew and see the difference"
        + (
            "; --accept-drift is for plans that destroy nothing"
            if plan.destructive
            else ", or with --accept-drift to go on (no step destroys anything)"
        ),
        data={"moved": moved},
    )


def _unmoved(plan: Plan) -> Check | None:
    checks = plan.steps[0].prechecks if plan.steps else ()
    return next((check for check in checks if check.name == UNMOVED), None)


def _folder(location: str) -> str:
    return location.rsplit("/", 1)[0]


def _moved(plan: Plan, edges: Edges, found: str) -> dict[str, Any]:
    metadata = open_table(plan.table, plan.ref, edges).metadata
    commits = []
    by_id = {each.snapshot_id: each for each in metadata.snapshots}
    at = metadata.current_snapshot_id
    while at is not None and at != plan.state.snapshot_id and at in by_id:
        snapshot = by_id[at]
        summary = snapshot.summary
        facts = dict(summary.additional_properties) if summary is not None else {}
        operation = summary.operation.value if summary is not None else "commit"
        commits.append(
            {
                "snapshot_id": at,
                "operation": operation,
                "line": _commit_line(operation, facts, snapshot.timestamp_ms),
                "summary": facts,
            }
        )
        at = snapshot.parent_snapshot_id
    return {
        "metadata_location": {"from": plan.state.metadata_location, "to": found},
        "snapshot_id": {"from": plan.state.snapshot_id, "to": metadata.current_snapshot_id},
        "commits": commits[::-1],
    }


def _commit_line(operation: str, facts: Mapping[str, str], timestamp_ms: int) -> str:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(timestamp_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    words = (
        ("added-data-files", "+{} files"),
        ("deleted-data-files", "-{} files"),
        ("added-records", "+{} rows"),
        ("deleted-records", "-{} rows"),
    )
    told = [word.format(facts[name]) for name, word in words if facts.get(name, "0") != "0"]
    return " ".join([operation, *told, f"at {when}"])


# ------------------------------------------------------------------ one step
def narrowed(book: Runbook, only: int | None, past: Iterable[Mapping[str, Any]]) -> Runbook:
    """The runbook with step `only` alone, and the session settings that stand before it.

    Raises PhloSqlError where there is no such step, or where one that it builds on has not run.
    """
    if only is None:
        return book
    plan = book.plan
    step = next((each for each in plan.steps if each.id == only), None)
    if step is None:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"the runbook has no step {only}: it has {len(plan.steps)}",
            "see its steps with `phlo-sql runbook show FILE`",
        )
    earlier = [each for each in plan.steps if each.id < only]
    ran = recorded(book.digest, past)
    done = set(ran.steps) if ran is not None else set()
    missing = [
        each.id
        for each in earlier
        if each.id not in done
        and each.kind is not Kind.SESSION
        and not (each.independent and step.independent)
    ]
    if missing:
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"step {only} builds on step {missing[0]}, which has not run",
            f"run step {missing[0]} first, or the whole runbook",
        )
    sessions = [each for each in earlier if each.kind is Kind.SESSION]
    if not done:
        step = _bound(step, plan)
    chosen = (*sessions, step)
    return replace(book, plan=replace(plan, steps=chosen, predicts=step.predicts))


def _bound(step: Step, plan: Plan) -> Step:
    """A later step that runs before all others asks what the first would have asked."""
    unmoved = _unmoved(plan)
    if unmoved is None or any(each.name == UNMOVED for each in step.prechecks):
        return step
    return replace(step, prechecks=(unmoved, *step.prechecks))


# ------------------------------------------------------------------ what was recorded
@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the journal says of all runs of one runbook: finished steps that were not put back."""

    operation: str
    steps: Mapping[int, Mapping[str, Any]]


def recorded(digest: str, past: Iterable[Mapping[str, Any]]) -> Recorded | None:
    """None: no step of this runbook ever finished."""
    mine: set[str] = set()
    steps: dict[int, Mapping[str, Any]] = {}
    operation = ""
    for event in past:
        name, of = event.get("event"), str(event.get("operation"))
        if name == "started" and event.get("runbook") == digest:
            mine.add(of)
        if of not in mine:
            continue
        if name == "step finished":
            steps[int(event["step"])] = event
            operation = of
        elif name == "undone":
            steps.pop(int(event["step"]), None)
    return Recorded(operation=operation, steps=steps) if steps else None


def require_recorded(book: Runbook, past: Iterable[Mapping[str, Any]]) -> Recorded:
    """Raises PhloSqlError(NOTHING_RECORDED)."""
    found = recorded(book.digest, past)
    if found is None:
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            f"the journal has no run of runbook {book.id}",
            "verify and undo need the journal of the user and machine that applied it",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the outcome is still so; `notes` say what could not be compared, and why."""

    checks: tuple[CheckResult, ...]
    notes: tuple[str, ...]


def verify(book: Runbook, ran: Recorded, edges: Edges) -> Standing:
    """Compare what each step left with what is there now."""
    plan = book.plan
    checks = [
        CheckResult(
            name="ran",
            step=step.id,
            expected="finished",
            actual="finished" if step.id in ran.steps else "not run",
        )
        for step in plan.steps
        if step.kind is not Kind.SESSION
    ]
    notes: list[str] = []
    table = open_table(plan.table, plan.ref, edges) if plan.command.startswith("table ") else None
    others = 0
    if table is not None:
        queries = {int(i): str(e.get("query_id")) for i, e in ran.steps.items()}
        kept, others = _in_history(table, queries)
        checks += kept
    for step in plan.steps:
        if step.id in ran.steps:
            checks += _asked_again(step, ran.steps[step.id], edges, others, notes)
    return Standing(checks=tuple(checks), notes=tuple(notes))


def _in_history(table: Table, queries: Mapping[int, str]) -> tuple[list[CheckResult], int]:
    """Whether the commits of these queries are still part of the table, and how many others follow
    the last of them. A commit that was expired, or that the catalog never shows, is no evidence."""
    metadata = table.metadata
    by_id = {each.snapshot_id: each for each in metadata.snapshots}
    mine: dict[int, int] = {}
    for snapshot in metadata.snapshots:
        facts = snapshot.summary.additional_properties if snapshot.summary is not None else {}
        query = facts.get("trino_query_id")
        step = next((number for number, name in queries.items() if name == query), None)
        if step is not None:
            mine[snapshot.snapshot_id] = step
    line: list[int] = []
    at = metadata.current_snapshot_id
    while at is not None and at in by_id:
        line.append(at)
        at = by_id[at].parent_snapshot_id
    others = next((n for n, snapshot in enumerate(line) if snapshot in mine), len(line))
    checks = [
        CheckResult(
            name="snapshot",
            step=step,
            expected=f"{snapshot} in the table's history",
            actual=f"{snapshot} in the table's history"
            if snapshot in line
            else f"{snapshot} was left behind: the table was taken back",
        )
        for snapshot, step in mine.items()
    ]
    return checks, others


def _asked_again(
    step: Step, event: Mapping[str, Any], edges: Edges, others: int, notes: list[str]
) -> Iterator[CheckResult]:
    answers = _answers(event)
    for check in step.checks:
        if check.expected is None and others:
            notes.append(
                f"step {step.id}, check {check.name}: not compared, others wrote to the table since"
            )
            continue
        before = answers.get(check.name) if check.expected is None else check.expected
        if before is None:
            continue
        told = answer(check, edges.session)
        if before != told:  # the journal keeps an answer of many lines as its digest
            told = compared(check.name, step.id, told, told).actual
        yield CheckResult(name=check.name, step=step.id, expected=before, actual=told)


def _answers(event: Mapping[str, Any]) -> dict[str, str]:
    return {str(each["name"]): str(each["actual"]) for each in event.get("checks", ())}
