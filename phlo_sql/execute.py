"""Runs a runbook: preflight every statement, refuse a stale plan, run, check, record each step.

Takes the runbook as it was read back from its text; no other plan reaches this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, assert_never

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.plan import UNMOVED, Check, Kind, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from phlo_sql.audit.journal import Journal
    from phlo_sql.observe.trino import Outcome, Progress
    from phlo_sql.runbook import Runbook


class Session(Protocol):
    """What the executor needs of a Trino connection."""

    def query(self, tree: dialect.Statement) -> Sequence[Sequence[Any]]: ...

    def run(
        self, tree: dialect.Statement, on_progress: Callable[[Progress], None] | None = None
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    name: str
    step: int
    expected: str
    actual: str

    @property
    def ok(self) -> bool:
        return self.expected == self.actual

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "step": self.step,
            "expected": self.expected,
            "actual": self.actual,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutcome:
    """What the server said of one step. `metrics` are the procedure's own rows, if it has any."""

    id: int
    query_id: str
    seconds: float
    metrics: Mapping[str, int]
    checks: tuple[CheckResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Where the executor tells what it is doing."""

    step_started: Callable[[Step], None] = lambda _step: None
    progress: Callable[[Progress], None] = lambda _progress: None
    note: Callable[[str], None] = lambda _text: None


def preflight(runbook: Runbook, session: Session) -> None:
    """Ask the server to plan every procedure without running it: plain `EXPLAIN` validates names,
    arguments and whether WHERE can be pushed down, and has no side effect (Trino 476 to 483)."""
    for step in runbook.plan.steps:
        match step.kind:
            case Kind.PROCEDURE | Kind.WRITE:
                if not step.late:
                    session.query(dialect.explain(step.statement))
            case Kind.SESSION | Kind.PROPERTIES | Kind.DDL | Kind.CALL | Kind.CATALOG:
                pass  # the server has no plan for these: they are validated when they run
            case _ as never:
                assert_never(never)


def execute(
    runbook: Runbook,
    session: Session,
    journal: Journal,
    watch: Watch,
    *,
    accept_drift: bool = False,
) -> tuple[StepOutcome, ...]:
    """Run every step in order; put settings back where a later step fails.

    Raises PhloSqlError(STALE_PLAN) before the first statement where the table moved, and whatever
    the server refused.
    """
    plan = runbook.plan
    journal.write(
        "started",
        command=plan.command,
        table=str(plan.table),
        ref=plan.ref,
        runbook=runbook.digest,
        steps=len(plan.steps),
    )
    done: list[tuple[Step, StepOutcome]] = []
    try:
        preflight(runbook, session)
        for step in plan.steps:
            watch.step_started(step)
            done.append((step, _run(step, session, journal, watch, accept_drift=accept_drift)))
    except (PhloSqlError, KeyboardInterrupt) as error:
        _put_back([step for step, _ in done], session, journal, watch)
        journal.write("failed", error=str(error), steps_done=len(done))
        raise
    journal.write("finished", steps_done=len(done))
    return tuple(outcome for _, outcome in done)


def _run(
    step: Step, session: Session, journal: Journal, watch: Watch, *, accept_drift: bool
) -> StepOutcome:
    before = {check.name: _answer(check, session) for check in step.prechecks}
    _refuse_stale(step, before, accept_drift=accept_drift and not step.destructive)
    sql = dialect.render(step.statement)
    if step.late and step.kind in {Kind.PROCEDURE, Kind.WRITE}:
        session.query(dialect.explain(step.statement))
    journal.write("step started", step=step.id, sql=sql)
    started = monotonic()
    try:
        outcome = session.run(step.statement, watch.progress)
    except (PhloSqlError, KeyboardInterrupt) as error:
        journal.write("step failed", step=step.id, error=str(error))
        raise
    checks = tuple(_result(step, check, before, session) for check in step.checks)
    result = StepOutcome(
        id=step.id,
        query_id=outcome.query_id,
        seconds=round(monotonic() - started, 3),
        metrics=outcome.metrics,
        checks=checks,
    )
    journal.write(
        "step finished",
        step=step.id,
        query_id=result.query_id,
        seconds=result.seconds,
        metrics=dict(result.metrics),
        checks=[check.document() for check in checks],
    )
    return result


def _refuse_stale(step: Step, answers: Mapping[str, str], *, accept_drift: bool) -> None:
    for check in step.prechecks:
        if check.expected is None or check.expected == answers[check.name]:
            continue
        if check.name == UNMOVED and accept_drift:
            continue
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"step {step.id}, precheck {check.name}: the plan was made for {check.expected}, "
            f"the table now has {answers[check.name]}",
            "make the plan again, or use --accept-drift where no step destroys anything",
        )


def _result(step: Step, check: Check, before: Mapping[str, str], session: Session) -> CheckResult:
    expected = before.get(check.name, "") if check.expected is None else check.expected
    return CheckResult(
        name=check.name, step=step.id, expected=expected, actual=_answer(check, session)
    )


def _answer(check: Check, session: Session) -> str:
    rows = session.query(check.query)
    return "\n".join(" | ".join(str(value) for value in row) for row in rows)


def _put_back(steps: list[Step], session: Session, journal: Journal, watch: Watch) -> None:
    """Undo what was made for a later step which then failed, newest first."""
    for step in reversed(steps):
        if step.temporary and step.kind is not Kind.SESSION:  # that ends with the connection
            _undo(step, session, journal, watch)


def _undo(step: Step, session: Session, journal: Journal, watch: Watch) -> None:
    if step.undo.statement is None:
        watch.note(f"step {step.id} stays: {step.undo.reason}")
        return
    try:
        session.run(step.undo.statement)
    except PhloSqlError as error:
        journal.write("undo failed", step=step.id, error=str(error))
        watch.note(f"step {step.id} could not be put back: {error.problem}")
        return
    journal.write("undone", step=step.id)
    watch.note(f"step {step.id} was put back")
