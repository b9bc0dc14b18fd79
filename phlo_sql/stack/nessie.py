"""Nessie: Iceberg's REST catalog with branches, on S3, its history in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack.launch import Launch, get, post
from phlo_sql.stack.layout import (
    BUCKET,
    REGION,
    USER,
    WAREHOUSE,
    Layout,
    properties,
    write_private,
)
from phlo_sql.stack.ports import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.machine import Machine

PORTS = ("nessie", "nessie.management")
BRANCH = "dev"


def launch(layout: Layout, machine: Machine, jar: Path) -> Launch:
    folder = layout.folder("nessie")
    config = folder / "nessie.properties"
    write_private(config, properties(_settings(layout)))
    return Launch(
        name="nessie",
        command=[
            machine.jdk / "bin" / "java",
            "-Xmx512m",
            f"-Dquarkus.config.locations={config}",
            "-jar",
            jar,
        ],
        cwd=folder,
        log=layout.log("nessie"),
        port=layout.ports["nessie"],
        ready=lambda: get(f"{layout.url('nessie')}/iceberg/v1/config") is not None,
        afterwards=lambda: _make_branch(layout),
    )


def _settings(layout: Layout) -> dict[str, object]:
    s3 = "nessie.catalog.service.s3.default-options"
    key = "stack-s3"
    return {
        "quarkus.http.host": HOST,
        "quarkus.http.port": layout.ports["nessie"],
        "quarkus.management.host": HOST,
        "quarkus.management.port": layout.ports["nessie.management"],
        "quarkus.otel.sdk.disabled": "true",
        "nessie.version.store.type": "JDBC2",
        "nessie.version.store.persist.jdbc.datasource": "postgresql",
        "quarkus.datasource.postgresql.jdbc.url": layout.jdbc_url("nessie"),
        "quarkus.datasource.postgresql.username": USER,
        "quarkus.datasource.postgresql.password": layout.passwords["postgres"],
        "nessie.catalog.default-warehouse": WAREHOUSE,
        f"nessie.catalog.warehouses.{WAREHOUSE}.location": f"s3://{BUCKET}/{WAREHOUSE}",
        f"{s3}.endpoint": layout.url("s3"),
        f"{s3}.region": REGION,
        f"{s3}.path-style-access": "true",
        f"{s3}.auth-type": "STATIC",
        f"{s3}.request-signing-enabled": "false",
        f"{s3}.access-key": f"urn:nessie-secret:quarkus:{key}",
        f"{key}.name": USER,
        f"{key}.secret": layout.passwords["s3"],
    }


def _make_branch(layout: Layout) -> None:
    """`dev`, from where `main` is: what Trino's catalog `nessie_dev` shows."""
    trees = f"{layout.url('nessie')}/api/v2/trees"
    if get(f"{trees}/{BRANCH}") is not None:
        return
    main = get(f"{trees}/main")["reference"]
    status = post(f"{trees}?name={BRANCH}&type=BRANCH", main)
    if status not in {200, 201, 409}:
        raise PhloSqlError(
            Code.STACK_FAILED,
            f"nessie would not make the branch {BRANCH}: HTTP {status}",
            f"read {layout.log('nessie')}",
        )
