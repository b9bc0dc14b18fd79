"""Whether phlo-sql would work here: settings, server, catalog, procedures, floors. Only reads.

`EXPLAIN` of a procedure asks the server whether it has it, without running it.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from phlo_sql import TESTED_TRINO_VERSIONS
from phlo_sql.config import DEFINITIONS, Setting, Settings, catalog_properties, mask_uris, redact
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.units import trino_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from phlo_sql.model.server import Server
    from phlo_sql.observe.trino import TrinoSession

OK, WARN, FAIL = "ok", "warn", "fail"
_NOT_SCHEMAS = ("information_schema", "system")
_PROCEDURES: Mapping[str, Mapping[str, str]] = {
    "optimize": {},
    "optimize_manifests": {},
    "expire_snapshots": {},
    "remove_orphan_files": {},
    "drop_extended_stats": {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `hint` says what to do where it is not ok."""

    name: str
    status: str
    detail: str
    hint: str = ""

    def document(self) -> dict[str, str]:
        return {
            "name": self.name,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
        }


def diagnose(settings: Settings) -> tuple[Finding, ...]:
    """Everything that can be looked at; what depends on something broken is left out."""
    return tuple(_findings(settings))


def _findings(settings: Settings) -> Iterator[Finding]:
    yield from _settings(settings)
    sqlglot = _guarded("sqlglot", _sqlglot)
    yield sqlglot
    if sqlglot.status == FAIL:
        return
    # Imports sqlglot, which may be the compiled one that cannot be extended: just found out.
    from phlo_sql.observe.server import read_server  # noqa: PLC0415
    from phlo_sql.observe.trino import connect  # noqa: PLC0415

    try:
        session = connect(settings)
    except PhloSqlError as error:
        yield _failed("server", error)
        return
    with session:
        try:
            server = read_server(session)
        except PhloSqlError as error:
            name = "catalog" if error.code is Code.UNKNOWN_CATALOG else "server"
            yield _failed(name, error)
            return
        yield Finding(
            name="server",
            status=OK,
            detail=f"{session.address.scheme}://{session.address} as {server.user}, "
            f"{server.workers} worker(s)",
        )
        yield from _server(server)
        if server.connector != "iceberg":
            return
        yield _guarded("pyiceberg", lambda: _pyiceberg(settings, session))
        yield _guarded("procedures", lambda: _procedures(session))


def _settings(settings: Settings) -> Iterator[Finding]:
    source = str(settings.file) if settings.file else "none found"
    yield Finding(name="settings file", status=OK, detail=source)
    for definition in DEFINITIONS:
        found = settings[definition.name]
        if not found.is_default:
            detail = f"{mask_uris(_shown(found))} ({found.source})"
            yield Finding(name=definition.name, status=OK, detail=detail)
    if settings.trino_verify.value is False:
        yield Finding(
            name="trino_verify",
            status=WARN,
            detail="the server's certificate is not checked",
            hint="set TRINO_VERIFY to a PEM file of the authority that signed it",
        )
    if settings.trino_allow_insecure_auth.value:
        yield Finding(
            name="trino_allow_insecure_auth",
            status=WARN,
            detail="credentials may travel unencrypted",
            hint="set TRINO_HTTP_SCHEME=https instead",
        )


def _shown(found: Setting[Any]) -> str:
    match found.value:
        case dict() as pairs:
            return ", ".join(f"{name}={value}" for name, value in pairs.items())
        case tuple() as words:
            return ", ".join(words)
        case None | "":
            return "(empty)"
        case value:
            return str(value)


def _sqlglot() -> Finding:
    from phlo_sql import dialect  # noqa: F401, PLC0415 - refuses a compiled one

    return Finding(name="sqlglot", status=OK, detail=f"{version('sqlglot')}, pure Python")


