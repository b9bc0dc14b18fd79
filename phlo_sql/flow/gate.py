"""Asks the policies before a command looks at a table, and before its runbook runs.

To plan is to read. To run needs what the statements themselves do, whatever the header says.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, assert_never

from phlo_sql import dialect
from phlo_sql.access import guard
from phlo_sql.access.grants import ACTIONS, Role
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.audit.journal import Journal
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Intent
    from phlo_sql.plan import Plan, Step
    from phlo_sql.runbook import Runbook


def before_plan(intent: Intent, edges: Edges) -> None:
    """Raises PhloSqlError(ACCESS_DENIED) unless every table that the intent names may be read."""
    ref = getattr(intent, "ref", None)
    for table in _tables(intent):
        to_read(table, ref, edges)


def to_read(table: TableName, ref: str | None, edges: Edges) -> None:
    """For a command that only looks: raises PhloSqlError(ACCESS_DENIED)."""
    guard.require(edges.settings, edges.session, "read", table, ref=ref)


def before_run(book: Runbook, edges: Edges, journal: Journal) -> None:
    """Raises PhloSqlError(ACCESS_DENIED) unless all that the steps do is granted; on record."""
    plan = book.plan
    action = action_of(plan)
    try:
        found = guard.require(edges.settings, edges.session, action, plan.table, ref=plan.ref)
    except PhloSqlError as error:
        if error.code is Code.ACCESS_DENIED:
            error.data["recorded"] = journal.operation
            journal.write(
                "refused",
                command=plan.command,
                table=str(plan.table),
                ref=plan.ref,
                runbook=book.digest,
                action=action,
                decision=error.data.get("decision"),
                error=str(error),
            )
        raise
    if found.identity is not None:
        journal.write(
            "granted",
            command=plan.command,
            user=found.identity.user,
            table=str(plan.table),
            ref=plan.ref,
            runbook=book.digest,
            needs=action,
            decision=found.decision.document() if found.decision else None,
        )


def action_of(plan: Plan) -> str:
    """The action that needs most among those of the steps; reading where there are none."""
    found = [_action(step, plan.command) for step in plan.steps]
    return max(found, key=lambda action: ACTIONS[action], default="read")


def _action(step: Step, command: str) -> str:
    if command == "table vacuum" and step.kind in {Kind.DDL, Kind.CALL}:
        return "vacuum"  # its scratch table; each statement is compared with a plan made anew
    match step.kind:
        case Kind.SESSION | Kind.COMPARE:
            return "read"
        case Kind.PROCEDURE:
            name = dialect.procedure_of(step.statement) or ""
            return name if name in ACTIONS else str(Role.ADMIN)
        case Kind.PROPERTIES:
            # The file size that optimize sets and gives back; every other property is DDL.
            return "optimize" if command == "table optimize" else "alter"
        case Kind.WRITE:
            return "insert" if dialect.is_row_change(step.statement) else "create"
        case Kind.CALL:
            return "call"
        case Kind.DDL | Kind.CATALOG:
            return "alter"
        case _ as never:
            assert_never(never)


def _tables(intent: Intent) -> Iterator[TableName]:
    for field in fields(intent):
        if isinstance(value := getattr(intent, field.name), TableName):
            yield value
