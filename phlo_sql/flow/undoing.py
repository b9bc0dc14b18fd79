"""`runbook undo`: the runbook that goes back over what another one did."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql import runbook as runbooks
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.edges import open_table, physical
from phlo_sql.plan import UNMOVED, Binding, Check, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import UndoRunbook
    from phlo_sql.model.names import TableName
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """A plan that goes back, and what it leaves as it is."""

    plan: Plan
    stays: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"stays": list(self.stays)}


def compile_plan(intent: UndoRunbook, edges: Edges) -> UndoPlan:
    """Raises PhloSqlError where nothing of what was done has an undo."""
    book = runbooks.read(intent.text)
    done = [step for step in book.plan.steps if step.id in intent.done]
    undone = [step for step in reversed(done) if step.undo.statement is not None]
    stays = tuple(
        f"step {step.id} stays: {step.undo.reason}"
        for step in done
        if step.undo.statement is None and step.kind is not Kind.SESSION
    )
    undone = [step for step in undone if step.kind is not Kind.SESSION]  # ended with its session
    if not undone:
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            "; ".join(stays) or "nothing that it did outlasts its session",
            "there is no statement that goes back",
        )
    edges.note(f"reading {intent.table}")
    metadata = open_table(intent.table, intent.ref, edges).metadata
    table = physical(intent.table, intent.ref, edges)
    location = str(edges.session.query(dialect.latest_metadata(table))[0][0])
    lost = _lost(metadata, book.plan.state.snapshot_id)
    steps = tuple(
        _step(number, step, table, metadata.current_snapshot_id, location if number == 1 else None)
        for number, step in enumerate(undone, start=1)
    )
    server = edges.server(table)
    plan = Plan(
        command="runbook undo",
        command_line=shlex.join(["phlo-sql", "runbook", "undo", intent.file]),
        table=intent.table,
        ref=intent.ref,
        trino_version=server.version,
        state=Binding(
            metadata_location=location,
            snapshot_id=metadata.current_snapshot_id,
            ref_hash=None,
        ),
        planned_at=datetime.now(UTC).replace(microsecond=0),
        planned_by=server.user,
        does=(f"Takes back {len(undone)} step(s) of runbook {book.id} ({book.plan.command}).",),
        risk=lost or "low: nothing was committed since",
        steps=tuple(
            replace(step, destructive=bool(lost)) if _rolls(step) else step for step in steps
        ),
        warnings=(*stays, *((lost,) if lost else ())),
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


def _rolls(step: Step) -> bool:
    return dialect.procedure_of(step.statement) == "rollback_to_snapshot"


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
