"""`table stats`: observe one table, or a fleet by a pattern, and ask each planner what it gains."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import PhloSqlError
from phlo_sql.flow.edges import observe, open_table, physical
from phlo_sql.flow.reclaimed import server_now
from phlo_sql.model.intents import ExpireSnapshots, Optimize, Vacuum
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from phlo_sql.compile.stats import Gain, TableStats
    from phlo_sql.flow.edges import Edges


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A table of a fleet whose figures can't be had."""

    table: str
    error: PhloSqlError


def stats(table: TableName, ref: str | None, edges: Edges, *, vacuum: bool = True) -> TableStats:
    """The figures of one table. Raises PhloSqlError."""
    from phlo_sql.compile.expire import compile_expire
    from phlo_sql.compile.optimize import compile_optimize, sizes
    from phlo_sql.compile.stats import table_stats
    from phlo_sql.observe.history import read_history

    named = table.within(edges.settings.trino_catalog.value)
    edges.note(f"reading {named}")
    state = observe(named, ref, edges)
    shown = physical(named, ref, edges)
    history = read_history(open_table(named, ref, edges), shown, ref)
    server, now = edges.server(state.table), server_now(edges)
    optimize, expire = Optimize(table=named, ref=ref), ExpireSnapshots(table=named, ref=ref)
    return table_stats(
        state,
        history,
        now,
        _or_refused(
            "table optimize", lambda: compile_optimize(optimize, state, server, now, "optimize")
        ),
        _or_refused(
            "table expire-snapshots", lambda: compile_expire(expire, history, server, now, "expire")
        ),
        _vacuum(named, ref, edges) if vacuum else None,
        sizes(optimize, state, server).threshold,
    )


def fleet(pattern: TableName, ref: str | None, edges: Edges) -> Iterator[TableStats | Unreadable]:
    """The figures of each table whose schema and name match (`*`, `?`, `[…]`), one by one: a table
    that can't be read stops nothing."""
    for table in matching(pattern, ref, edges):
        try:
            yield stats(table, ref, edges, vacuum=False)
        except PhloSqlError as error:
            yield Unreadable(table=str(table), error=error)


def matching(pattern: TableName, ref: str | None, edges: Edges) -> tuple[TableName, ...]:
    """Tables of the pattern's catalog, as Trino lists them. Raises PhloSqlError."""
    named = pattern.within(edges.settings.trino_catalog.value)
    listing = TableName(
        catalog=physical(named, ref, edges).catalog, schema="information_schema", name="tables"
    )
    query = dialect.select(
        ["table_schema", "table_name"],
        dialect.table(listing),
        where=dialect.compare("table_type", "=", dialect.literal("BASE TABLE")),
        order_by=["table_schema", "table_name"],
    )
    return tuple(
        TableName(catalog=named.catalog, schema=schema, name=name)
        for schema, name in edges.session.query(query)
        if fnmatchcase(schema, named.schema)
        and fnmatchcase(name, named.name)
        and schema not in {"information_schema", "system"}
    )


def _or_refused(command: str, plan: Callable[[], Any]) -> Any:
    from phlo_sql.compile.stats import Gain

    try:
        return plan()
    except PhloSqlError as error:
        return Gain(command=command, figures={}, refused=error.problem)


def _vacuum(table: TableName, ref: str | None, edges: Edges) -> Gain:
    from phlo_sql.compile.stats import Gain
    from phlo_sql.flow.vacuum import compile_plan

    found = _or_refused("table vacuum", lambda: compile_plan(Vacuum(table=table, ref=ref), edges))
    if isinstance(found, Gain):
        return found
    return Gain(command="table vacuum", figures=found.plan.predicts.document())
