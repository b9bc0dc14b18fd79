"""What the server itself refuses to a user."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.second_catalog import catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
PROGRAM = Path(sys.executable).parent / "phlo-sql"


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
