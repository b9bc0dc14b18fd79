"""All steps in their order; settings are put back where a later step fails."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute.batch import Batch, Crew
from phlo_sql.execute.steps import Run, Session, StepFailure, StepOutcome, Watch
from phlo_sql.plan import Kind, Step

if TYPE_CHECKING:
    from phlo_sql.audit.journal import Journal
    from phlo_sql.plan import Plan
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Steps that ended well, and independent ones that failed while others went on. `left` are
    those that were not begun."""

    steps: tuple[StepOutcome, ...]
    failed: tuple[StepFailure, ...] = ()
    left: tuple[int, ...] = ()


def preflight(
    runbook: Runbook, session: Session, known: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Ask the server to plan every procedure without running it: plain `EXPLAIN` validates names,
    arguments and whether WHERE can be pushed down, and has no side effect (Trino 476 to 483).
    Of independent steps the first stands for those that differ in their predicate's values.
    Returns the statements that it planned; those in `known` it leaves out."""
    looked, planned = 0, set[str]()
    for step in runbook.plan.steps:
        match step.kind:
            case Kind.PROCEDURE | Kind.WRITE:
                looked += step.independent
                if step.late or (step.independent and looked > _LOOKED_AT):
                    continue
                sql = dialect.render(step.statement)
                if sql not in known:
                    session.query(dialect.explain(step.statement))
                planned.add(sql)
            case Kind.SESSION | Kind.PROPERTIES | Kind.DDL | Kind.CALL | Kind.CATALOG:
                pass  # the server has no plan for these: they are validated when they run
            case Kind.COMPARE:
                pass  # it reads what other steps make
            case _ as never:
                assert_never(never)
    return frozenset(planned)


_LOOKED_AT = 20
"""Slices that are planned beforehand: each takes the server as long as reading the manifests."""


def execute(
    runbook: Runbook,
    session: Session,
    journal: Journal,
    watch: Watch,
    *,
    accept_drift: bool = False,
    crew: Crew | None = None,
    preflighted: frozenset[str] = frozenset(),
) -> Ran:
    """Run every step in order, independent neighbours as the crew has it.

    Raises PhloSqlError(STALE_PLAN) before the first statement where the table moved, and whatever
    the server refused; where independent steps fail and others don't, that is told in `Ran`.
    """
    plan = runbook.plan
    journal.keep(runbook.digest, runbook.text)
    journal.write(
        "started",
        command=plan.command,
        table=str(plan.table),
        ref=plan.ref,
        runbook=runbook.digest,
        steps=len(plan.steps),
    )
    order = _Order(plan, Run(journal=journal, watch=watch, accept_drift=accept_drift), crew)
    try:
        preflight(runbook, session, preflighted)
        order.work(session)
    except (PhloSqlError, KeyboardInterrupt) as error:
        order.put_back(session)
        journal.last("failed", error=str(error), steps_done=len(order.done))
        raise order.told(error) from error
    if order.failed:
        order.put_back(session)
        journal.last("failed", error=str(order.failed[0].error), steps_done=len(order.done))
        if not any(step.independent for step, _ in order.done):
            raise order.failed[0].error
    else:
        journal.write("finished", steps_done=len(order.done))
    return Ran(
        steps=tuple(outcome for _, outcome in sorted(order.done, key=lambda each: each[0].id)),
        failed=tuple(order.failed),
        left=order.left,
    )


class _Order:
    """One run through all steps, and what of it is done."""

    def __init__(self, plan: Plan, run: Run, crew: Crew | None) -> None:
        self.plan, self.run, self.crew = plan, run, crew or Crew()
        self.done: list[tuple[Step, StepOutcome]] = []
        self.failed: list[StepFailure] = []
        self.gone: list[int] = []

    @property
    def left(self) -> tuple[int, ...]:
        ended = {step.id for step, _ in self.done} | set(self.gone)
        return tuple(step.id for step in self.plan.steps if step.id not in ended)

    def work(self, session: Session) -> None:
        for independent, found in groupby(self.plan.steps, key=lambda step: step.independent):
            steps = list(found)
            if independent:
                self._batch(steps, session)
                if self.failed:
                    return
                continue
            for step in steps:
                self.run.watch.step_started(step)
                self.done.append((step, self.run.step(step, session)))

    def _batch(self, steps: list[Step], session: Session) -> None:
        steps = [self.run.guarded(step, session) for step in steps]
        settings = [step for step, _ in self.done if step.kind is Kind.SESSION]
        batch = Batch(steps=steps, settings=settings, run=self.run, crew=self.crew)
        try:
            batch.work(session)
        finally:
            self.done += batch.done
            self.failed += batch.failed
            self.gone += batch.gone

    def put_back(self, session: Session) -> None:
        """Undo what was made for a later step which then failed, newest first."""
        for step, _ in reversed(self.done):
            if step.temporary and step.kind is not Kind.SESSION:  # that ends with the connection
                self._undo(step, session)

    def _undo(self, step: Step, session: Session) -> None:
        journal, watch = self.run.journal, self.run.watch
        if step.undo.statement is None:
            watch.note(f"step {step.id} stays: {step.undo.reason}")
            return
        try:
            session.run(step.undo.statement)
        except PhloSqlError as error:
            journal.last("undo failed", step=step.id, error=str(error))
            watch.note(f"step {step.id} could not be put back: {error.problem}")
            return
        journal.last("undone", step=step.id)
        watch.note(f"step {step.id} was put back")

    def told(self, error: PhloSqlError | KeyboardInterrupt) -> PhloSqlError | KeyboardInterrupt:
        """A stop says what is done and what remains, where steps stand for themselves."""
        slices = [step.id for step in self.plan.steps if step.independent]
        stopped = isinstance(error, KeyboardInterrupt) or error.code in _STOPS
        if not slices and self.plan.command in _STANDING:
            return self._standing(error)
        if not slices or not stopped:
            return error
        problem = "stopped" if isinstance(error, KeyboardInterrupt) else error.problem
        done = [step.id for step, _ in self.done if step.independent] + self.gone
        remaining = [number for number in slices if number not in done]
        again = f"{self.plan.command_line} --resume"
        return PhloSqlError(
            Code.INTERRUPTED if isinstance(error, KeyboardInterrupt) else error.code,
            f"{problem}; {len(done)} of {len(slices)} slices are done, {len(remaining)} remain",
            f"go on with: {again}",
            data={
                **({} if isinstance(error, KeyboardInterrupt) else error.data),
                "done": sorted(done),
                "remaining": remaining,
            },
            next_steps=((again, "to go on with what remains"),),
        )

    def _standing(
        self, error: PhloSqlError | KeyboardInterrupt
    ) -> PhloSqlError | KeyboardInterrupt:
        """What stands when a step in the middle fails, and how to go on or back."""
        if not self.done:
            return error
        problem = "stopped" if isinstance(error, KeyboardInterrupt) else error.problem
        done, total = [step.id for step, _ in self.done], len(self.plan.steps)
        stands = "; ".join(step.summary for step, _ in self.done[-3:])
        again = f"{self.plan.command_line} --resume"
        return PhloSqlError(
            Code.INTERRUPTED if isinstance(error, KeyboardInterrupt) else error.code,
            f"step {len(done) + 1} of {total}: {problem}; {len(done)} stand ({stands})",
            f"go on with: {again}, or undo the steps that stand",
            data={
                **({} if isinstance(error, KeyboardInterrupt) else error.data),
                "done": done,
                "remaining": list(self.left),
                "undo": [
                    {"step": step.id, "reason": step.undo.reason, "sql": _sql(step)}
                    for step, _ in reversed(self.done)
                ],
            },
            next_steps=((again, "to go on with what remains"),),
        )


def _sql(step: Step) -> str | None:
    return None if step.undo.statement is None else dialect.render(step.undo.statement)


_STANDING = ("schema evolve",)
"""Commands whose steps each stand for themselves, in order: what is done stays done."""
_STOPS = (Code.INTERRUPTED, Code.SERVER_DOWN)
