"""Runs a runbook: preflight every statement, refuse a stale plan, run, check, record each step.

Takes the runbook as it was read back from its text; no other plan reaches this package.
`steps.py` runs one statement, `batch.py` those that are independent of each other, `order.py` all.
"""

from __future__ import annotations

from phlo_sql.execute.batch import Crew
from phlo_sql.execute.order import Ran, execute, preflight
from phlo_sql.execute.steps import CheckResult, Session, StepFailure, StepOutcome, Watch

__all__ = [
    "CheckResult",
    "Crew",
    "Ran",
    "Session",
    "StepFailure",
    "StepOutcome",
    "Watch",
    "execute",
    "preflight",
]
