"""A plan: ordered, typed statements with what each will do, how that is checked, how it is undone.

A plan holds values only. `phlo_sql.runbook` writes it as text and reads it back; what is executed
is what was read back.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from datetime import datetime

    from phlo_sql.dialect import Statement
    from phlo_sql.model.names import TableName

Measure = int | Range
RUNBOOK_FORMAT = 1
UNMOVED = "unmoved"
"""The precheck that binds a plan to the state it was made from."""


class Kind(Enum):
    """What the executor does with a step. Closed: every `match` over it ends in `assert_never`."""

    SESSION = "session"
    """Sets or resets a session property, for the steps that follow."""
    PROPERTIES = "properties"
    """Changes table properties."""
    PROCEDURE = "procedure"
    """Runs a table procedure: `ALTER TABLE … EXECUTE`."""
    DDL = "ddl"
    """Makes, changes, renames or drops a table, view, schema or column."""
    CALL = "call"
    """Calls a catalog's procedure, e.g. `CALL … register_table`."""
    CATALOG = "catalog"
    """Makes or drops a catalog."""
    WRITE = "write"
    """Writes rows: INSERT, MERGE, CREATE TABLE AS."""
    COMPARE = "compare"
    """Reads two tables that are to hold the same: each row of the answer is a difference, and one
    stops the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a step or plan will do. None: it does not concern this step. Bytes are bytes."""

    rewritten_data_files: Measure | None = None
    rewritten_bytes: Measure | None = None
    removed_delete_files: Measure | None = None
    added_data_files: Measure | None = None
    added_bytes: Measure | None = None
    deleted_files: Measure | None = None
    deleted_bytes: Measure | None = None
    expired_snapshots: Measure | None = None
    kept_snapshots: Measure | None = None
    rows: Measure | None = None

    def items(self) -> tuple[tuple[str, Measure], ...]:
        """The names that have a value, in the contract's order."""
        named = ((field.name, getattr(self, field.name)) for field in fields(self))
        return tuple((name, value) for name, value in named if value is not None)

    def document(self) -> dict[str, Any]:
        """The figures in JSON, under the contract's names."""
        return {name: measure_document(value) for name, value in self.items()}


def measure_document(value: Measure) -> Any:
    """A figure in JSON: a number, or `{"low": n, "high": n}`."""
    return {"low": value.low, "high": value.high} if isinstance(value, Range) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A query with one value for an answer.

    `expected` is that value as text. None stands for "the same as before the step": such a check is
    asked before and after, and the two answers are compared.
    """

    name: str
    query: Statement
    expected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """How to go back, or (`statement` None) the reason why no statement does."""

    reason: str
    statement: Statement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement. `id` counts from 1.

    `temporary`: made for later steps only, so it is put back by its undo where one of them fails.
    `late`: stands on what earlier steps make, so the server can't be asked to plan it beforehand.
    `independent`: neither needs other independent steps nor is needed by them; they may run at
    once, and one that fails does not stop the rest.
    """

    id: int
    kind: Kind
    statement: Statement
    summary: str
    why: str
    undo: Undo
    destructive: bool = False
    temporary: bool = False
    late: bool = False
    independent: bool = False
    predicts: Prediction = Prediction()
    prechecks: tuple[Check, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The state a plan was made from; a plan is stale when the table no longer has it."""

    metadata_location: str
    snapshot_id: int | None
    ref_hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a runbook holds. `command_line` makes the same plan anew."""

    command: str
    command_line: str
    table: TableName
    ref: str | None
    trino_version: int
    state: Binding
    planned_at: datetime
    planned_by: str
    does: tuple[str, ...]
    risk: str
    predicts: Prediction = Prediction()
    steps: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def destructive(self) -> bool:
        return any(step.destructive for step in self.steps)