def _server(server: Server) -> Iterator[Finding]:
    low, high = min(TESTED_TRINO_VERSIONS), max(TESTED_TRINO_VERSIONS)
    tested = " and ".join(map(str, TESTED_TRINO_VERSIONS))
    if server.version in TESTED_TRINO_VERSIONS:
        yield Finding(name="version", status=OK, detail=f"Trino {server.version_text}, tested")
    elif low <= server.version <= high:
        detail = f"Trino {server.version_text}, between the tested {tested}"
        yield Finding(name="version", status=OK, detail=detail)
    else:
        age = "older" if server.version < low else "newer"
        yield Finding(
            name="version",
            status=WARN,
            detail=f"Trino {server.version_text} is {age} than the tested {tested}",
            hint="look at dry runs with care: statements and predictions were not tried there",
        )
    if server.connector != "iceberg":
        yield Finding(
            name="catalog",
            status=FAIL,
            detail=f"{server.catalog} is a {server.connector} catalog",
            hint="set TRINO_CATALOG to an Iceberg catalog",
        )
        return
    yield Finding(name="catalog", status=OK, detail=f"{server.catalog}, Iceberg")
    floors = {"expire": server.expire_floor, "orphans": server.orphan_floor}
    known = {name: trino_duration(floor) for name, floor in floors.items() if floor is not None}
    if len(known) == len(floors):
        detail = ", ".join(f"{name} {floor}" for name, floor in known.items())
        yield Finding(name="retention floors", status=OK, detail=detail)
    else:
        yield Finding(
            name="retention floors",
            status=WARN,
            detail="the server does not tell them",
            hint="check that the user may read session properties",
        )


def _pyiceberg(settings: Settings, session: TrinoSession) -> Finding:
    from phlo_sql import dialect  # noqa: PLC0415
    from phlo_sql.observe.catalog import open_catalog  # noqa: PLC0415

    catalog = open_catalog(session.catalog, catalog_properties(settings, session.catalog))
    try:
        with closing(catalog):
            seen = {".".join(name).lower() for name in catalog.list_namespaces()}
    except Exception as error:  # noqa: BLE001 - each catalog's client has its own exceptions
        problem = redact(" ".join(str(error).split()), settings)
        return _differ(session.catalog, f"cannot list the schemas: {problem}"[:300])
    source = TableName(catalog=session.catalog, schema="information_schema", name="schemata")
    rows = session.query(dialect.select(["schema_name"], dialect.table(source)))
    served = {str(row[0]) for row in rows} - set(_NOT_SCHEMAS)
    # A nested namespace is listed by Trino as one dotted schema, by PyIceberg under its parent.
    top = {name.split(".")[0] for name in served}
    if seen and not seen <= served | top:
        strange = ", ".join(sorted(seen - served - top)[:3])
        return _differ(session.catalog, f"only PyIceberg sees {strange}")
    if missing := top - seen:
        return _differ(session.catalog, f"only Trino sees {', '.join(sorted(missing)[:3])}")
    return Finding(
        name="pyiceberg", status=OK, detail=f"opens {session.catalog}, {len(served)} schema(s)"
    )


def _differ(catalog: str, detail: str) -> Finding:
    return Finding(
        name="pyiceberg",
        status=FAIL,
        detail=detail,
        hint=f"let ICEBERG_CATALOG_URI, NESSIE_URI or [catalogs.{catalog}] name the same catalog",
    )


def _procedures(session: TrinoSession) -> Finding:
    from phlo_sql import dialect  # noqa: PLC0415

    table = _any_table(session)
    if table is None:
        return Finding(
            name="procedures", status=WARN, detail="not tried", hint="there is no table to try on"
        )
    refused: dict[str, PhloSqlError] = {}
    for name, arguments in _PROCEDURES.items():
        statement = dialect.execute_procedure(table, name, dict(arguments))
        try:
            session.query(dialect.explain(statement))
        except PhloSqlError as error:
            refused[name] = error
    if not refused:
        return Finding(
            name="procedures", status=OK, detail=f"{', '.join(_PROCEDURES)} (asked on {table})"
        )
    first = next(iter(refused.values()))
    return Finding(
        name="procedures",
        status=FAIL if "optimize" in refused else WARN,
        detail=f"refused on {table}: {', '.join(refused)}: {first.problem}",
        hint=first.hint,
    )


def _any_table(session: TrinoSession) -> TableName | None:
    from phlo_sql import dialect  # noqa: PLC0415

    source = TableName(catalog=session.catalog, schema="information_schema", name="tables")
    where = dialect.all_of(
        [
            dialect.compare("table_type", "=", "BASE TABLE"),
            dialect.negated(dialect.is_in("table_schema", _NOT_SCHEMAS)),
        ]
    )
    rows = session.query(
        dialect.select(["table_schema", "table_name"], dialect.table(source), where=where, limit=1)
    )
    if not rows:
        return None
    return TableName(catalog=session.catalog, schema=str(rows[0][0]), name=str(rows[0][1]))


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except PhloSqlError as error:
        return _failed(name, error)


def _failed(name: str, error: PhloSqlError) -> Finding:
    return Finding(name=name, status=FAIL, detail=error.problem, hint=error.hint)
