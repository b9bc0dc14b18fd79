"""`data.plan` of the JSON contract: of a plan, and of a runbook whose SQL is still text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phlo_sql import dialect

if TYPE_CHECKING:
    from phlo_sql.plan import Plan, Step
    from phlo_sql.runbook import Outline, OutlinedStep, Runbook


def plan_document(book: Runbook) -> dict[str, Any]:
    """Of a plan that was read whole; each `sql` is rendered from its tree."""
    plan = book.plan

    def undone(step: Step) -> str | None:
        statement = step.undo.statement
        return None if statement is None else dialect.render(statement, version=plan.trino_version)

    steps = [
        _step(
            step,
            dialect.render(step.statement, version=plan.trino_version),
            step.undo.reason,
            undone(step),
        )
        for step in plan.steps
    ]
    return _document(book.id, plan, steps)


def outline_document(book: Outline) -> dict[str, Any]:
    """Of a runbook's structure; each `sql` is as it stands in the file."""
    steps = [_step(step, step.sql, step.undo_reason, step.undo_sql) for step in book.steps]
    return _document(book.id, book.head, steps)


def _step(
    step: Step | OutlinedStep, sql: str, undo_reason: str, undo_sql: str | None
) -> dict[str, Any]:
    return {
        "id": step.id,
        "sql": sql,
        "summary": step.summary,
        "destructive": step.destructive,
        "predicts": step.predicts.document(),
        "undo": {"reason": undo_reason, "sql": undo_sql},
    }


def _document(identity: str, plan: Plan, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": identity,
        "command": plan.command,
        "table": str(plan.table),
        "ref": plan.ref,
        "trino_version": plan.trino_version,
        "state": {
            "metadata_location": plan.state.metadata_location,
            "snapshot_id": plan.state.snapshot_id,
            "ref_hash": plan.state.ref_hash,
        },
        "steps": steps,
        "predicts": plan.predicts.document(),
        "does": list(plan.does),
        "risk": plan.risk,
    }
