"""A branch that no Trino catalog shows: how to make the one that would, or have a run make it.

The statement holds no secret: `${ENV:NAME}` is resolved by the server, from its own environment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.audit.journal import events
from phlo_sql.compile.made_catalog import uses_own_catalog
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from phlo_sql.dialect import Statement
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.names import TableName
    from phlo_sql.plan import Plan

_PLAIN_S3 = {"s3.endpoint": "s3.endpoint", "s3.region": "s3.region"}
_SECRET_S3 = {
    "s3.access-key-id": ("s3.aws-access-key", "${ENV:AWS_ACCESS_KEY_ID}"),
    "s3.secret-access-key": ("s3.aws-secret-key", "${ENV:AWS_SECRET_ACCESS_KEY}"),
}
_TOKEN = {
    "iceberg.rest-catalog.security": "OAUTH2",
    "iceberg.rest-catalog.oauth2.token": "${ENV:ICEBERG_REST_TOKEN}",
}
_MAKES, _DROPS = "CREATE CATALOG ", "DROP CATALOG "
_SWITCHED = 477
"""Trino that calls it `fs.s3.enabled`; before it was `fs.native-s3.enabled`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The catalog that a run makes. `create` None: an earlier run was killed and left it."""

    catalog: str
    create: Statement | None


def for_run(table: TableName, ref: str | None, edges: Edges) -> Made | None:
    """What a run has to make so that Trino shows the ref; None where a catalog does already.

    Raises PhloSqlError for a ref or catalog that isn't there.
    """
    from phlo_sql.config import catalog_properties
    from phlo_sql.flow.edges import physical
    from phlo_sql.observe.nessie import require_ref
    from phlo_sql.observe.server import connector_of, read_server

    base = str(table.catalog or edges.settings.trino_catalog.value)
    shown = str(physical(table, ref, edges).catalog)
    if ref is None or shown == base:
        return None
    require_ref(catalog_properties(edges.settings, base, ref), ref)
    try:
        connector_of(edges.session, shown)
    except PhloSqlError as error:
        if error.code is not Code.UNKNOWN_CATALOG:
            raise
    else:
        left = edges.history is not None and left_behind(edges.history, shown)
        return Made(catalog=shown, create=None) if left else None
    version = read_server(edges.session, base).version
    properties = catalog_properties(edges.settings, base)
    return Made(catalog=shown, create=statement(shown, ref, properties, version))


def left_behind(journal: Path, catalog: str) -> bool:
    """Whether the last that the journal says of a catalog is that a run has made it."""
    made: tuple[object, object] | None = None
    for event in events(journal):
        match event.get("event"):
            case "step started" if _named_by(str(event.get("sql", ""))) == catalog:
                makes = str(event.get("sql")).startswith(_MAKES)
                made = (event.get("operation"), event.get("step")) if makes else None
            case "undone" if (event.get("operation"), event.get("step")) == made:
                made = None
    return made is not None


def _named_by(sql: str) -> str | None:
    """The catalog that a recorded statement makes or drops."""
    return dialect.catalog_of(dialect.parse(sql)) if sql.startswith((_MAKES, _DROPS)) else None


def seeing(plan: Plan, edges: Edges) -> Edges:
    """Edges that do not ask Trino for a table that it shows only while the plan runs."""
    return replace(edges, unshown=True) if uses_own_catalog(plan) else edges


def statement(
    catalog: str, ref: str, properties: Mapping[str, str], version: int
) -> dialect.Statement:
    """`CREATE CATALOG` for a branch of Nessie, from how PyIceberg opens it."""
    uri = properties["uri"]
    base, found, _ = uri.partition("/iceberg")
    wanted = {
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": base + found,
        "iceberg.rest-catalog.prefix": ref,
    }
    if warehouse := properties.get("warehouse"):
        wanted["iceberg.rest-catalog.warehouse"] = warehouse
    if properties.get("token"):
        wanted |= _TOKEN
    if any(name.startswith("s3.") for name in properties):
        wanted["fs.s3.enabled" if version >= _SWITCHED else "fs.native-s3.enabled"] = "true"
        wanted |= {ours: properties[name] for name, ours in _PLAIN_S3.items() if name in properties}
        wanted["s3.path-style-access"] = "true"
        wanted |= dict(pair for name, pair in _SECRET_S3.items() if name in properties)
    return dialect.create_catalog(catalog, "iceberg", wanted)


def missing(catalog: str, ref: str, properties: Mapping[str, str], version: int) -> PhloSqlError:
    """The error that tells how the branch becomes visible in Trino."""
    sql = dialect.render(statement(catalog, ref, properties, version))
    return PhloSqlError(
        Code.UNKNOWN_CATALOG,
        f"ref {ref} exists, but no Trino catalog shows it: {catalog} does not exist",
        f'name the catalog that shows it in phlo-sql.toml ([refs] {ref} = "…"), or have it made '
        "where the server has catalog.management=dynamic: for good by the statement below, or by "
        f"table optimize --create-catalog for one run: {sql}",
        next_steps=((sql, "to show the ref in Trino; the server resolves ${ENV:…} itself"),),
    )
