"""What users of a migrated table's source may do, they may do on the new table: planned with the
migration, made when it is there, taken away by its rollback."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.access import carried, guard
from phlo_sql.access.resource import ALL, Resource, literal
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.migrating import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phlo_sql.access.decide import Rule
    from phlo_sql.access.grants import Grant
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import FromTable, SourceTable
    from phlo_sql.model.names import TableName
    from phlo_sql.plan import Plan

AFTERWARDS = "afterwards: "
"""What stands before a command for PostgreSQL, among the lines that tell what a plan does."""


def lacking(
    source: TableName,
    target: TableName,
    ref: str | None,
    edges: Edges,
    rules: Sequence[Rule] | None = None,
) -> list[Grant]:
    """Grants for who may do more on the source, as Trino names it, than on the target; `rules`:
    where the caller has read them."""
    found = carried.lacking(
        rules_of(edges) if rules is None else rules,
        guard.physical(edges.settings, source, None),
        guard.physical(edges.settings, target, ref),
    )
    named = resource_of(target.within(edges.settings.trino_catalog.value), ref)
    return [replace(each, resource=named) for each in found]


def rules_of(edges: Edges) -> list[Rule]:
    """What is granted now; nothing where no policies are set up."""
    grants = guard.policies(edges.settings) or ()
    return carried.rules_in_force(grants, datetime.now(UTC), edges.settings)


def foreseen(tables: Sequence[FromTable], edges: Edges) -> Mapping[str, tuple[str, ...]]:
    """By target, the grants of many tables of one database, as commands; policies are read once."""
    rules = rules_of(edges)
    if rules and tables[0].shown is not None:  # of thousands, few are about these two schemas
        places = ((tables[0].shown, None), (tables[0].table, tables[0].ref))
        schemas = [
            replace(guard.physical(edges.settings, name, ref), table=ALL) for name, ref in places
        ]
        rules = [each for each in rules if any(map(each.touches, schemas))]
    return {
        str(each.table): tuple(
            carried.command(grant)
            for grant in lacking(each.shown, each.table, each.ref, edges, rules)
        )
        for each in tables
        if each.shown is not None and rules
    }


def resource_of(table: TableName, ref: str | None) -> Resource:
    return Resource(
        catalog=literal(str(table.catalog)),
        schema=literal(table.schema),
        table=literal(table.name),
        ref=literal(ref or ""),
    )


def carrying(intent: FromTable, plan: Plan, edges: Edges) -> Plan:
    """The plan with the grants that follow it; with a warning instead where it is not proven that
    they are the grants of this source."""
    if intent.shown is None:
        return plan
    found = lacking(intent.shown, intent.table, intent.ref, edges)
    if not found:
        return plan
    if not shows(intent.shown, intent.source, edges):
        told = f"{len(found)} grant(s) are not carried: {intent.shown} is not seen to be this table"
        commands = (f"not granted: {carried.command(each)}" for each in found)
        return replace(plan, warnings=(*plan.warnings, told, *commands))
    lines = (f"{AFTERWARDS}{carried.command(each)}" for each in found)
    return replace(plan, does=(*plan.does, *lines))


def shows(name: TableName, source: SourceTable, edges: Edges) -> bool:
    """Whether a Hive catalog of Trino shows this very source under that name: a row of it comes
    from a file of the source. Of a table without rows nothing is known."""
    if answer_of(copying.count_catalogs(str(name.catalog), "hive"), edges) != "1":
        return False
    try:
        rows = edges.session.query(dialect.select(["$path"], dialect.table(name), limit=1))
    except PhloSqlError as error:
        if error.code in (Code.SERVER_DOWN, Code.INTERRUPTED):
            raise
        return False
    known = {each.path.partition(":")[2] for part in source.partitions for each in part.files}
    # Trino names the scheme as the metastore does (`s3a`), the listing as storage does.
    return bool(rows) and str(rows[0][0]).partition(":")[2] in known


def commanded(plan: Plan) -> list[tuple[str, Grant]]:
    """What the plan has for PostgreSQL: each verb with its grant.

    Raises PhloSqlError(WRONG_TARGET) for a line about anything but the plan's own table.
    """
    lines = [each.removeprefix(AFTERWARDS) for each in plan.does if each.startswith(AFTERWARDS)]
    found = []
    for line in lines:
        try:
            verb, grant = carried.read_command(line)
        except (PhloSqlError, ValueError, KeyError) as error:
            raise PhloSqlError(
                Code.RUNBOOK_INVALID, f"the runbook's line can't be read: {line}", _AGAIN
            ) from error
        if grant.resource != resource_of(plan.table, plan.ref) or verb not in _VERBS:
            raise PhloSqlError(
                Code.WRONG_TARGET,
                f"the runbook's line does not grant on {plan.table} alone: {line}",
                _AGAIN,
            )
        found.append((verb, grant))
    return found


def taking_back(plan: Plan, edges: Edges) -> tuple[str, ...]:
    """Lines that take away what a migration's plan granted, of what is there still."""
    mine = {each.key: each for verb, each in commanded(plan) if verb == carried.GRANT}
    if not mine:
        return ()
    return tuple(
        f"{AFTERWARDS}{carried.command(each, carried.REVOKE)}"
        for each in _held(edges)
        if each.key in mine and each.reason == mine[each.key].reason
    )


def _held(edges: Edges) -> Iterable[Grant]:
    return guard.policies(edges.settings) or ()


_VERBS = (carried.GRANT, carried.REVOKE)
_AGAIN = "make it again here with the command in its header"
