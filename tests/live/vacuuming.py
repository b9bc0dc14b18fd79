"""A vacuum in this process: planned, run, and what was in the location before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from phlo_sql import flow
from phlo_sql.audit.journal import Journal
from phlo_sql.config import Settings, load
from phlo_sql.execute import Watch
from phlo_sql.model.intents import Vacuum
from phlo_sql.model.names import TableName, parse_table
from phlo_sql.observe.trino import connect
from phlo_sql.stack.clients import catalog_properties
from tests.live.reclaiming import stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from phlo_sql.compile.vacuum import VacuumPlan
    from phlo_sql.stack.clients import Clients

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuumed:
    """`listed` and `gone` are paths with sizes; `warnings` are the plan's."""

    listed: dict[str, int]
    gone: dict[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.listed == self.gone


def settings_of(stack: Clients, folder: Path) -> Settings:
    found = load(environ=stack.env, cwd=folder)
    return replace(found, catalogs=catalog_properties(stack.env))


def reclaim(
    stack: Clients, table: str | TableName, folder: Path, older_than: timedelta = WEEK
) -> Vacuumed:
    """Plan and run. Every check must agree, and a plan changes nothing."""
    name = parse_table(table)[0] if isinstance(table, str) else table
    intent = Vacuum(table=name, older_than=older_than, allow_short_retention=older_than < WEEK)
    before = stored(stack, name)
    with connect(settings_of(stack, folder)) as session:
        edges = flow.Edges(settings=settings_of(stack, folder), session=session)
        planned = flow.plan(intent, edges)
        made = cast("VacuumPlan", planned.details)
        assert stored(stack, name) == before
        if planned.runbook.plan.steps:
            journal = Journal(path=folder / "log.jsonl", operation=str(name))
            applied = flow.apply(planned.runbook.text, edges, journal, Watch())
            assert applied.failures == []
    after = stored(stack, name)
    gone = {path: size for path, size in before.items() if path not in after}
    listed = dict(zip(made.files["path"].to_pylist(), made.files["size"].to_pylist(), strict=True))
    return Vacuumed(listed=listed, gone=gone, warnings=planned.runbook.plan.warnings)


def named(schema: str, name: str) -> TableName:
    """A table by its parts, so that its name may hold anything."""
    catalog, _, own = schema.partition(".")
    return TableName(catalog=catalog, schema=own, name=name)


def quoted(table: TableName) -> str:
    return ".".join(f'"{part}"' for part in _parts(table))


def _parts(table: TableName) -> Iterator[str]:
    yield str(table.catalog)
    yield table.schema
    yield table.name.replace('"', '""')
