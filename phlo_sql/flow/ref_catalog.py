"""A branch that no Trino catalog shows: how to make the one that would.

The statement holds no secret: `${ENV:NAME}` is resolved by the server, from its own environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN_S3 = {"s3.endpoint": "s3.endpoint", "s3.region": "s3.region"}
_SECRET_S3 = {
    "s3.access-key-id": ("s3.aws-access-key", "${ENV:AWS_ACCESS_KEY_ID}"),
    "s3.secret-access-key": ("s3.aws-secret-key", "${ENV:AWS_SECRET_ACCESS_KEY}"),
}
_SWITCHED = 477
"""Trino that calls it `fs.s3.enabled`; before it was `fs.native-s3.enabled`."""


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
        f"where the server has catalog.management=dynamic: {sql}",
        next_steps=((sql, "to show the ref in Trino; the server resolves ${ENV:…} itself"),),
    )
