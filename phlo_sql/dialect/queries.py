"""The reading statements: counts, checksums, time travel, metadata tables, SHOW."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.render import Expression, PhloTrino, Statement
from phlo_sql.dialect.values import Value, column, identifier, literal, metadata_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.model.names import TableName

Version = int | str
"""A snapshot's id, or the name of a branch or tag."""


def for_version(source: exp.Table, version: Version | None) -> exp.Table:
    """The table as of a snapshot id or a ref's name; None leaves it as it is."""
    if version is None:
        return source
    found = source.copy()
    found.set(
        "version",
        exp.Version(this="VERSION", expression=literal(version), kind="AS OF"),
    )
    return found


def function(name: str, *arguments: Value | Expression) -> Expression:
    """A call of a function, as the parser would read it."""
    items = [item if isinstance(item, exp.Expr) else literal(item) for item in arguments]
    return exp.func(name, *items, dialect=PhloTrino)


def count() -> Expression:
    return exp.Count(this=exp.Star(), big_int=True)


def aliased(expression: Expression, name: str) -> Expression:
    return exp.Alias(this=expression.copy(), alias=identifier(name))


def descending(expression: Expression | str) -> Expression:
    this = column(expression) if isinstance(expression, str) else expression.copy()
    return exp.Ordered(this=this, desc=True, nulls_first=False)


def _items(items: Sequence[Expression | str]) -> list[exp.Expr]:
    return [column(item) if isinstance(item, str) else item.copy() for item in items]


def select(
    items: Sequence[Expression | str],
    source: exp.Table,
    *,
    where: Expression | None = None,
    group_by: Sequence[Expression | str] = (),
    order_by: Sequence[Expression | str] = (),
    limit: int | None = None,
) -> Statement:
    """`SELECT`: a text names a column. No items select everything."""
    query = exp.Select(expressions=_items(items) or [exp.Star()])
    query.set("from_", exp.From(this=source.copy()))
    if where is not None:
        query.set("where", exp.Where(this=where.copy()))
    if group_by:
        query.set("group", exp.Group(expressions=_items(group_by)))
    if order_by:
        query.set("order", exp.Order(expressions=[_ordered(item) for item in order_by]))
    if limit is not None:
        query.set("limit", exp.Limit(expression=literal(limit)))
    return query


def _ordered(item: Expression | str) -> exp.Expr:
    if isinstance(item, exp.Ordered):
        return item.copy()
    this = column(item) if isinstance(item, str) else item.copy()
    return exp.Ordered(this=this, nulls_first=False)


def count_rows(
    name: TableName, where: Expression | None = None, version: Version | None = None
) -> Statement:
    return select([count()], for_version(table(name), version), where=where)


def latest_metadata(name: TableName) -> Statement:
    """The location of the table's current metadata file, as Trino sees it."""
    return select(
        ["file"],
        metadata_table(name, "metadata_log_entries"),
        order_by=[descending("timestamp")],
        limit=1,
    )


def checksums(
    name: TableName,
    columns: Sequence[str],
    *,
    partition_by: Sequence[Expression | str] = (),
    where: Expression | None = None,
    version: Version | None = None,
) -> Statement:
    """Rows and a checksum of their content, in any order of rows, for each partition in order."""
    row = exp.Struct(expressions=[column(name) for name in columns])
    checksum = exp.Anonymous(this="checksum", expressions=[row])
    return select(
        [*partition_by, count(), checksum],
        for_version(table(name), version),
        where=where,
        group_by=partition_by,
        order_by=partition_by,
    )


def show_session(like: str | None = None) -> Statement:
    """`SHOW SESSION LIKE pattern`."""
    pattern = literal(like) if like is not None else None
    return nodes.ShowList(kind="SESSION", like=pattern)
