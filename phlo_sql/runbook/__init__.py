"""Plan ⇄ runbook: a `.sql` file that Trino's own CLI runs as it is, and that reads back equal.

Facts stand in comments, `-- name: value`; queries and statements stand as SQL. Same plan, same
bytes. `writer` makes the text, `outline` reads its structure, `reader` makes the plan of that,
`sealing` has the digest and the approvals behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.runbook.outline import Asked, Item, Outline, OutlinedStep, items, normal, outline
from phlo_sql.runbook.reader import Runbook, read
from phlo_sql.runbook.sealing import Approval, approved, digest
from phlo_sql.runbook.writer import text_of

if TYPE_CHECKING:
    from phlo_sql.plan import Plan

__all__ = [
    "Approval",
    "Asked",
    "Item",
    "Outline",
    "OutlinedStep",
    "Runbook",
    "approved",
    "digest",
    "items",
    "normal",
    "outline",
    "read",
    "write",
]


def write(plan: Plan) -> Runbook:
    """The plan as a runbook. Its text reads back to an equal plan, which is checked."""
    text, trees = text_of(plan)
    back = read(text, trees)  # each statement was parsed by the printer: not again here
    if back.plan != plan:
        raise AssertionError(f"the runbook does not read back equal:\n{text}")
    return back
