"""Queries over a table's metadata tables, and what time the server has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect.predicates import compare
from phlo_sql.dialect.queries import count, function, select
from phlo_sql.dialect.values import metadata_table

if TYPE_CHECKING:
    from phlo_sql.dialect.render import Statement
    from phlo_sql.model.names import TableName

_MILLISECOND = timedelta(milliseconds=1)


def count_metadata(name: TableName, kind: str) -> Statement:
    """How many rows a metadata table has: `snapshots`, `files`, `refs` …"""
    return select([count()], metadata_table(name, kind))


def count_older(name: TableName, age: timedelta) -> Statement:
    """How many snapshots were committed longer ago than `age`, by the server's clock."""
    moment = function("date_add", "millisecond", -(age // _MILLISECOND), exp.CurrentTimestamp())
    return select(
        [count()], metadata_table(name, "snapshots"), where=compare("committed_at", "<", moment)
    )


def server_time() -> Statement:
    """The server's clock."""
    return exp.Select(expressions=[exp.CurrentTimestamp()])
