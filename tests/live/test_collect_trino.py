"""What people do in Trino 476, as its own event listener tells the collector."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql import stack
from phlo_sql.audit import store
from tests.live.access_stack import DENIED, Guarded
from tests.live.collecting import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("opa")]


@pytest.fixture
def schema(opa: Guarded) -> Iterator[str]:
    name = f"iceberg.c{uuid.uuid4().hex[:10]}"
    opa.clients.rows(f"CREATE SCHEMA {name}")
    yield name
    opa.clients.rows(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="session")
def successors() -> Iterator[list[Collector]]:
    """Collectors in place of the stack's own, which a test killed: they stay for the next tests."""
    made: list[Collector] = []
    yield made
    for each in made:
        each.end()


def told(opa: Guarded, pattern: str, count: int) -> list[dict[str, Any]]:
    """Rows about these tables, once there are so many; Trino tells a moment after the answer."""
    deadline = time.monotonic() + 60
    while True:
        found = list(store.search(opa.settings, store.Filter(table=pattern)))
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_who_did_what_to_which_table(opa: Guarded, schema: str) -> None:
    run, t = opa.clients.rows, f"{schema}.t"
    reader = f"reader {schema}@example.org"
    run(f"CREATE TABLE {t} AS SELECT * FROM tpch.tiny.nation WHERE name <> 'a secret'")
    run(f"CREATE VIEW {schema}.v AS SELECT name FROM {t}")
    run(f"SELECT count(*) FROM {schema}.v")
    run(f'SELECT count(*) FROM {schema}."t$snapshots"')
    run(f"ALTER TABLE {t} EXECUTE optimize")
    with pytest.raises(Exception, match="cast"):
        run(f"SELECT CAST(name || 'a secret' AS bigint) FROM {t}")
    for sql in (f"SELECT name FROM {t}", f"ALTER TABLE {t} EXECUTE remove_orphan_files"):
        assert opa.ask(reader, sql)[0] == DENIED
    run(f"DROP VIEW {schema}.v")
    found = told(opa, f"{schema}.*", 12)
    events = {
        (row["user_name"], row["action"], row["table_name"], row["event"], row["denied"])
        for row in found
    }
    assert events >= {
        ("phlo", "create table", t, "finished", False),
        ("phlo", "create view", f"{schema}.v", "finished", False),
        ("phlo", "select", f"{schema}.v", "finished", False),
        ("phlo", "select", t, "finished", False),
        ("phlo", "optimize", t, "finished", False),
        ("phlo", "select", t, "failed", False),
        ("phlo", "drop view", f"{schema}.v", "finished", False),
        (reader, "select", t, "refused", True),
        (reader, "remove_orphan_files", t, "refused", True),
    }
    made = next(row for row in found if row["action"] == "create table")
    assert made["rows"] == 25
    assert made["bytes"] > 0
    read = next(
        row for row in told(opa, "tpch.tiny.nation", 1) if row["operation"] == made["operation"]
    )
    assert (read["rows"], read["details"]["access"]) == (25, "read")
    assert "a secret" not in str(found)
    assert store.verify(opa.settings).findings == ()


def test_what_trino_did_while_no_collector_was_there(
    opa: Guarded, schema: str, successors: list[Collector], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Trino sends again what nobody took."""
    env = opa.clients.env
    found = stack.status(directory=Path(env["PYICEBERG_HOME"]))
    assert found is not None
    service = found.service("events")
    successor = Collector(
        environ=env,
        folder=tmp_path_factory.mktemp("collector"),
        port=service.port,
        token=env["PHLO_SQL_COLLECT_TOKEN"],
    )
    os.kill(service.pid, signal.SIGKILL)
    while successor.health() is not None:
        time.sleep(0.05)
    opa.clients.rows(f"CREATE TABLE {schema}.alone (a bigint)")
    assert not list(store.search(opa.settings, store.Filter(table=f"{schema}.alone")))
    successor.start()
    successors.append(successor)
    assert [row["action"] for row in told(opa, f"{schema}.alone", 1)] == ["create table"]
