"""Connections to a stack, made from its environment alone, as any other client would make them.

For tests, the demo and benchmarks; phlo-sql's own commands go through their settings.
"""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import psycopg
    from pyiceberg.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Whatever talks to the stack that `env` describes."""

    env: Mapping[str, str]
    _opened: dict[str, Catalog] = field(default_factory=dict, repr=False, compare=False)

    def close(self) -> None:
        """Let go of PyIceberg's connections to PostgreSQL."""
        while self._opened:
            self._opened.popitem()[1].close()

    @property
    def version(self) -> int:
        return int(self.env["TRINO_VERSION"])

    @property
    def catalog(self) -> str:
        """The embedded default: JDBC on PostgreSQL, files on this machine."""
        return self.env["TRINO_CATALOG"]

    @property
    def subprocess_env(self) -> dict[str, str]:
        """For a command that is started: this process's environment, pointed at the stack."""
        return {**os.environ, **self.env}

    def trino(self, **options: Any) -> AbstractContextManager[Any]:
        """A DBAPI connection that closes itself; `options` are the driver's own."""
        from trino.dbapi import connect

        address: dict[str, Any] = {
            "host": self.env["TRINO_HOST"],
            "port": int(self.env["TRINO_PORT"]),
            "user": self.env["TRINO_USER"],
            "catalog": self.catalog,
        }
        opened: Any = connect(**{**address, **options})
        return closing(opened)

    def rows(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        """One statement on a connection of its own, to its end."""
        with self.trino(**options) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def pyiceberg(self, name: str | None = None) -> Catalog:
        """PyIceberg's catalog of the same name, with the same tables; open until `close`."""
        from phlo_sql.observe.catalog import open_catalog

        chosen = name or self.catalog
        if chosen not in self._opened:
            self._opened[chosen] = open_catalog(chosen, catalog_properties(self.env)[chosen])
        return self._opened[chosen]

    def postgres(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        import psycopg

        return psycopg.connect(
            host=self.env["POSTGRES_HOST"],
            port=int(self.env["POSTGRES_PORT"]),
            user=self.env["POSTGRES_USER"],
            password=self.env["POSTGRES_PASSWORD"],
            dbname=self.env["POSTGRES_DB"],
            **options,
        )


def catalog_properties(env: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """PyIceberg's properties of each of Trino's Iceberg catalogs, under the same names."""
    sql = {"type": "sql", "uri": env["ICEBERG_CATALOG_URI"], "init_catalog_tables": "false"}
    found = {env["TRINO_CATALOG"]: sql | {"warehouse": env["ICEBERG_WAREHOUSE_PATH"]}}
    if "ICEBERG_S3_ENDPOINT" not in env:
        return found
    s3 = {
        "s3.endpoint": env["ICEBERG_S3_ENDPOINT"],
        "s3.access-key-id": env["ICEBERG_S3_ACCESS_KEY"],
        "s3.secret-access-key": env["ICEBERG_S3_SECRET_KEY"],
        "s3.region": env["ICEBERG_S3_REGION"],
        "s3.path-style-access": "true",
    }
    found["iceberg_s3"] = sql | s3 | {"warehouse": "s3://lake/jdbc"}
    if "NESSIE_URI" in env:
        for name, ref in (("nessie", "main"), ("nessie_dev", "dev")):
            uri = f"{env['NESSIE_URI']}/{quote(ref, safe='')}"
            found[name] = {"type": "rest", "uri": uri, "warehouse": "warehouse"} | s3
    if "HIVE_METASTORE_URI" in env:
        hive = {"type": "hive", "uri": env["HIVE_METASTORE_URI"]}
        found["iceberg_hive"] = hive | s3 | {"warehouse": "s3://lake/iceberg_hive"}
    if "GLUE_ENDPOINT_URL" in env:
        glue = {
            "type": "glue",
            "glue.endpoint": env["GLUE_ENDPOINT_URL"],
            "glue.region": env["AWS_REGION"],
            "glue.access-key-id": env["AWS_ACCESS_KEY_ID"],
            "glue.secret-access-key": env["AWS_SECRET_ACCESS_KEY"],
        }
        found["iceberg_glue"] = glue | s3 | {"warehouse": "s3://lake/iceberg_glue"}
    return found
