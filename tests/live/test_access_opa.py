"""Trino 476 behind OPA: each role, each operation, allowed or denied as docs/access-matrix.md says.

That page is made from these answers: `pytest tests/live/test_access_opa.py --update`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import postgres
from phlo_sql.access import bundle, guard, publish, store, verify
from phlo_sql.access.decide import Identity
from phlo_sql.model.names import TableName
from phlo_sql.observe import trino
from tests.live.access_operations import OPERATIONS, WHO, Operation
from tests.live.access_stack import DENIED, Guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("opa")]
PAGE = Path(__file__).parents[2] / "docs" / "access-matrix.md"
# The stack's own catalog, on JDBC, has no materialized views; one on files has.
VIEWS = (
    'CREATE CATALOG {schema}_views USING iceberg WITH ("iceberg.catalog.type" ='
    " 'TESTING_FILE_METASTORE', \"hive.metastore.catalog.dir\" = 'local://{folder}',"
    " \"fs.native-local.enabled\" = 'true', \"local.location\" = '/')"
)
MARK = "<!-- made by tests/live/test_access_opa.py -->"
HEADS = ("nobody", "read", "write", "admin of the schema", "admin of the catalog", "admin of all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Users, one for each role, on a schema of the test's own."""

    guarded: Guarded
    schema: str
    words: dict[str, str]

    def user(self, who: str) -> str:
        return "phlo" if who == "all" else f"{who} {self.schema}@example.org"

    def run(self, sql: str) -> list[tuple[object, ...]]:
        return self.guarded.clients.rows(sql)

    def ask(self, who: str, sql: str) -> str | None:
        return self.guarded.ask(self.user(who), sql)[0]


