"""What the server itself refuses to a user."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
LOCAL = {
    483: {"fs.local.enabled": "true", "local.location": "/"},
    476: {"fs.native-local.enabled": "true", "local.location": "/"},
}
PROGRAM = Path(sys.executable).parent / "phlo-sql"


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


def refused(stack: Clients, folder: Path, *words: str) -> Any:
    ran = subprocess.run(
        [str(PROGRAM), *words, "--json"],
        env=stack.subprocess_env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(ran.stdout)
    assert ran.returncode == document["exit_code"], ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(document["errors"]) == 1
    assert "\n" not in document["errors"][0]
    assert document["data"]["error"]["hint"]
    return document


@pytest.fixture
def table(stack: Clients, make_schema: Callable[..., str]) -> str:
    """`schema.table` without a catalog, of two files."""
    name = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {name} AS SELECT 1 AS a")
    stack.rows(f"INSERT INTO {name} VALUES 2")
    return name.removeprefix("iceberg.")


def test_no_permission(stack: Clients, table: str, tmp_path: Path) -> None:
    with catalog(stack, tmp_path, **{"iceberg.security": "read_only"}) as name:
        told = refused(stack, tmp_path, "table", "optimize", f"{name}.{table}", "--yes")
        assert told["exit_code"] == 3, told
        assert told["reason_code"] == "permission_denied"
        assert "t" in told["errors"][0]
        schema, plain = table.split(".")
        assert stack.rows(f'SELECT count(*) FROM iceberg.{schema}."{plain}$files"')[0][0] == 2
