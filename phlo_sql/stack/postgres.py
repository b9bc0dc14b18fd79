"""PostgreSQL: it holds the Iceberg catalog's tables, Nessie's history, policies and audit."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack.launch import Launch
from phlo_sql.stack.layout import DATABASE, USER, Layout, account
from phlo_sql.stack.ports import HOST

if TYPE_CHECKING:
    from phlo_sql.stack.machine import Machine

CATALOG = "iceberg"


def launch(layout: Layout, machine: Machine) -> Launch:
    home = layout.postgres_home
    if not (home / "PG_VERSION").exists():
        _initialise(layout, machine)
    settings = {
        "listen_addresses": HOST,
        "port": str(layout.ports["postgres"]),
        "unix_socket_directories": "",
        "max_connections": "400",
        "synchronous_commit": "off",
    }
    words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    return Launch(
        name="postgres",
        command=[machine.postgres / "postgres", "-D", home, *words],
        cwd=home,
        log=layout.log("postgres"),
        port=layout.ports["postgres"],
        ready=lambda: _answers(layout),
        deadline=60,
        account=account(),
        afterwards=lambda: _create(layout),
    )


def _initialise(layout: Layout, machine: Machine) -> None:
    home, owner = layout.postgres_home, account()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    with tempfile.NamedTemporaryFile("w", prefix="phlo-sql-") as password:
        password.write(layout.passwords["postgres"])
        password.flush()
        if owner:
            os.chown(home, owner.uid, owner.gid)
            os.chown(password.name, owner.uid, owner.gid)
        done = subprocess.run(
            [
                machine.postgres / "initdb",
                f"--pgdata={home}",
                f"--username={USER}",
                f"--pwfile={password.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            cwd=home,
            user=owner.uid if owner else None,
            group=owner.gid if owner else None,
            extra_groups=[] if owner else None,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        telling = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise PhloSqlError(
            Code.STACK_FAILED,
            f"PostgreSQL's initdb failed: {telling[:300]}",
            f"see that {home} can be written",
        )


def _answers(layout: Layout) -> bool:
    import psycopg

    try:
        psycopg.connect(layout.postgres_uri("postgresql", "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _create(layout: Layout) -> None:
    """The databases, and the two tables that Trino's JDBC catalog does not make itself."""
    import psycopg
    from pyiceberg.catalog.sql import SqlCatalog

    uri = layout.postgres_uri("postgresql", "postgres")
    with psycopg.connect(uri, autocommit=True) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in there:
            connection.execute("CREATE DATABASE phlo")
        if "nessie" not in there:
            connection.execute("CREATE DATABASE nessie")
    catalog = SqlCatalog(
        CATALOG,
        uri=layout.postgres_uri("postgresql+psycopg"),
        warehouse=layout.warehouse_uri,
        init_catalog_tables="true",
    )
    catalog.close()
