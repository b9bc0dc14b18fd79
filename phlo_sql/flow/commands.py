"""Which module plans which intent, and measures which command's runbook."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Intent
    from phlo_sql.plan import Plan, Prediction
    from phlo_sql.runbook import Runbook

    Measure = Callable[[Sequence[StepOutcome]], tuple[Prediction, tuple[CheckResult, ...]]]
    """What the steps did, and checks of the whole beyond those of single steps."""

_MODULES = {
    "Convert": "convert",
    "CutOver": "cutting_over",
    "Detach": "detach",
    "Evolve": "evolve",
    "ExpireSnapshots": "expire",
    "FromTable": "convert",
    "Optimize": "optimize",
    "Rollback": "rolling_back",
    "UndoRunbook": "undoing",
    "Vacuum": "vacuum",
}
"""Intent → module of this package. Imported when it is asked for."""
_COMMANDS = {
    "migrate convert": "convert",
    "migrate cut-over": "cutting_over",
    "migrate detach": "detach",
    "migrate from-hive": "convert",
    "migrate from-glue": "convert",
    "migrate rollback": "rolling_back",
    "schema evolve": "evolve",
    "runbook undo": "undoing",
    "table expire-snapshots": "expire",
    "table optimize": "optimize",
    "table vacuum": "vacuum",
}
"""`Plan.command` → module of this package."""


class Compiled(Protocol):
    """A plan, and what a dry run shows beside it."""

    @property
    def plan(self) -> Plan: ...

    def document(self) -> dict[str, Any]: ...


class Command(Protocol):
    """The functions of a command's module."""

    def compile_plan(self, intent: Any, edges: Edges) -> Compiled:
        """Observe and compile. No steps: there is nothing to do."""

    def measuring(self, book: Runbook, edges: Edges) -> Measure:
        """Look at the state before the first step; what is returned looks after the last."""


def for_intent(intent: Intent) -> Command:
    return _module(_MODULES[type(intent).__name__])


def for_runbook(book: Runbook) -> Command:
    """Raises PhloSqlError(RUNBOOK_INVALID) for a command of a newer version."""
    if book.plan.command not in _COMMANDS:
        raise PhloSqlError(
            Code.RUNBOOK_INVALID,
            f"the runbook is of command {book.plan.command!r}, which this version does not have",
            "apply it with the version of phlo-sql that made it",
        )
    return _module(_COMMANDS[book.plan.command])


def _module(name: str) -> Command:
    return cast("Command", importlib.import_module(f"phlo_sql.flow.{name}"))
