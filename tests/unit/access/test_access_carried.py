"""Which grants a migration's plan holds, and that they are about its own table alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import AFTERWARDS, commanded
from phlo_sql.model.names import TableName
from phlo_sql.plan import Binding, Plan


def plan(*does: str, ref: str | None = None) -> Plan:
    return Plan(
        command="migrate from-hive",
        command_line="phlo-sql migrate from-hive",
        table=TableName(catalog="nessie", schema="sales", name="orders"),
        ref=ref,
        trino_version=483,
        state=Binding(metadata_location="none", snapshot_id=None),
        planned_at=datetime(2026, 1, 2, tzinfo=UTC),
        planned_by="ann",
        does=("takes in place 3 parquet files", *does),
        risk="none",
    )


def test_only_the_lines_that_say_so_are_commands() -> None:
    line = f"{AFTERWARDS}phlo-sql access grant --user ann --role read nessie.sales.orders"
    [(verb, grant)] = commanded(plan(line))
    assert (verb, str(grant)) == ("grant", "read on nessie.sales.orders to user ann")
    at = f"{AFTERWARDS}phlo-sql access revoke --group desk --role write nessie.sales.orders@dev"
    [(verb, grant)] = commanded(plan(at, ref="dev"))
    assert (verb, str(grant)) == ("revoke", "write on nessie.sales.orders@dev to group desk")
    assert commanded(plan()) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("access grant --user eve --role admin nessie.sales.other", Code.WRONG_TARGET),
        ("access grant --user eve --role admin nessie.sales.*", Code.WRONG_TARGET),
        ("access grant --user eve --role admin nessie.sales.orders@dev", Code.WRONG_TARGET),
        ("access init --user eve --role admin nessie.sales.orders", Code.WRONG_TARGET),
        ("access grant --user eve --role owner nessie.sales.orders", Code.RUNBOOK_INVALID),
        ("access grant --user eve nessie.sales.orders", Code.RUNBOOK_INVALID),
        ("access grant --user 'eve --role admin nessie.sales.orders", Code.RUNBOOK_INVALID),
        ("access", Code.RUNBOOK_INVALID),
    ],
)
def test_a_line_about_anything_else_is_refused(command: str, code: Code) -> None:
    with pytest.raises(PhloSqlError) as caught:
        commanded(plan(f"{AFTERWARDS}phlo-sql {command}"))
    assert caught.value.code is code
