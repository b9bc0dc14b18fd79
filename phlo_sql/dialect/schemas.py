"""CREATE SCHEMA and DROP SCHEMA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect.values import identifier

if TYPE_CHECKING:
    from phlo_sql.dialect.render import Statement


def _schema(catalog: str, schema: str) -> exp.Table:
    return exp.Table(db=identifier(schema), catalog=identifier(catalog))


def create_schema(catalog: str, schema: str) -> Statement:
    """`CREATE SCHEMA IF NOT EXISTS catalog.schema`."""
    return exp.Create(this=_schema(catalog, schema), kind="SCHEMA", exists=True)


def drop_schema(catalog: str, schema: str) -> Statement:
    """`DROP SCHEMA IF EXISTS catalog.schema`: refused by the server unless it is empty."""
    return exp.Drop(tables=[_schema(catalog, schema)], kind="SCHEMA", exists=True)
