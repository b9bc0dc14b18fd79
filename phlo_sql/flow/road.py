"""The road that every command travels: plan it, run its runbook, judge the outcome."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql import runbook as runbooks
from phlo_sql import verify
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import (
    CheckResult,
    Crew,
    StepFailure,
    StepOutcome,
    Watch,
    execute,
    preflight,
)
from phlo_sql.flow import gate, ref_catalog
from phlo_sql.flow.commands import for_intent, for_runbook
from phlo_sql.flow.edges import Fresh
from phlo_sql.flow.runbooks import admit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.audit.journal import Journal
    from phlo_sql.flow.commands import Command, Compiled, Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Intent
    from phlo_sql.plan import Prediction
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as its runbook, and what a dry run shows beside it."""

    runbook: Runbook
    details: Compiled
    fresh: Fresh
    """For a run that follows at once: whoever asks a person first must not use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a run did: each step's outcome, the checks, and prediction against outcome."""

    runbook: Runbook
    steps: tuple[StepOutcome, ...]
    measured: Prediction
    verdicts: tuple[verify.Verdict, ...]
    whole: tuple[CheckResult, ...] = ()
    """Checks of the operation as a whole, and of steps whose own check is overruled."""
    failed: tuple[StepFailure, ...] = ()
    """Independent steps that failed while others went on."""
    left: tuple[int, ...] = ()
    """Steps that are not done."""
    moved: bool = False
    """Others wrote to the table meanwhile: what was predicted was another table's."""

    @property
    def checks(self) -> list[CheckResult]:
        overruled = {(check.name, check.step) for check in self.whole}
        own = [check for step in self.steps for check in step.checks]
        own = [check for check in own if (check.name, check.step) not in overruled]
        return [*own, *(check for check in self.whole if check.name != verify.MOVED)]

    @property
    def failures(self) -> list[str]:
        return verify.failures(self.checks, () if self.moved else self.verdicts)

    @property
    def surprises(self) -> list[str]:
        """Estimated numbers of files that the outcome lies outside of; and exact ones, where the
        table moved meanwhile."""
        found = (each for each in self.verdicts if not each.ok and (self.moved or not each.exact))
        lines = [each.line for each in found if not each.name.endswith("_bytes")]
        return [check.actual for check in self.whole if check.name == verify.MOVED] + lines


def plan(intent: Intent, edges: Edges) -> Planned:
    """Observe and compile the intent; every procedure is planned by the server too.

    Raises PhloSqlError for whatever cannot be observed, predicted or done.
    """
    gate.before_plan(intent, edges)
    compiled = for_intent(intent).compile_plan(intent, edges)
    book = runbooks.write(compiled.plan)
    fresh = Fresh(
        table=book.plan.table,
        trino_version=book.plan.trino_version,
        preflighted=_preflight(book, edges),
        metadata_location=book.plan.state.metadata_location,
        inventory=getattr(compiled, "inventory", None),
    )
    return Planned(runbook=book, details=compiled, fresh=fresh)


def apply(
    text: str,
    edges: Edges,
    journal: Journal,
    watch: Watch,
    *,
    accept_drift: bool = False,
    only: int | None = None,
) -> Applied:
    """Run a runbook from its text, or one step of it, then compare what happened with what it
    predicted.

    Raises PhloSqlError; a mismatch is not raised but told in `Applied.failures`.
    """
    book = runbooks.read(text)
    command, edges = for_runbook(book), ref_catalog.seeing(book.plan, edges)
    gate.before_run(book, edges, journal)
    book = admit(book, edges, journal, only=only, accept_drift=accept_drift)
    _refuse_other_server(book, edges)
    with _running(command, book, edges) as measure:
        journal.write("server", address=str(edges.session.address), trino=book.plan.trino_version)
        crew = crew_of(book, edges)
        known = edges.fresh.preflighted if edges.fresh is not None else frozenset[str]()
        ran = execute(
            book,
            edges.session,
            journal,
            watch,
            accept_drift=accept_drift,
            crew=crew,
            preflighted=known,
        )
    watch.note("comparing what happened with what was predicted")
    measured, whole = measure(ran.steps)
    verdicts = verify.judge(verify.expected_of(book, ran), measured)
    journal.write("verified", figures=[verdict.document() for verdict in verdicts])
    return Applied(
        runbook=book,
        steps=ran.steps,
        measured=measured,
        verdicts=verdicts,
        whole=whole,
        failed=ran.failed,
        left=ran.left,
        moved=any(check.name == verify.MOVED for check in whole),
    )


@contextmanager
def _running(command: Command, book: Runbook, edges: Edges) -> Iterator[Measure]:
    """A command that has something to put in place for the time of the run says so by a context
    manager of its own."""
    own = getattr(command, "running", None)
    if own is None:
        yield command.measuring(book, edges)
        return
    with own(book, edges) as measure:
        yield measure


def crew_of(book: Runbook, edges: Edges) -> Crew:
    """Sessions for steps that run at once, and how the command plans one of them anew."""
    again = getattr(for_runbook(book), "again", None)
    return Crew(
        size=edges.parallel,
        open=edges.another,
        again=None if again is None else again(book, edges),
    )


def _preflight(book: Runbook, edges: Edges) -> frozenset[str]:
    """Who may only read may still see a plan: the server asks for the right to run a procedure
    before it plans one. Whoever runs the runbook is asked again."""
    try:
        return preflight(book, edges.session)
    except PhloSqlError as error:
        if error.code is not Code.PERMISSION_DENIED:
            raise
        edges.note(f"not planned by the server: {error.problem}")
        return frozenset()


def _refuse_other_server(book: Runbook, edges: Edges) -> None:
    fresh = edges.fresh
    found = edges.server(book.plan.table).version if fresh is None else fresh.trino_version
    if found != book.plan.trino_version:
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"the runbook was made for Trino {book.plan.trino_version}, this server is {found}",
            "make the plan again on this server with the command in the runbook's header",
        )
