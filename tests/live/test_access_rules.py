"""Trino 476 with the rules file: what it holds back, and what it does not (trino#22874)."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from phlo_sql import config, stack
from phlo_sql.access import publish, verify
from phlo_sql.access.grants import Grant, Principal, role_of
from phlo_sql.access.resource import parse_resource
from phlo_sql.model.names import TableName
from phlo_sql.observe import trino
from phlo_sql.stack.clients import Clients
from tests.live.access_stack import DENIED, Guarded, skipping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.xdist_group("rules")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    asked: Guarded
    path: Path
    schema: str

    def publish(self, *grants: Grant) -> tuple[str, ...]:
        everybody = (grant("phlo", "admin", "*"), *grants)
        return publish.to_file(self.asked.settings, everybody, "", str(self.path))

    def error(self, user: str, sql: str) -> str | None:
        return self.asked.ask(user, sql)[0]


def grant(user: str, role: str, resource: str) -> Grant:
    return Grant(
        principal=Principal(kind="user", name=user),
        role=role_of(role),
        resource=parse_resource(resource),
    )


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    folder = tmp_path_factory.mktemp("rules")
    rules = folder / "rules.json"
    control = folder / "access-control.properties"
    control.write_text(
        f"access-control.name=file\nsecurity.config-file={rules}\nsecurity.refresh-period=1s\n"
    )
    settings = config.load(environ={}, cwd=folder)
    publish.to_file(settings, [grant("phlo", "admin", "*")], "", str(rules))
    request = stack.StackRequest(
        name="tests-rules",
        trino=476,
        directory=folder / "stack",
        trino_settings={"access-control.config-files": str(control)},
    )
    try:
        with skipping():
            env = stack.up(request).env
        asked = Guarded(clients=Clients(env=env), settings=config.load(environ=env, cwd=folder))
        schema = f"r{uuid.uuid4().hex[:10]}"
        asked.clients.rows(f"CREATE SCHEMA iceberg.{schema}")
        for name in ("t", "orders"):
            asked.clients.rows(f"CREATE TABLE iceberg.{schema}.{name} AS SELECT 1 AS one")
        yield Ruled(asked=asked, path=rules, schema=schema)
    finally:
        stack.down(request, purge=True)


def wait_for(ruled: Ruled, user: str) -> float:
    begun = time.monotonic()
    while ruled.error(user, "SELECT 1") is not None:
        assert time.monotonic() - begun < 5
        time.sleep(0.1)
    return time.monotonic() - begun


def test_roles_hold_for_rows_and_definitions(ruled: Ruled) -> None:
    s = f"iceberg.{ruled.schema}"
    ruled.publish(
        grant("ann@x y", "read", s),
        grant("bob", "write", s),
        grant("cas", "admin", s),
        grant("dan", "read", f"{s}.ord*"),
    )
    assert wait_for(ruled, "dan") < 5
    asked = {
        "SELECT one FROM {s}.orders": ("ann@x y", "bob", "cas", "dan"),
        'SELECT * FROM {s}."orders$snapshots"': ("ann@x y", "bob", "cas", "dan"),
        "SELECT one FROM {s}.t": ("ann@x y", "bob", "cas"),
        "INSERT INTO {s}.t VALUES 2": ("bob", "cas"),
        "DELETE FROM {s}.t WHERE one = 2": ("bob", "cas"),
        "UPDATE {s}.t SET one = 3 WHERE one = 9": ("bob", "cas"),
        "CREATE TABLE {s}.made_{n} (x integer)": ("cas",),
        "ALTER TABLE {s}.t SET PROPERTIES format_version = 2": ("cas",),
        "SET SESSION iceberg.target_max_file_size = '64MB'": ("bob", "cas"),
        "SET SESSION iceberg.expire_snapshots_min_retention = '1s'": ("cas",),
        "CALL iceberg.system.unregister_table('x', 'y')": (),
        "CREATE SCHEMA iceberg.elsewhere": (),
        "SET SESSION AUTHORIZATION somebody": (),
    }
    wrong = [
        f"{user}: {sql}"
        for sql, allowed in asked.items()
        for n, user in enumerate(("ann@x y", "bob", "cas", "dan", "nobody"))
        if (ruled.error(user, sql.format(s=s, n=n)) != DENIED) is not (user in allowed)
    ]
    assert not wrong
    assert ruled.asked.ask("dan", f"SHOW TABLES FROM {s}") == (None, [("orders",)])


def test_trino_476_rules_let_a_reader_remove_orphan_files(ruled: Ruled) -> None:
    """The limit that the warning of each publish is about."""
    s = f"iceberg.{ruled.schema}"
    (warning,) = ruled.publish(grant("eve", "read", f"{s}.t"))
    assert f"user eve on {s}.t can run optimize" in warning
    assert "user phlo" not in warning
    wait_for(ruled, "eve")
    for procedure in ("optimize", "expire_snapshots", "remove_orphan_files"):
        assert ruled.error("eve", f"ALTER TABLE {s}.t EXECUTE {procedure}") is None
    # but not on a table that she may not read
    assert ruled.error("eve", f"ALTER TABLE {s}.orders EXECUTE remove_orphan_files") == DENIED


def test_verify_tells_it(ruled: Ruled) -> None:
    s = f"iceberg.{ruled.schema}"
    eve = grant("eve", "read", f"{s}.t")
    ruled.publish(eve)
    wait_for(ruled, "eve")
    settings = ruled.asked.settings
    with trino.connect(settings) as session:
        probes = verify.verify(
            settings,
            [eve],
            session,
            lambda user: trino.connect(settings, acting_as=user),
            users=["eve"],
            tables=[TableName(catalog="iceberg", schema=ruled.schema, name="t")],
        )
    assert {probe.action for probe in probes if not probe.agrees} == {
        "optimize",
        "expire_snapshots",
    }
