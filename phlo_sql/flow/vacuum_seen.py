"""All that a vacuum must know before it may say that a file is dead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from phlo_sql.flow.edges import open_table, physical
from phlo_sql.flow.reclaimed import server_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.table import Table

    from phlo_sql.compile.vacuum import Seen
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.history import History
    from phlo_sql.model.intents import ExpireSnapshots, Vacuum
    from phlo_sql.model.names import TableName
    from phlo_sql.observe.neighbours import Listed


def look(
    intent: Vacuum, edges: Edges, *, alone: bool = False, as_of: datetime | None = None
) -> Seen:
    """Observe the table, every ref of it, what lies in its location, and its neighbours (not
    those: `alone`). Of a catalog of refs, what was so at `as_of`.

    Raises PhloSqlError, also for neighbours that make it unsafe."""
    from phlo_sql.compile.reachable import everything
    from phlo_sql.compile.vacuum import PINNED_SINCE, Seen
    from phlo_sql.config import catalog_properties
    from phlo_sql.flow import vacuum_refs
    from phlo_sql.observe.nessie import api_of

    edges.note(f"reading the history of {intent.table}")
    table = open_table(intent.table, intent.ref, edges)
    name = physical(intent.table, intent.ref, edges)
    catalog = str(intent.table.catalog or edges.settings.trino_catalog.value)
    properties = catalog_properties(edges.settings, catalog, intent.ref)
    server, now = edges.server(name), server_now(edges)
    refs = api_of(properties) is not None
    if as_of is None or not refs or server.version < PINNED_SINCE:
        as_of = now.replace(microsecond=0) if refs else now
    edges.note(f"listing {table.location()}")
    history, listing = both(table, name, intent.ref)
    if refs:
        found = vacuum_refs.read(intent, table, history, properties, listing, edges, as_of)
        live, scratch, warnings = found.live, found.scratch, found.warnings
    else:
        live, scratch, warnings = everything(history), None, ()
    others = live.slice(0, 0)
    if not alone:
        neighbours = found.others if refs else _listed(table, intent, catalog, properties)
        others = files_of_others(table, history, neighbours, edges)
    return Seen(
        history=history,
        live=live,
        others=others,
        listing=listing,
        server=server,
        now=now,
        as_of=as_of,
        scratch=scratch,
        warnings=warnings,
    )


def both(table: Table, name: TableName, ref: str | None) -> tuple[History, pa.Table]:
    """The history and the listing, read at once: each waits for the storage most of the time."""
    from phlo_sql.observe.history import read_history
    from phlo_sql.observe.listing import list_files

    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(list_files, table.io, table.location())
        return read_history(table, name, ref), listing.result()


def refuse_shared(
    intent: ExpireSnapshots, table: Table, history: History, files: pa.Table, edges: Edges
) -> None:
    """Raises PhloSqlError(UNSAFE_DELETION) where files that are to go may be another table's."""
    from phlo_sql.compile.orphans_shared import refuse_outside, refuse_read_by
    from phlo_sql.config import catalog_properties

    refuse_outside(files, history.location)
    catalog = str(intent.table.catalog or edges.settings.trino_catalog.value)
    properties = catalog_properties(edges.settings, catalog, intent.ref)
    neighbours = _listed(table, intent, catalog, properties)
    refuse_read_by("another table", files_of_others(table, history, neighbours, edges), files)


def _listed(
    table: Table, intent: ExpireSnapshots | Vacuum, catalog: str, properties: Mapping[str, str]
) -> tuple[Listed, ...]:
    """Every table of a catalog without refs but this one, and the unions of vacuums."""
    from phlo_sql.observe.catalog import open_catalog
    from phlo_sql.observe.neighbours import listed

    name = ".".join(intent.table.identifier)
    own = {name, f"{table.catalog.name}.{name}"}
    found = listed(open_catalog(catalog, properties), properties)
    return tuple(
        each
        for each in found
        if each.name.lower() not in own and "phlo_sql_vacuum_" not in each.name
    )


def files_of_others(
    table: Table, history: History, neighbours: Iterable[Listed], edges: Edges
) -> pa.Table:
    """Files in this location that other tables read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from phlo_sql.compile.orphans import folder, normal
    from phlo_sql.compile.orphans_shared import Other, refuse_locations
    from phlo_sql.compile.reachable import SCHEMA, reached
    from phlo_sql.observe.neighbours import history_of_neighbour, read_all

    read = read_all(table.io, neighbours, history.location)
    refuse_locations(history.location, (Other(each.name, each.location) for each in read))
    parts = [SCHEMA.empty_table()]
    home = folder(history.location)
    for each in read:
        edges.note(f"looking whether {each.name} reads files of this table")
        theirs = history_of_neighbour(table.io, each)
        if theirs is not None:
            files = reached(theirs, list(theirs.reach.lists))
            parts.append(files.filter(pc.starts_with(normal(files["path"]), home)))
    return pa.concat_tables(parts)