@pytest.fixture(scope="module")
def lab(opa: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    schema = f"a{uuid.uuid4().hex[:10]}"
    s, other = f"iceberg.{schema}", f"iceberg.{schema}_other"
    made = Lab(guarded=opa, schema=schema, words={})
    for sql in (
        f"CREATE SCHEMA {s}",
        f"CREATE SCHEMA {other}",
        f"CREATE TABLE {s}.t AS SELECT * FROM tpch.tiny.nation",
        f"INSERT INTO {s}.t SELECT * FROM tpch.tiny.nation WHERE nationkey < 3",
        f"CREATE TABLE {other}.t AS SELECT 1 AS one",
        f"CREATE VIEW {s}.v AS SELECT * FROM {s}.t",
        f"CREATE CATALOG {schema}_dev USING tpch",
        VIEWS.format(schema=schema, folder=tmp_path_factory.mktemp("views")),
        f"CREATE SCHEMA {schema}_views.s",
        f"CREATE MATERIALIZED VIEW {schema}_views.s.mv AS SELECT 1 AS one",
    ):
        made.run(sql)
    snapshots = made.run(f'SELECT snapshot_id FROM {s}."t$snapshots" ORDER BY committed_at')
    made.words.update(
        s=s,
        t=f"{s}.t",
        v=f"{s}.v",
        other=f"{other}.t",
        schema=schema,
        views=f"{schema}_views.s",
        branch=f"{schema}_dev.tiny.nation",
        snapshot=str(snapshots[0][0]),
        snapshot2=str(snapshots[-1][0]),
    )
    opa.grant(made.user("read"), "read", s)
    opa.grant(made.user("write"), "write", s)
    opa.grant(made.user("schema"), "admin", s)
    opa.grant(made.user("catalog"), "admin", "iceberg")
    for who, role in (("read", "read"), ("write", "write"), ("schema", "admin")):
        opa.grant(made.user(who), role, f"{schema}_views.s")
    opa.grant(made.user("catalog"), "admin", f"{schema}_views")
    opa.publish()
    wait_for(opa, made.user("read"))
    yield made
    for sql in (
        f"DROP SCHEMA IF EXISTS {s} CASCADE",
        f"DROP SCHEMA IF EXISTS {other} CASCADE",
        *(f"DROP SCHEMA IF EXISTS {s}_{who}" for who in WHO),
        f"DROP MATERIALIZED VIEW {schema}_views.s.mv",
        f"DROP CATALOG {schema}_dev",
        f"DROP CATALOG {schema}_views",
        *(f"DROP CATALOG IF EXISTS {word}_{schema}_{who}" for who in WHO for word in _MADE),
    ):
        with suppress(Exception):
            made.run(sql)


_MADE = ("made", "drop")


def wait_for(opa: Guarded, user: str, *, allowed: bool = True) -> float:
    """Seconds until the server lets this user in (or no more); at most five."""
    begun = time.monotonic()
    while (opa.ask(user, "SELECT 1")[0] is None) is not allowed:
        assert time.monotonic() - begun < 5
        time.sleep(0.05)
    return time.monotonic() - begun


def answer(lab: Lab, number: int, operation: Operation, who: str) -> bool:
    own = f"{lab.words['s']}.o{number}_{who}"
    words = {**lab.words, "o": own, "who": who}
    with Victim(lab) if "{query}" in operation.sql else nullcontext() as victim:
        if victim is not None:
            words["query"] = victim.query
        for sql in operation.before:
            with suppress(Exception):  # the catalog may have no views: then that is what is told
                lab.run(sql.format(**words))
        error, rows = lab.guarded.ask(lab.user(who), operation.sql.format(**words))
    if error == DENIED:
        return False
    if operation.rows:
        return operation.rows.format(**words) in {row[0] for row in rows}
    return True


class Victim:
    """A query of somebody else: it waits for a client that fetches no more, until it is killed."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.query = ""

    def __enter__(self) -> Victim:
        from trino.dbapi import connect

        env = self.lab.guarded.clients.env
        self.connection = connect(
            host=env["TRINO_HOST"], port=int(env["TRINO_PORT"]), user=self.lab.user("all")
        )
        self.cursor = self.connection.cursor()
        self.cursor.execute("SELECT * FROM tpch.sf1.lineitem")
        self.query = str(self.cursor.query_id)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self.cursor.cancel()
        self.connection.close()


def test_every_role_and_operation(lab: Lab, request: pytest.FixtureRequest) -> None:
    asked = [(n, operation, who) for n, operation in enumerate(OPERATIONS) for who in WHO]
    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(lambda each: answer(lab, *each), asked))
    found = {
        (operation.name, who): allowed
        for (_, operation, who), allowed in zip(asked, answers, strict=True)
    }
    wrong = [
        f"{operation.name} as {who}: {'allowed' if found[operation.name, who] else 'denied'}"
        for operation in OPERATIONS
        for who in WHO
        if found[operation.name, who] is not expected(operation, who)
    ]
    assert not wrong
    page = table_of(found)
    if request.config.getoption("--update"):
        head = PAGE.read_text("utf-8").partition(MARK)[0]
        PAGE.write_text(f"{head}{MARK}\n\n{page}", "utf-8")
    assert PAGE.read_text("utf-8").partition(MARK)[2].strip() == page.strip()


def expected(operation: Operation, who: str) -> bool:
    return bool(operation.allowed) and WHO.index(who) >= WHO.index(operation.allowed)


def table_of(found: dict[tuple[str, str], bool]) -> str:
    lines = [f"| | {' | '.join(HEADS)} |", f"|---|{'---|' * len(HEADS)}"]
    group = ""
    for operation in OPERATIONS:
        if operation.group != group:
            group = operation.group
            lines.append(f"| **{group}** |{' |' * len(HEADS)}")
        cells = ("yes" if found[operation.name, who] else "-" for who in WHO)
        lines.append(f"| {operation.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_a_change_reaches_trino_within_five_seconds(lab: Lab) -> None:
    user = f"late {lab.schema}"
    grant = replace(
        lab.guarded.made[0],
        principal=replace(lab.guarded.made[0].principal, name=user),
    )
    settings = lab.guarded.settings
    store.run(store.granting(grant, "test", settings), settings)
    lab.guarded.publish()
    assert wait_for(lab.guarded, user) < 5
    store.run(store.revoking(grant, "test", settings), settings)
    lab.guarded.publish()
    assert wait_for(lab.guarded, user, allowed=False) < 5


def test_patterns_groups_and_branches(lab: Lab) -> None:
    opa, schema = lab.guarded, lab.schema
    lab.run(f"CREATE TABLE {lab.words['s']}.orders AS SELECT 1 AS one")
    patty, dev = f"patty {schema}", f"dev {schema}"
    opa.grant(patty, "read", f"iceberg.{schema}.ord*")
    opa.grant(dev, "read", f"{schema}.tiny@dev")
    opa.publish()
    wait_for(opa, dev)
    assert opa.ask(patty, f"SHOW TABLES FROM {lab.words['s']}") == (None, [("orders",)])
    assert opa.ask(patty, f"SELECT one FROM {lab.words['s']}.orders") == (None, [(1,)])
    assert opa.ask(patty, f"SELECT 1 FROM {lab.words['t']}")[0] == DENIED
    assert opa.ask(dev, f"SELECT count(*) FROM {lab.words['branch']}") == (None, [(25,)])
    assert opa.ask(dev, f"SELECT count(*) FROM {schema}_dev.sf1.nation")[0] == DENIED
    columns = (
        "SELECT DISTINCT table_name FROM iceberg.information_schema.columns"
        f" WHERE table_schema = '{schema}'"
    )
    assert opa.ask(patty, columns) == (None, [("orders",)])


def test_members_of_a_group(lab: Lab) -> None:
    opa, user, group = lab.guarded, f"gina {lab.schema}", f"readers of {lab.schema}"
    file = Path(opa.settings.access_opa_bundle.value).parents[2] / "trino" / "groups.txt"
    before = file.read_text()
    file.write_text(f"{before}{group}:{user}\n")
    try:
        opa.grant(group, "read", f"iceberg.{lab.schema}", kind="group")
        opa.publish()
        wait_for(opa, user)
        assert opa.ask(user, f"SELECT count(*) FROM {lab.words['t']}")[0] is None
        assert opa.ask(user, f"DELETE FROM {lab.words['t']}")[0] == DENIED
        assert opa.ask(group, "SELECT 1")[0] == DENIED
        with trino.connect(opa.settings, acting_as=user) as session:
            assert guard.identity_of(session) == Identity(user=user, groups=(group,))
    finally:
        file.write_text(before)


def test_a_grant_ends_by_itself(lab: Lab) -> None:
    opa, user = lab.guarded, f"tim {lab.schema}"
    until = datetime.now(UTC) + timedelta(seconds=4)
    opa.grant(user, "read", f"iceberg.{lab.schema}", until=until)
    opa.publish()
    wait_for(opa, user)
    while datetime.now(UTC) < until:
        time.sleep(0.1)
    assert opa.ask(user, "SELECT 1")[0] == DENIED


def test_commands_of_phlo_sql_behind_opa(lab: Lab, tmp_path: Path) -> None:
    """What they ask of the server is within the role that they themselves need."""
    words = ["table", "optimize", f"iceberg.{lab.schema}.t"]
    for who, more, code in (
        ("nobody", "--dry-run", 3),
        ("read", "--dry-run", 0),
        ("read", "--yes", 3),
        ("write", "--yes", 0),
    ):
        done = subprocess.run(
            [sys.executable, "-c", "from phlo_sql.cli import main; main()", *words, more],
            env={
                **os.environ,
                **lab.guarded.clients.env,
                "TRINO_USER": lab.user(who),
                "XDG_STATE_HOME": str(tmp_path),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (who, more, done.stderr)
        assert ("not planned by the server" in done.stderr) is (who == "read")


def test_a_missing_or_wrong_policy_denies_everybody(lab: Lab) -> None:
    opa = lab.guarded
    path = Path(opa.settings.access_opa_bundle.value)
    path = path / publish.BUNDLE_NAME if path.is_dir() else path
    good = path.read_bytes()
    empty = bundle.build([], "empty", opa.settings)
    broken = replace(empty, files={**empty.files, "data.json": b'{"phlo_sql": {"access": 7}}'})
    bare = replace(empty, files={**empty.files, "policy.rego": b"package trino\n"})
    try:
        for wrong in (empty, broken, bare):
            publish.write_whole(path, wrong.archive())
            deadline = time.monotonic() + 5
            while opa.ask("phlo", "SELECT 1")[0] is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        publish.write_whole(path, good)
    wait_for(opa, "phlo")


def test_verify_agrees_and_finds_what_was_not_published(lab: Lab) -> None:
    settings = lab.guarded.settings

    def probes() -> tuple[verify.Probe, ...]:
        with trino.connect(settings) as session:
            return verify.verify(
                settings,
                store.read(settings)[0],
                session,
                lambda user: trino.connect(settings, acting_as=user),
                users=[lab.user("read"), lab.user("write"), "nobody"],
                tables=[TableName(catalog="iceberg", schema=lab.schema, name="t")],
            )

    first = probes()
    assert len(first) == 12
    assert [probe.line for probe in first if probe.policy != probe.server] == []
    hidden = replace(lab.guarded.made[1], resource=lab.guarded.made[0].resource)
    store.run(store.revoking(hidden, "test", settings), settings)
    try:
        drift = [probe for probe in probes() if not probe.agrees]
        assert {probe.user for probe in drift} == {lab.user("write")}
        assert {probe.policy for probe in drift} == {"denied"}
    finally:
        store.run(store.granting(hidden, "test", settings), settings)
        postgres.close()
