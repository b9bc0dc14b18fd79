"""Opening catalogs and tables by PyIceberg, and saying in one line why that failed."""

from __future__ import annotations

import difflib
import importlib.util
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from phlo_sql.model.names import TableName

CATALOG_NAME = "catalog-name"
"""A property of ours: the name under which a JDBC catalog keeps its tables, where Trino's
`iceberg.jdbc-catalog.catalog-name` differs from the name of the Trino catalog."""

_SECRET = re.compile(r"password|secret|token|credential|access-key|api-key", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
_NO_REFERENCE = re.compile(r"NoSuchReference\w*: Named reference '([^']*)' not found")
"""Nessie 0.99's answer to a ref that it doesn't have."""
_UNSUPPORTED = re.compile(r"Unsupported field type: '([^']*)'")


def open_catalog(name: str, properties: Mapping[str, str]) -> Catalog:
    """The catalog that PyIceberg's own configuration has under this name, `properties` on top.

    Raises PhloSqlError(UNKNOWN_CATALOG, CATALOG_UNREADABLE).
    """
    from pyiceberg.catalog import load_catalog
    from pyiceberg.utils.config import Config

    config = Config()
    known = {_folded(each): each for each in config.get_known_catalogs()}
    found = known.get(_folded(name))
    if found is None and not properties:
        raise _unknown("catalog", Code.UNKNOWN_CATALOG, name, known.values())
    merged: dict[str, Any] = dict(config.get_catalog_config(found) or {}) if found else {}
    merged.update(properties)
    # PyIceberg would create a JDBC catalog's tables where there are none; observing never writes.
    merged.setdefault("init_catalog_tables", "false")
    if "uri" in merged:
        merged["uri"] = _installed_driver(merged["uri"])
    with _one_line(f"catalog {name}", merged):
        if merged.get("type") == "hive" or str(merged.get("uri", "")).startswith("thrift:"):
            from phlo_sql.observe.hive_client import IMPLEMENTATION

            merged.pop("type", None)
            merged["py-catalog-impl"] = IMPLEMENTATION
        return _keeping_none_open(load_catalog(str(merged.pop(CATALOG_NAME, name)), **merged))


def _keeping_none_open(catalog: Catalog) -> Catalog:
    """PyIceberg's JDBC catalog has no `close`: each of its sessions gets a connection of its own,
    and gives it back to the server."""
    engine = getattr(catalog, "engine", None)
    if engine is not None and engine.dialect.name == "postgresql":
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        engine.dispose()
        setattr(catalog, "engine", create_engine(engine.url, poolclass=NullPool))  # noqa: B010
    return catalog


def at_ref(properties: Mapping[str, str], ref: str) -> dict[str, str]:
    """The same Nessie catalog at another ref: PyIceberg wants it in the path, `/iceberg/<ref>`."""
    parts = urlsplit(properties["uri"])
    base, found, _ = parts.path.partition("/iceberg")
    path = f"{base}/iceberg/{quote(ref, safe='')}" if found else f"{parts.path}/{quote(ref)}"
    return {**properties, "uri": urlunsplit(parts._replace(path=path))}


def load_table(catalog: Catalog, name: TableName) -> Table:
    """Load a table, matching its name without regard to case, as Trino does.

    Raises PhloSqlError: UNKNOWN_TABLE and UNKNOWN_SCHEMA with near names, NOT_ICEBERG,
    UNSUPPORTED_TYPE (Trino's metadata tables can still be read), CATALOG_UNREADABLE.
    """
    from pyiceberg.exceptions import (
        NoSuchIcebergTableError,
        NoSuchNamespaceError,
        NoSuchTableError,
    )

    with _one_line(f"table {name}", catalog.properties):
        try:
            return catalog.load_table(name.identifier)
        except NoSuchIcebergTableError as error:
            raise _not_iceberg(name, "is not an Iceberg table") from error
        except (NoSuchTableError, NoSuchNamespaceError):
            return catalog.load_table(_spelled(catalog, name))


def _spelled(catalog: Catalog, name: TableName) -> tuple[str, ...]:
    """The identifier of the one table whose name differs in case only."""
    from pyiceberg.exceptions import NoSuchNamespaceError

    *schema, table = name.identifier
    try:
        tables = catalog.list_tables(tuple(schema))
    except NoSuchNamespaceError:
        tables = []
    if not tables and not _schema_exists(catalog, tuple(schema)):
        schemas = [".".join(each) for each in catalog.list_namespaces()]
        raise _unknown("schema", Code.UNKNOWN_SCHEMA, name.schema, schemas)
    matches = [tuple(each) for each in tables if each[-1].lower() == table]
    if len(matches) == 1 and matches[0] != name.identifier:
        return matches[0]
    if _is_view(catalog, name.identifier):
        raise _not_iceberg(name, "is a view")
    raise _unknown("table", Code.UNKNOWN_TABLE, str(name), [each[-1] for each in tables], table)


def _schema_exists(catalog: Catalog, schema: tuple[str, ...]) -> bool:
    return _supported(lambda: bool(catalog.namespace_exists(schema)), default=True)


def _is_view(catalog: Catalog, identifier: tuple[str, ...]) -> bool:
    return _supported(lambda: bool(catalog.view_exists(identifier)), default=False)


def _supported(ask: Callable[[], bool], *, default: bool) -> bool:
    from pyiceberg.exceptions import RESTError

    try:
        return ask()
    except (NotImplementedError, RESTError):  # not every catalog can say
        return default


def _folded(name: str) -> str:
    # PYICEBERG_CATALOG__MY_LAKE__URI names the catalog `my-lake`: PyIceberg turns _ into -.
    return name.lower().replace("_", "-")


def _installed_driver(uri: str) -> str:
    """SQLAlchemy takes `postgresql://` for psycopg2; phlo-sql comes with psycopg 3."""
    scheme, separator, rest = uri.partition("://")
    if scheme in ("postgresql", "postgres") and importlib.util.find_spec("psycopg2") is None:
        return f"postgresql+psycopg{separator}{rest}"
    return uri


@contextmanager
def _one_line(what: str, properties: Mapping[str, Any]) -> Iterator[None]:
    """Turn whatever a catalog's client raises into one line without secrets."""
    try:
        yield
    except PhloSqlError:
        raise
    except Exception as error:  # each client (HTTP, SQL, Thrift, AWS) has its own exceptions
        unsupported = _UNSUPPORTED.search(str(error))
        if unsupported:
            raise PhloSqlError(
                Code.UNSUPPORTED_TYPE,
                f"{what} has a column of type {unsupported[1]}, which PyIceberg cannot load",
                "plan it through Trino's metadata tables",
            ) from error
        absent = _NO_REFERENCE.search(str(error))
        if absent:
            raise PhloSqlError(
                Code.UNKNOWN_REF,
                f"{what} cannot be read at ref {absent[1]}: the catalog has no such ref",
                "name an existing branch or tag of the Nessie catalog",
            ) from error
        raise PhloSqlError(
            Code.CATALOG_UNREADABLE,
            f"{what} cannot be read: {redact(_first_line(error), properties)}",
            "check PyIceberg's configuration (.pyiceberg.yaml, PYICEBERG_CATALOG__*), the server, "
            "and the credentials",
        ) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def redact(text: str, properties: Mapping[str, Any]) -> str:
    """Take user info out of addresses, and every value that is configured as a secret."""
    for key, value in properties.items():
        if _SECRET.search(key) and isinstance(value, str) and value:
            for secret in {value, *value.split(":")} - {""}:
                text = text.replace(secret, "***")
    for value in properties.values():
        password = _password(value) if isinstance(value, str) else None
        if password:
            text = text.replace(password, "***")
    return _USER_INFO.sub("***@", text)


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None


def _unknown(
    kind: str, code: Code, name: str, present: Iterable[str], wanted: str | None = None
) -> PhloSqlError:
    near = difflib.get_close_matches((wanted or name).lower(), list(present), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"check the {kind}'s name"
    return PhloSqlError(code, f"{kind} {name} does not exist", hint)


def _not_iceberg(name: TableName, what: str) -> PhloSqlError:
    return PhloSqlError(
        Code.NOT_ICEBERG, f"{name} {what}", "name an Iceberg table; its own files are needed"
    )
