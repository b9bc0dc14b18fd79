"""Every command that names a table, with names that no server has: one document, the right code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.live import forked

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
COMMANDS = [
    ("table", "optimize", "{}", "--dry-run"),
    ("table", "expire-snapshots", "{}", "--dry-run"),
    ("table", "vacuum", "{}", "--dry-run"),
    ("table", "stats", "{}"),
    ("schema", "evolve", "{}", "--drop-column", "a", "--allow-breaking", "--dry-run"),
    ("schema", "export", "{}"),
    ("schema", "diff", "{}", "{}"),
]
NAMES = {
    "iceberg.{}.nothing": ("unknown_table", 1),
    "iceberg.no_such_schema.t": ("unknown_schema", 1),
    "no_such_catalog.s.t": ("unknown_catalog", 1),
    'iceberg.{}."a"" ; drop table x --"': ("unknown_table", 1),
    "nessie.{}.t@no_such_ref": ("unknown_ref", 1),
    "iceberg.{}.v": ("not_iceberg", 3),
    "tpch.tiny.orders": ("not_iceberg", 3),
}


@pytest.fixture(scope="module")
def schema(stack: Clients) -> str:
    """One schema with a view; dropped with the servers' data."""
    name = "no_such_table"
    stack.rows(f"CREATE SCHEMA IF NOT EXISTS iceberg.{name}")
    stack.rows(f"CREATE OR REPLACE VIEW iceberg.{name}.v AS SELECT 1 AS a")
    return name


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_the_name_is_what_is_wrong(
    words: tuple[str, ...], schema: str, stack: Clients, tmp_path: Path
) -> None:
    told = {}
    for name in NAMES:
        given = [name.replace("{}", schema) if word == "{}" else word for word in words]
        done = forked.run(
            [*given, "--json"],
            env={**stack.subprocess_env, "XDG_STATE_HOME": str(tmp_path)},
            cwd=tmp_path,
        )
        document = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        assert "Traceback" not in done.stderr
        assert document["errors"]
        told[name] = (document["reason_code"], done.returncode)
    assert told == NAMES
