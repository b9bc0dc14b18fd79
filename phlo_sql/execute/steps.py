"""One step: its prechecks, its statement, its checks, its lines in the journal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Protocol

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute.comparing import refuse_different
from phlo_sql.plan import UNMOVED, Check, Kind, Prediction, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from phlo_sql.audit.journal import Journal
    from phlo_sql.observe.trino import Outcome, Progress

_DIFFERENCES = 20
"""Lines of an answer that are told where two answers differ."""


class Session(Protocol):
    """What the executor needs of a Trino connection."""

    def query(self, tree: dialect.Statement) -> Sequence[Sequence[Any]]: ...

    def run(
        self, tree: dialect.Statement, on_progress: Callable[[Progress], None] | None = None
    ) -> Outcome: ...


_METADATA_ONLY = frozenset({Kind.DDL, Kind.PROPERTIES})
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 5.0)
"""Seconds before each further attempt: a busy writer leaves gaps of this size."""


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
    """What the server said of one step. `metrics` are the procedure's own rows, if it has any.

    `replanned`: what it was found to do when it was planned again after a conflict.
    """

    id: int
    query_id: str
    seconds: float
    metrics: Mapping[str, int]
    checks: tuple[CheckResult, ...]
    replanned: Prediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailure:
    """A step that the server refused, while others went on."""

    step: Step
    error: PhloSqlError


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Where the executor tells what it is doing. Several steps may run at once."""

    step_started: Callable[[Step], None] = lambda _step: None
    step_finished: Callable[[Step], None] = lambda _step: None
    progress: Callable[[Progress], None] = lambda _progress: None
    note: Callable[[str], None] = lambda _text: None
    batch: Callable[[int, int], None] = lambda _done, _steps: None
    """Of so many independent steps, so many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run of a runbook carries along. `noted`: answers by the name of their precheck;
    `shapes`: late statements that the server has planned."""

    journal: Journal
    watch: Watch
    accept_drift: bool
    noted: dict[str, str] = field(default_factory=dict)
    shapes: set[str] = field(default_factory=set)

    def step(self, step: Step, session: Session) -> StepOutcome:
        """Run one step. Raises PhloSqlError, among them STALE_PLAN before its statement."""
        before = {check.name: answer(check, session) for check in step.prechecks}
        self.noted.update(before)
        refuse_stale(step, before, accept_drift=self.accept_drift and not step.destructive)
        sql = dialect.render(step.statement)
        if step.late and step.kind in {Kind.PROCEDURE, Kind.WRITE}:
            self._planned(step, session)
        self.journal.write("step started", step=step.id, sql=sql)
        started = monotonic()
        try:
            outcome = self._sent(step, session)
            refuse_different(step, outcome)
        except (PhloSqlError, KeyboardInterrupt) as error:
            self.journal.last("step failed", step=step.id, error=str(error))
            raise
        seconds = round(monotonic() - started, 3)
        checks = tuple(self._result(step, check, before, session) for check in step.checks)
        result = StepOutcome(
            id=step.id,
            query_id=outcome.query_id,
            seconds=seconds,
            metrics=outcome.metrics,
            checks=checks,
        )
        self.journal.write(
            "step finished",
            step=step.id,
            query_id=result.query_id,
            seconds=result.seconds,
            metrics=dict(result.metrics),
            checks=[check.document() for check in checks],
        )
        self.watch.step_finished(step)
        return result

    def _sent(self, step: Step, session: Session) -> Outcome:
        """Change metadata again where a writer committed first: a refused commit left nothing
        behind, and what the step stands on is asked again."""
        for pause in _PAUSES if step.kind in _METADATA_ONLY else ():
            try:
                return session.run(step.statement, self.watch.progress)
            except PhloSqlError as error:
                if error.code is not Code.CONFLICT:
                    raise
                self.journal.write("step sent again", step=step.id, error=str(error))
            sleep(pause)
            answers = {check.name: answer(check, session) for check in step.prechecks}
            refuse_stale(step, answers, accept_drift=self.accept_drift and not step.destructive)
        return session.run(step.statement, self.watch.progress)

    def _planned(self, step: Step, session: Session) -> None:
        """The server plans the first of statements that differ in their values only."""
        shape = dialect.shape(step.statement)
        if step.destructive or shape not in self.shapes:
            session.query(dialect.explain(step.statement))
            self.shapes.add(shape)

    def guarded(self, step: Step, session: Session) -> Step:
        """The step without the precheck that binds its plan, which is asked here."""
        binding = [check for check in step.prechecks if check.name == UNMOVED]
        answers = {check.name: answer(check, session) for check in binding}
        refuse_stale(step, answers, accept_drift=self.accept_drift and not step.destructive)
        others = tuple(check for check in step.prechecks if check.name != UNMOVED)
        return replace(step, prechecks=others)

    def _result(
        self, step: Step, check: Check, before: Mapping[str, str], session: Session
    ) -> CheckResult:
        noted = before.get(check.name, self.noted.get(check.name, ""))
        expected = noted if check.expected is None else check.expected
        return compared(check.name, step.id, expected, answer(check, session))


def compared(name: str, step: int, expected: str, actual: str) -> CheckResult:
    """Answers of many lines are told by the lines in which they differ, or by a digest."""
    if "\n" in expected + actual:
        if expected == actual:
            expected = actual = f"{expected.count(chr(10)) + 1:,} lines alike, {_digest(actual)}"
        else:
            was, now = expected.split("\n"), actual.split("\n")
            expected, actual = _unlike(was, now), _unlike(now, was)
    return CheckResult(name=name, step=step, expected=expected, actual=actual)


def _unlike(lines: list[str], others: list[str]) -> str:
    known = set(others)
    found = [line for line in lines if line not in known]
    more = [f"and {len(found) - _DIFFERENCES:,} more"] if len(found) > _DIFFERENCES else []
    return ", ".join([*found[:_DIFFERENCES], *more]) or "no such partition"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def refuse_stale(step: Step, answers: Mapping[str, str], *, accept_drift: bool) -> None:
    """Raises PhloSqlError(STALE_PLAN) where a precheck has another answer than the plan has."""
    for check in step.prechecks:
        if check.name not in answers or check.expected in (None, answers[check.name]):
            continue
        if check.name == UNMOVED and accept_drift:
            continue
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"step {step.id}, precheck {check.name}: the plan was made for {check.expected}, "
            f"the table now has {answers[check.name]}",
            "make the plan again, or use --accept-drift where no step destroys anything",
        )


def answer(check: Check, session: Session) -> str:
    """A check's answer as text."""
    return answer_of(session.query(check.query))


def answer_of(rows: Sequence[Sequence[Any]]) -> str:
    return "\n".join(" | ".join(_text(value) for value in row) for row in rows)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
