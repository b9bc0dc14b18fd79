"""`runbook undo`: the runbook that goes back over what another one did."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql import runbook as runbooks
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow import cutting_over
from phlo_sql.flow.edges import open_table, physical
from phlo_sql.plan import UNMOVED, Binding, Check, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import UndoRunbook
    from phlo_sql.model.names import TableName
    from phlo_sql.model.server import Server
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """A plan that goes back, and what it leaves as it is."""

    plan: Plan
    stays: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"stays": list(self.stays)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The table as it is now: its name in Trino, its state, and what going back would lose."""

    table: TableName
    location: str | None
    """Of its metadata; None: no Iceberg table has the name that was changed."""
    snapshot_id: int | None
    lost: str
    server: Server


def compile_plan(intent: UndoRunbook, edges: Edges) -> UndoPlan:
    """Raises PhloSqlError where nothing of what was done has an undo."""
    book = runbooks.read(intent.text)
    chosen(intent, book)
    if book.plan.command == cutting_over.COMMAND:
        server = edges.server(intent.table)
        found = Found(table=intent.table, location=None, snapshot_id=None, lost="", server=server)
        return going_back(intent, found, datetime.now(UTC).replace(microsecond=0))
    edges.note(f"reading {intent.table}")
    metadata = open_table(intent.table, intent.ref, edges).metadata
    table = physical(intent.table, intent.ref, edges)
    found = Found(
        table=table,
        location=str(edges.session.query(dialect.latest_metadata(table))[0][0]),
        snapshot_id=metadata.current_snapshot_id,
        lost=_lost(metadata, book.plan.state.snapshot_id),
        server=edges.server(table),
    )
    return going_back(intent, found, datetime.now(UTC).replace(microsecond=0))


def chosen(intent: UndoRunbook, book: Runbook) -> tuple[list[Step], tuple[str, ...]]:
    """The steps to take back, the last one first, and why others stay. Raises PhloSqlError."""
    done = [step for step in book.plan.steps if step.id in intent.done]
    lasting = [step for step in done if step.kind is not Kind.SESSION]  # it ended with its session
    stays = tuple(
        f"step {step.id} stays: {step.undo.reason}"
        for step in lasting
        if step.undo.statement is None
    )
    undone = [step for step in reversed(lasting) if step.undo.statement is not None]
    if not undone:
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            "; ".join(stays) or "nothing that it did outlasts its session",
            "there is no statement that goes back",
        )
    return undone, stays


def going_back(intent: UndoRunbook, found: Found, planned_at: datetime) -> UndoPlan:
    """The plan from what was found; asks nobody. Raises PhloSqlError as `chosen` does."""
    book = runbooks.read(intent.text)
    undone, stays = chosen(intent, book)
    steps = tuple(
        _step(number, step, found.table, found.snapshot_id, found.location if number == 1 else None)
        for number, step in enumerate(undone, start=1)
    )
    plan = Plan(
        command="runbook undo",
        command_line=shlex.join(["phlo-sql", "runbook", "undo", intent.file]),
        table=intent.table,
        ref=intent.ref,
        trino_version=found.server.version,
        state=Binding(
            metadata_location=found.location or "none",
            snapshot_id=found.snapshot_id,
            ref_hash=None,
        ),
        planned_at=planned_at,
        planned_by=found.server.user,
        does=(f"Takes back {len(undone)} step(s) of runbook {book.id} ({book.plan.command}).",),
        risk=found.lost or "low: nothing was committed since",
        steps=tuple(
            replace(step, destructive=bool(found.lost)) if _loses(step) else step for step in steps
        ),
        warnings=(*stays, *((found.lost,) if found.lost else ())),
    )
    return UndoPlan(plan=plan, stays=stays)


def measuring(book: Runbook, edges: Edges) -> Measure:  # noqa: ARG001 - one signature for all
    """Its steps have checks of their own; it predicts no figures."""

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:  # noqa: ARG001
        return Prediction(), ()

    return measure


def _step(
    number: int, step: Step, table: TableName, current: int | None, location: str | None
) -> Step:
    statement = step.undo.statement
    assert statement is not None  # noqa: S101 - chosen so
    described = dialect.describe(statement)
    back = Undo(reason="apply the runbook itself again", statement=step.statement)
    checks: tuple[Check, ...] = ()
    if described.procedure == "rollback_to_snapshot" and current is not None:
        back = Undo(
            reason=f"go forward to snapshot {current} again",
            statement=dialect.rollback_to_snapshot(table, current),
        )
        checks = _rolled(table, described.arguments.get("snapshot_id"))
    prechecks = (
        (Check(name=UNMOVED, query=dialect.latest_metadata(table), expected=location),)
        if location is not None
        else ()
    )
    return Step(
        id=number,
        kind=step.kind,
        statement=statement,
        summary=f"take back: {step.summary}",
        why=step.undo.reason,
        undo=back,
        late=number > 1,
        prechecks=prechecks,
        checks=checks,
    )


def _rolled(table: TableName, snapshot: str | None) -> tuple[Check, ...]:
    if snapshot is None:
        return ()
    refs = dialect.metadata_table(table, "refs")
    main = dialect.compare("name", "=", "main")
    return (
        Check(
            name="current-snapshot",
            query=dialect.select(["snapshot_id"], refs, where=main),
            expected=snapshot,
        ),
    )


def _loses(step: Step) -> bool:
    """Whether rows written since go with it: all of them, or what they hold in one column."""
    described = dialect.describe(step.statement)
    return described.procedure == "rollback_to_snapshot" or bool(described.dropped)


def _lost(metadata: Any, before: int | None) -> str:
    """What others committed after the runbook, which going back would lose."""
    by_id = {each.snapshot_id: each for each in metadata.snapshots}
    lost = 0
    at = metadata.current_snapshot_id
    while at is not None and at != before and at in by_id:
        summary = by_id[at].summary
        facts = summary.additional_properties if summary is not None else {}
        changed = (
            any(facts.get(name, "0") != "0" for name in ("added-records", "deleted-records"))
            and summary is not None
            and summary.operation.value != "replace"
        )
        lost += changed
        at = by_id[at].parent_snapshot_id
    return f"high: {lost} commit(s) that changed rows since are lost with it" if lost else ""
