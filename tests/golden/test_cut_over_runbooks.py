"""The golden runbook of `migrate from-hive --cut-over`, and how far such a runbook may reach."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import dialect, runbook
from phlo_sql.compile.cut_over import aside, compile_cut_over, is_own
from phlo_sql.compile.migrate_names import Facts
from phlo_sql.dialect import copying
from phlo_sql.model.migration import CutOver
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from phlo_sql.plan import Plan

FILE = Path(__file__).parents[2] / "sql" / "runbooks" / "migrate-cut-over" / "483" / "orders.sql"
OLD = TableName(catalog="hive", schema="sales", name="orders")
NEW = TableName(catalog="iceberg", schema="sales", name="orders")


def planned() -> Plan:
    line = (
        "phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales "
        "--table orders --if-exists skip --cut-over orders.sql"
    )
    intent = CutOver(
        source=OLD,
        target=NEW,
        ref=None,
        columns=("id", 'we"ird; --'),
        location="s3://raw/orders",
        bytes=1,
        managed=False,
        command_line=line,
    )
    facts = Facts(
        command="migrate cut-over",
        table=OLD,
        command_line=line,
        trino_version=483,
        now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        planned_by="phlo-sql",
    )
    return compile_cut_over(intent, NEW, facts).plan


def test_runbook(request: pytest.FixtureRequest) -> None:
    written = runbook.write(planned()).text
    if request.config.getoption("--update"):
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(written, encoding="utf-8", newline="\n")
    assert FILE.read_text(encoding="utf-8") == written
    assert [path.name for path in FILE.parents[1].rglob("*.sql")] == [FILE.name]


def test_each_statement_and_its_undo_are_of_the_one_name() -> None:
    for step in planned().steps:
        assert is_own(step.statement, OLD)
        assert step.undo.statement is not None
        assert is_own(step.undo.statement, OLD)


@pytest.mark.parametrize(
    "tree",
    [
        dialect.drop_table(OLD),
        dialect.rename_table(NEW, aside(NEW)),
        dialect.rename_table(OLD, NEW),
        copying.drop_view(NEW),
        copying.create_view(NEW, ["id"], OLD),
    ],
)
def test_others_are_not(tree: dialect.Statement) -> None:
    assert not is_own(tree, OLD)
