"""What a Trino server says of itself, read through SQL only, and what kind of thing a name is."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.server import Server
from phlo_sql.model.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from phlo_sql.observe.trino import TrinoSession

ICEBERG_TABLE, VIEW, MATERIALIZED_VIEW, OTHER, MISSING = (
    "iceberg table",
    "view",
    "materialized view",
    "other",
    "missing",
)
_DIGITS = re.compile(r"\d+")


def read_server(session: TrinoSession, catalog: str | None = None) -> Server:
    """Version, catalog, workers, session properties and retention floors.

    Raises PhloSqlError(UNKNOWN_CATALOG) with near names.
    """
    catalog = catalog or session.catalog
    connector = session.connectors.get(catalog) or connector_of(session, catalog)
    nodes = session.query(
        dialect.select(
            ["node_version", "coordinator", "state"],
            dialect.table(TableName(catalog="system", schema="runtime", name="nodes")),
        )
    )
    version = next((str(row[0]) for row in nodes if row[1]), str(nodes[0][0]) if nodes else "")
    properties = {str(row[0]): str(row[1]) for row in session.query(dialect.show_session())}
    prefix = f"{catalog}."
    own = {
        name.removeprefix(prefix): value
        for name, value in properties.items()
        if name.startswith(prefix)
    }
    return Server(
        version=_number(version),
        version_text=version,
        catalog=catalog,
        connector=connector,
        user=_user(session),
        workers=_workers([row for row in nodes if row[2] == "active"]),
        session=own,
        system_session={name: value for name, value in properties.items() if "." not in name},
        expire_floor=_floor(own, "expire_snapshots_min_retention"),
        orphan_floor=_floor(own, "remove_orphan_files_min_retention"),
    )


def connector_of(session: TrinoSession, catalog: str) -> str:
    """The connector behind a catalog. Raises PhloSqlError(UNKNOWN_CATALOG)."""
    found = {
        str(name): str(connector)
        for name, connector in session.query(
            dialect.select(
                ["catalog_name", "connector_name"],
                dialect.table(TableName(catalog="system", schema="metadata", name="catalogs")),
            )
        )
    }
    if catalog in found:
        session.connectors[catalog] = found[catalog]
        return found[catalog]
    near = difflib.get_close_matches(catalog, found, n=3)
    names = ", ".join(sorted(name for name in found if name != "system"))
    raise PhloSqlError(
        Code.UNKNOWN_CATALOG,
        f"Trino at {session.address} has no catalog {catalog}",
        f"did you mean {near[0]}?" if near else f"its catalogs are: {names}",
        data={"near": near},
    )


def kind_of(session: TrinoSession, table: TableName) -> str:
    """`iceberg table`, `view`, `materialized view`, `other` or `missing`."""
    table = table.within(session.catalog)
    catalog = str(table.catalog)
    named = dialect.all_of(
        [
            dialect.compare("table_schema", "=", table.schema),
            dialect.compare("table_name", "=", table.name),
        ]
    )
    schema = TableName(catalog=catalog, schema="information_schema", name="tables")
    found = session.query(dialect.select(["table_type"], dialect.table(schema), where=named))
    if not found:
        return MISSING
    if _is_materialized(session, table):
        return MATERIALIZED_VIEW
    if str(found[0][0]) == "VIEW":
        return VIEW
    return ICEBERG_TABLE if connector_of(session, catalog) == "iceberg" else OTHER


def require_iceberg_table(session: TrinoSession, table: TableName) -> None:
    """Raises PhloSqlError: NOT_ICEBERG, UNKNOWN_TABLE, UNKNOWN_SCHEMA or UNKNOWN_CATALOG."""
    table = table.within(session.catalog)
    kind = kind_of(session, table)
    if kind == ICEBERG_TABLE:
        return
    if kind == MISSING:
        # Asked for by name, the server says which part is unknown, and near names are added.
        session.query(dialect.select([], dialect.table(table), limit=0))
        raise PhloSqlError(Code.UNKNOWN_TABLE, f"table {table} does not exist", "check the name")
    if kind == OTHER:
        connector = connector_of(session, str(table.catalog))
        problem = f"{table} is a table of the {connector} connector, not an Iceberg table"
        raise PhloSqlError(Code.NOT_ICEBERG, problem, "name a table of an Iceberg catalog")
    raise PhloSqlError(
        Code.NOT_ICEBERG,
        f"{table} is a {kind}, not a table",
        "name a table: a view has no files of its own",
    )


def _is_materialized(session: TrinoSession, table: TableName) -> bool:
    source = TableName(catalog="system", schema="metadata", name="materialized_views")
    named = dialect.all_of(
        [
            dialect.compare("catalog_name", "=", str(table.catalog)),
            dialect.compare("schema_name", "=", table.schema),
            dialect.compare("name", "=", table.name),
        ]
    )
    return bool(session.query(dialect.select(["name"], dialect.table(source), where=named)))


def _workers(active: list[tuple[object, ...]]) -> int:
    """Nodes that run splits. A coordinator beside workers is not counted: whether it takes part
    (`node-scheduler.include-coordinator`) no table tells, and by default it does not."""
    workers = sum(1 for _, is_coordinator, _ in active if not is_coordinator)
    return workers or 1


def _user(session: TrinoSession) -> str:
    if session.user is not None:
        return session.user
    current = session.query(dialect.parse("SELECT current_user"))
    return str(current[0][0])


def _number(version: str) -> int:
    """`483`, `483-e.1`, `476-12-gabcdef`: the first number; 0 where there is none."""
    match = _DIGITS.search(version)
    return int(match[0]) if match else 0


def _floor(properties: Mapping[str, str], name: str) -> timedelta | None:
    text = properties.get(name)
    if text is None:
        return None
    try:
        return parse_duration(text)
    except PhloSqlError:
        return None
