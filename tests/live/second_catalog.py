"""Another catalog of Trino over the tables of the stack's own."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

LOCAL = {
    483: {"fs.local.enabled": "true", "local.location": "/"},
    476: {"fs.native-local.enabled": "true", "local.location": "/"},
}


@contextmanager
def catalog(stack: Clients, folder: Path, called: str | None = None, **more: str) -> Iterator[str]:
    """A second catalog over the stack's tables, with other settings; phlo-sql.toml names it."""
    name = called or f"t{uuid.uuid4().hex[:10]}"
    env = stack.env
    location = env["ICEBERG_WAREHOUSE_PATH"]
    properties = {
        "iceberg.catalog.type": "jdbc",
        "iceberg.jdbc-catalog.driver-class": "org.postgresql.Driver",
        "iceberg.jdbc-catalog.connection-url": "jdbc:postgresql://"
        f"{env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}/{env['POSTGRES_DB']}",
        "iceberg.jdbc-catalog.connection-user": env["POSTGRES_USER"],
        "iceberg.jdbc-catalog.connection-password": env["POSTGRES_PASSWORD"],
        "iceberg.jdbc-catalog.catalog-name": "iceberg",
        "iceberg.jdbc-catalog.default-warehouse-dir": location,
        **LOCAL[stack.version],
        **more,
    }
    listed = ", ".join(f""""{key}" = '{value}'""" for key, value in properties.items())
    stack.rows(f"CREATE CATALOG {name} USING iceberg WITH ({listed})")
    opened = {**stack.pyiceberg("iceberg").properties, "catalog-name": "iceberg"}
    lines = "".join(
        f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in opened.items() if value
    )
    (folder / "phlo-sql.toml").write_text(f"[catalogs.{name}]\n{lines}")
    try:
        yield name
    finally:
        stack.rows(f"DROP CATALOG {name}")
