"""What is left of a table's migration, in the line that tells of it among many."""

from __future__ import annotations

import pytest

from phlo_sql.cli.migrating import Operation
from phlo_sql.cli.migrating_tables import Line
from phlo_sql.flow.outlook import Outlook, State
from phlo_sql.model.migration import FromTable, SourceKind, SourceTable
from phlo_sql.model.names import TableName

SOURCE = SourceTable(kind=SourceKind.HIVE, name=None, location="s3://l/t", format="orc", columns=())
TABLE = FromTable(
    source=SOURCE, table=TableName(catalog="nessie", schema="s", name="t"), command_line=""
)


def operation(state: str, done: int) -> Operation:
    return Operation(
        id="id1",
        command="migrate from-hive",
        table="nessie.s.t",
        ref=None,
        runbook="abc",
        started="2026-01-01T00:00:00Z",
        steps=19,
        done=done,
        state=state,
    )


@pytest.mark.parametrize(
    ("outlook", "begun", "state", "told"),
    [
        ("planned", operation("stopped", 3), "begun", "3 of 19 steps"),
        ("done", operation("stopped", 14), "begun", "14 of 19 steps"),
        ("done", operation("finished", 19), "begun", "grants"),
        ("done", None, "done", ""),
        ("exists", operation("stopped", 3), "exists", ""),
    ],
)
def test_a_line_says_what_is_left(
    outlook: State, begun: Operation | None, state: str, told: str
) -> None:
    line = Line(outlook=Outlook(table=TABLE, state=outlook, reason=""), begun=begun)
    assert (line.state, told in line.reason) == (state, True)
    assert bool(line.reason) == bool(told)
