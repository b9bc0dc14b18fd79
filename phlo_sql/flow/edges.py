"""What a command reaches the world through: settings, the Trino connection, a voice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyiceberg.table import Table

    from phlo_sql.config import Settings
    from phlo_sql.model.names import TableName
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import Inventory, TableState
    from phlo_sql.observe.trino import TrinoSession


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fresh:
    """What a plan asked of the world seconds ago, for the run that follows it at once."""

    table: TableName
    trino_version: int
    preflighted: frozenset[str]
    """Statements that the server has planned."""
    metadata_location: str | None
    inventory: Inventory | None
    """The files under that metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """`note` tells a person what is being done now."""

    settings: Settings
    session: TrinoSession
    note: Callable[[str], None] = lambda _text: None
    parallel: int = 1
    """Independent steps that run at once."""
    history: Path | None = None
    """The journal of recorded operations, for estimates."""
    beside: Path | None = None
    """The folder of the runbook that runs: files that belong to it lie there."""
    fresh: Fresh | None = None
    unshown: bool = False
    """The catalog of the ref is there only while the plan runs: Trino isn't asked for the table."""

    def another(self) -> TrinoSession:
        """One more session with the same settings."""
        from phlo_sql.observe.trino import connect

        return connect(self.settings, self.session.catalog)

    def server(self, table: TableName) -> Server:
        """What Trino says of itself and of the catalog that shows this table."""
        from phlo_sql.observe.server import read_server

        return read_server(self.session, str(table.catalog or self.settings.trino_catalog.value))


def physical(table: TableName, ref: str | None, edges: Edges) -> TableName:
    """The table under the Trino catalog that shows its ref."""
    from phlo_sql.config import trino_catalog

    return replace(table, catalog=trino_catalog(edges.settings, ref, table.catalog))


def observe(
    table: TableName, ref: str | None, edges: Edges, *, sampled: bool = False
) -> TableState:
    """The table's state at its ref, through PyIceberg, under its name in Trino; `sampled`: with of
    what its files are made.

    Raises PhloSqlError for a table, ref or catalog that isn't there or can't be read.
    """
    from phlo_sql.observe.table import observe as read

    opened = open_table(table, ref, edges)
    state = read(opened, physical(table, ref, edges), ref)
    if not sampled:
        return state
    from phlo_sql.observe.footers import sample_of

    return replace(state, sample=sample_of(opened.io, state.files.files))


def open_table(table: TableName, ref: str | None, edges: Edges) -> Table:
    """PyIceberg's table, once Trino has said that it is one."""
    from phlo_sql.config import catalog_properties
    from phlo_sql.observe import ahead
    from phlo_sql.observe.catalog import load_table, open_catalog
    from phlo_sql.observe.nessie import api_of, require_ref
    from phlo_sql.observe.server import require_iceberg_table

    settings = edges.settings
    catalog = table.catalog or settings.trino_catalog.value
    if ref is not None:  # an unknown ref is told before the catalog that would show it
        properties = catalog_properties(settings, catalog, ref)
        if api_of(properties) is not None:
            require_ref(properties, ref)
    try:
        if not (edges.unshown or (edges.fresh is not None and edges.fresh.table == table)):
            with ahead.importing():
                require_iceberg_table(edges.session, physical(table, ref, edges))
    except PhloSqlError as error:
        if ref is None or error.code is not Code.UNKNOWN_CATALOG:
            raise
        from phlo_sql.flow.ref_catalog import missing
        from phlo_sql.observe.server import read_server

        at_main = catalog_properties(settings, catalog)
        shown = str(physical(table, ref, edges).catalog)
        version = read_server(edges.session, str(catalog)).version
        raise missing(shown, ref, at_main, version) from error
    opened = open_catalog(catalog, catalog_properties(settings, catalog, ref))
    try:
        return load_table(opened, table)
    except PhloSqlError as error:
        if error.code is not Code.UNSUPPORTED_TYPE:
            raise
    from phlo_sql.observe.partly import load_partly

    return load_partly(opened, table, lambda: newest_metadata(physical(table, ref, edges), edges))


def newest_metadata(table: TableName, edges: Edges) -> str:
    """The table's current metadata file, as Trino has it."""
    rows = edges.session.query(dialect.latest_metadata(table))
    return str(rows[0][0])


def file_properties(table: TableName, ref: str | None, edges: Edges) -> dict[str, str]:
    """How files are read here: as the target's own, and by the settings of the object store."""
    from phlo_sql.config import catalog_properties

    settings = edges.settings
    found = {
        "s3.endpoint": settings.s3_endpoint.value,
        "s3.access-key-id": settings.s3_access_key.value,
        "s3.secret-access-key": settings.s3_secret_key.value.reveal(),
        "s3.session-token": settings.s3_session_token.value.reveal(),
        "s3.region": settings.s3_region.value,
    }
    catalog = str(table.catalog or settings.trino_catalog.value)
    properties = catalog_properties(settings, catalog, ref)
    own = {name: value for name, value in properties.items() if not name.startswith("uri")}
    return {**{name: value for name, value in found.items() if value}, **own}
