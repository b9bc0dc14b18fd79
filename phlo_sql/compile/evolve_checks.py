"""What Trino is asked after a change of columns, to see that it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.plan import Check

if TYPE_CHECKING:
    from phlo_sql.model.names import TableName
    from phlo_sql.schema.model import Path


def present(table: TableName, path: Path) -> Check:
    """The column, or the one around a nested field, is there."""
    return Check(name="column", query=dialect.count_columns(table, path[0]), expected="1")


def absent(table: TableName, path: Path) -> Check:
    """The column is gone; one whose field was dropped is still there."""
    left = "0" if len(path) == 1 else "1"
    return Check(name="column", query=dialect.count_columns(table, path[0]), expected=left)


def has_fact(table: TableName, path: Path, fact: str, expected: str) -> Check:
    """`data_type` or `is_nullable` of a column is as it should be."""
    name = {"data_type": "type", "is_nullable": "nullable"}[fact]
    return Check(name=name, query=dialect.column_fact(table, path[0], fact), expected=expected)
