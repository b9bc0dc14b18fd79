"""Runbooks that the tests of saved files share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from phlo_sql import dialect, runbook
from phlo_sql.model.names import TableName
from phlo_sql.plan import Binding, Check, Kind, Plan, Prediction, Step, Undo

ORDERS = TableName(catalog="iceberg", schema="sales", name="orders")
METADATA = "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"


def step(number: int) -> Step:
    day = dialect.compare("day", "=", date(1990, 1, 1) + timedelta(days=number))
    unmoved = Check(name="unmoved", query=dialect.latest_metadata(ORDERS), expected=METADATA)
    rows = Check(name="rows", query=dialect.count_rows(ORDERS, day))
    return Step(
        id=number,
        kind=Kind.PROCEDURE,
        statement=dialect.execute_procedure(
            ORDERS, "optimize", {"file_size_threshold": "100MB"}, day
        ),
        summary=f"rewrite 3 files of day {number}",
        why="they are small",
        undo=Undo(reason="go back", statement=dialect.rollback_to_snapshot(ORDERS, 12)),
        independent=True,
        predicts=Prediction(rewritten_data_files=3, rewritten_bytes=99),
        prechecks=(unmoved, rows) if number == 1 else (rows,),
        checks=(rows,),
    )


def plan(steps: int = 2, author: str = "alice") -> Plan:
    return Plan(
        command="table optimize",
        command_line="phlo-sql table optimize iceberg.sales.orders",
        table=ORDERS,
        ref=None,
        trino_version=483,
        state=Binding(metadata_location=METADATA, snapshot_id=12),
        planned_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        planned_by=author,
        does=("Rewrites small files.",),
        risk="low",
        predicts=Prediction(rewritten_data_files=6),
        steps=tuple(step(number) for number in range(1, steps + 1)),
    )


def text_of(steps: int = 2, author: str = "alice") -> str:
    return runbook.write(plan(steps, author)).text


def long_text(steps: int) -> str:
    """A runbook of many steps, made from one: writing each would take minutes."""
    one = text_of(1)
    at = one.index("\n-- == Step 1 of 1")
    head, body = one[:at], one[at:]
    parts = [
        body.replace("Step 1 of 1", f"Step {number} of {steps}").replace(
            "1990-01-02", str(date(1990, 1, 1) + timedelta(days=number))
        )
        for number in range(1, steps + 1)
    ]
    text = head + "".join(parts)
    old = runbook.outline(one).digest
    return text.replace(old, runbook.digest(text))
