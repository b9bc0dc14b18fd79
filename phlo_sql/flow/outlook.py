"""What will be done with each table of a database, and why, before anything is planned or run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from phlo_sql.compile.migrate import decided, require_version
from phlo_sql.compile.migrate_steps import SOURCE
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import foreseen
from phlo_sql.flow.convert import staged
from phlo_sql.flow.edges import physical
from phlo_sql.flow.sources import present

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import Chosen, FromTable
    from phlo_sql.model.names import TableName

State = Literal["planned", "done", "exists", "refused", "left alone"]
_ASKED_AT_ONCE = 25
"""Tables whose properties one query asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`done`: an earlier migration made the table of this very source. `exists`: another table has
    its name."""

    table: FromTable
    state: State
    reason: str
    chosen: tuple[Chosen, ...] = ()
    grants: tuple[str, ...] = ()
    """Commands for what comes over with it, where its own plan proves that the source is the one
    that they are granted on."""

    @property
    def modes(self) -> list[tuple[str, str, list[Chosen]]]:
        """Partitions by mode and reason, the most frequent first."""
        counted = Counter((each.mode, each.reason) for each in self.chosen)
        return [
            (mode, reason, [e for e in self.chosen if (e.mode, e.reason) == (mode, reason)])
            for (mode, reason), _ in counted.most_common()
        ]

    @property
    def mode(self) -> str | None:
        found = {each.mode for each in self.chosen}
        return "mixed" if len(found) > 1 else next(iter(found), None)


def foresee(tables: Sequence[FromTable], edges: Edges) -> tuple[Outlook, ...]:
    """In the order of the tables; the server is asked of all of them at once.

    Raises PhloSqlError for what none of them could be brought over by: a setting that lacks, an
    old server, a schema that is not there.
    """
    target = physical(tables[0].table, tables[0].ref, edges)
    location = staged(target, tables[0], edges).location
    require_version(edges.server(target).version)
    there = present(tables, edges)
    made = dict(_sources([each.table.name for each in tables if each.table.name in there],
                         target, edges))  # fmt: skip
    found = [_one(each, location, there, made) for each in tables]
    planned = [each.table for each in found if each.state == "planned"]
    grants = foreseen(planned, edges) if planned else {}
    return tuple(replace(each, grants=grants.get(str(each.table.table), ())) for each in found)


def _one(table: FromTable, location: str, there: frozenset[str], made: dict[str, str]) -> Outlook:
    source, name = table.source, table.table.name
    if source.kind.left_alone:
        return Outlook(table=table, state="left alone", reason=source.why_left_alone)
    if name in there:
        if made.get(name) == source.location:
            return Outlook(table=table, state="done", reason="an earlier run brought it over")
        return Outlook(table=table, state="exists", reason="the target has a table of that name")
    try:
        chosen = decided(source, table, location)
    except PhloSqlError as error:
        return Outlook(table=table, state="refused", reason=f"{error.problem}; {error.hint}")
    outlook = Outlook(table=table, state="planned", reason="", chosen=chosen)
    reasons = "; ".join(reason for _, reason, _ in outlook.modes[:_TOLD])
    return Outlook(table=table, state="planned", reason=reasons, chosen=chosen)


_TOLD = 3
"""Reasons that stand in a table's line; all of them stand in its plan."""


def _sources(names: Sequence[str], like: TableName, edges: Edges) -> Iterator[tuple[str, str]]:
    """Name and source of tables that a migration made, some tables with one query."""
    for start in range(0, len(names), _ASKED_AT_ONCE):
        some = [replace(like, name=each) for each in names[start : start + _ASKED_AT_ONCE]]
        try:
            yield from _asked(some, edges)
        except PhloSqlError:
            for each in some:  # one of them is a view, or cannot be read
                try:
                    yield from _asked([each], edges)
                except PhloSqlError as error:
                    if error.code in (Code.SERVER_DOWN, Code.INTERRUPTED, Code.NOT_AUTHENTICATED):
                        raise


def _asked(names: Sequence[TableName], edges: Edges) -> list[tuple[str, str]]:
    rows = edges.session.query(copying.property_of(names, SOURCE))
    return [(str(name), str(value)) for name, value in rows]
