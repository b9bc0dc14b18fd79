"""Every statement that changes or checks a table, made from values and never from text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.generator import is_bare
from phlo_sql.dialect.types import data_type
from phlo_sql.dialect.values import (
    DEFAULT,
    Default,
    Scalar,
    Value,
    identifier,
    literal,
    path,
    table,
    word,
)

if TYPE_CHECKING:
    from phlo_sql.dialect.render import Expression, Statement
    from phlo_sql.model.names import TableName

ColumnPath = str | Sequence[str]
"""A column by its name, or a nested field by all its names from the column down."""


# -- ALTER TABLE
def _alter(name: TableName, action: exp.Expr, *, if_exists: bool = False) -> Statement:
    return exp.Alter(this=table(name), kind="TABLE", exists=if_exists, actions=[action])


def _value(value: Value | Expression) -> Expression:
    return value.copy() if isinstance(value, exp.Expr) else literal(value)


def _named(arguments: Mapping[str, Value | Expression]) -> list[exp.Expr]:
    return [
        exp.Kwarg(this=word(name), expression=_value(value)) for name, value in arguments.items()
    ]


def execute_procedure(
    name: TableName,
    procedure: str,
    arguments: Mapping[str, Value | Expression] | None = None,
    where: Expression | None = None,
) -> Statement:
    """`ALTER TABLE … EXECUTE procedure(argument => value) WHERE …`."""
    action = nodes.TableExecute(
        this=word(procedure),
        expressions=_named(arguments or {}),
        where=exp.Where(this=where.copy()) if where is not None else None,
    )
    return _alter(name, action)


def rollback_to_snapshot(name: TableName, snapshot_id: int) -> Statement:
    return execute_procedure(name, "rollback_to_snapshot", {"snapshot_id": snapshot_id})


def _pairs(properties: Mapping[str, Value | Default]) -> list[exp.Expr]:
    return [
        exp.Property(
            this=identifier(key),
            value=exp.var("DEFAULT") if isinstance(value, Default) else literal(value),
        )
        for key, value in properties.items()
    ]


def set_properties(name: TableName, properties: Mapping[str, Value | Default]) -> Statement:
    """`ALTER TABLE … SET PROPERTIES`; the value `DEFAULT` puts back the default."""
    return _alter(name, nodes.SetProperties(expressions=_pairs(properties)))


def add_column(
    name: TableName,
    column: ColumnPath,
    kind: Expression | str,
    *,
    default: Scalar | Default = DEFAULT,
    not_null: bool = False,
    comment: str | None = None,
    first: bool = False,
    after: str | None = None,
    if_not_exists: bool = False,
) -> Statement:
    """`ALTER TABLE … ADD COLUMN`; `default` left out says nothing, None says `DEFAULT NULL`."""
    clauses: list[exp.Expr] = []
    if not isinstance(default, Default):
        clauses.append(exp.DefaultColumnConstraint(this=literal(default)))
    if not_null:
        clauses.append(exp.NotNullColumnConstraint())
    if comment is not None:
        clauses.append(exp.CommentColumnConstraint(this=literal(comment)))
    definition = exp.ColumnDef(
        this=path(column),
        kind=_type(kind),
        exists=if_not_exists,
        constraints=[exp.ColumnConstraint(kind=clause) for clause in clauses],
    )
    if first:
        definition.set("position", exp.ColumnPosition(position="FIRST"))
    elif after is not None:
        position = exp.ColumnPosition(this=identifier(after), position="AFTER")
        definition.set("position", position)
    return _alter(name, definition)


def _type(kind: Expression | str) -> Expression:
    return data_type(kind) if isinstance(kind, str) else kind.copy()


def drop_column(name: TableName, column: ColumnPath, *, if_exists: bool = False) -> Statement:
    return _alter(name, exp.Drop(kind="COLUMN", exists=if_exists, tables=[path(column)]))


def rename_column(name: TableName, column: ColumnPath, to: str) -> Statement:
    return _alter(name, exp.RenameColumn(this=path(column), to=identifier(to)))


def alter_column_type(name: TableName, column: ColumnPath, kind: Expression | str) -> Statement:
    return _alter(name, exp.AlterColumn(this=path(column), dtype=_type(kind)))


def set_default(name: TableName, column: ColumnPath, value: Scalar) -> Statement:
    return _alter(name, exp.AlterColumn(this=path(column), default=literal(value)))


def drop_default(name: TableName, column: ColumnPath) -> Statement:
    return _alter(name, exp.AlterColumn(this=path(column), drop=True))


def drop_not_null(name: TableName, column: ColumnPath) -> Statement:
    this = path(column)
    if isinstance(this, exp.Identifier) and is_bare(this.name):
        this.set("quoted", False)  # as the printer writes it, and the parser reads it back
    return _alter(name, exp.AlterColumn(this=this, drop=True, allow_null=True))


def rename_table(name: TableName, to: TableName) -> Statement:
    return _alter(name, exp.AlterRename(this=table(to)))


# -- COMMENT and DROP
def comment_on_table(name: TableName, text: str | None) -> Statement:
    """`COMMENT ON TABLE`; None removes the comment."""
    return exp.Comment(this=table(name), kind="TABLE", expression=literal(text))


def comment_on_column(name: TableName, column: ColumnPath, text: str | None) -> Statement:
    names = [column] if isinstance(column, str) else list(column)
    catalog = [name.catalog] if name.catalog is not None else []
    whole = path([*catalog, name.schema, name.name, *names])
    return exp.Comment(this=whole, kind="COLUMN", expression=literal(text))


def drop_table(name: TableName, *, if_exists: bool = False) -> Statement:
    return exp.Drop(tables=[table(name)], kind="TABLE", exists=if_exists)


# -- sessions, procedures, catalogs
def set_session(catalog: str | None, name: str, value: Value) -> Statement:
    """`SET SESSION catalog.name = value`; a catalog of None sets a system property."""
    left = exp.Column(this=identifier(name))
    if catalog is not None:
        left.set("table", identifier(catalog))
    item = exp.SetItem(this=exp.EQ(this=left, expression=literal(value)), kind="SESSION")
    return exp.Set(expressions=[item], unset=False, tag=False)


def reset_session(catalog: str | None, name: str) -> Statement:
    return nodes.ResetSession(this=path(name if catalog is None else [catalog, name]))


def call(
    catalog: str | None,
    procedure: str,
    arguments: Mapping[str, Value | Expression] | None = None,
    *,
    schema: str = "system",
) -> Statement:
    """`CALL catalog.system.procedure(argument => value)`."""
    where = {"db": identifier(schema)}
    if catalog is not None:
        where["catalog"] = identifier(catalog)
    target = exp.Table(this=identifier(procedure), **where)
    return nodes.Call(this=target, expressions=_named(arguments or {}))


def create_catalog(
    name: str, connector: str, properties: Mapping[str, str], *, if_not_exists: bool = False
) -> Statement:
    """`CREATE CATALOG`; secrets belong in it as `${ENV:NAME}`, which the server resolves."""
    pairs = exp.Properties(expressions=_pairs(properties)) if properties else None
    return nodes.CreateCatalog(
        this=identifier(name),
        connector=word(connector),  # delimited, Trino looks for a name with the quotes in it (483)
        exists=if_not_exists,
        properties=pairs,
    )


def drop_catalog(name: str, *, if_exists: bool = False) -> Statement:
    return nodes.DropCatalog(this=identifier(name), exists=if_exists)


def delete_all(name: TableName) -> Statement:
    """`DELETE FROM t`, every row."""
    return exp.Delete(this=table(name))


def explain(statement: Statement) -> Statement:
    """`EXPLAIN statement`: on a procedure, a preflight on the server that changes nothing."""
    return nodes.Explain(this=statement.copy())
