"""The audit trail in a real PostgreSQL: what gets into it, who can change it, what verify finds."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from phlo_sql.audit import store
from tests.live.access_desk import ADMIN, Desk, Door, at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.init()
    return desk


@pytest.fixture
def table(stack: Clients, make_schema: Callable[..., str]) -> str:
    name = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {name} AS SELECT 1 AS a, 'secret' AS b")
    stack.rows(f"INSERT INTO {name} VALUES (2, 'secret')")
    return name


def log(desk: Desk, *words: str) -> list[dict[str, Any]]:
    code, document = desk("access", "audit-log", *words)
    assert code == 0, document
    found: list[dict[str, Any]] = document["data"]["events"]
    return found


def event(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "happened_at": datetime.now(UTC).isoformat(),
        "source": "phlo-sql",
        "operation": f"o{number}",
        "event": "started",
        "user": "ann",
        "action": "optimize",
        "table": "iceberg.sales.orders",
        **facts,
    }


def owner(desk: Desk, statement: str) -> Any:
    with desk.stack.postgres(autocommit=True) as connection:
        connection.execute(f'SET search_path = "{desk.schema}_audit"'.encode())
        ran = connection.execute(statement.encode())
        return ran.fetchall() if ran.description else None


def test_every_operation_is_on_record_with_who_what_and_how_it_went(desk: Desk, table: str) -> None:
    assert desk("access", "grant", "--user", "bob", "--role", "read", table, "--yes")[0] == 0
    assert desk("table", "optimize", table, "--dry-run")[0] == 0
    assert desk("table", "optimize", table, "--yes")[0] == 0
    desk.stack.rows(f"INSERT INTO {table} VALUES (3, 'x')")
    assert desk("table", "optimize", table, "--yes", user="bob")[0] == 3
    assert desk("table", "optimize", table, "--dry-run", user="mallory")[0] == 3

    found = log(desk)
    told = [(each["user_name"], each["action"], each["event"]) for each in found]
    assert told[0] == (ADMIN, "grant", "granted")
    assert (ADMIN, "grant", "policies changed") in told
    assert (ADMIN, "optimize", "planned") in told
    for name in ("granted", "started", "step started", "step finished", "finished", "verified"):
        assert (ADMIN, "optimize", name) in told, name
    assert {each["table_name"] for each in found} == {table, f"{desk.schema}.grants"}
    changed = next(each for each in found if each["event"] == "policies changed")
    assert "bob" in changed["details"]["changes"][0]
    denied = log(desk, "--denied")
    assert [(each["user_name"], each["event"]) for each in denied] == [
        ("bob", "refused"),
        ("mallory", "refused"),
    ]
    assert all(table in str(each["error"]) for each in denied)
    assert {each["user_name"] for each in log(desk, "--user", "bob")} == {"bob"}
    assert log(desk, "--table", f"{table.rsplit('.', 1)[0]}.*") == log(desk, "--table", table)
    assert {each["table_name"] for each in log(desk, "--table", table)} == {table}
    assert log(desk, "--table", "iceberg.nothing") == []
    assert log(desk, "--start-time", "1h ago", "--end-time", "now") == found
    assert log(desk, "--end-time", "1h ago") == []
    assert log(desk, "--action", "GRANT") == [e for e in found if e["action"] == "grant"]
    assert log(desk, "--limit", "1") == found[-1:]
    code, document = desk("access", "audit-log", "--verify")
    assert (code, document["data"]["rows"]) == (0, len(found))


KILLED = """
import os, signal
from phlo_sql.execute.steps import Run
Run._sent = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from phlo_sql.cli import main
main()
"""


def test_a_run_that_was_killed_is_on_record_without_its_end(desk: Desk, table: str) -> None:
    """Killed where its statement is sent; the next command hands over what it left on disk."""
    words = ["table", "optimize", table, "--yes"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *words],
        env={**os.environ, **desk.environ, "TRINO_USER": ADMIN},
        cwd=desk.folder,
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    told = [each["event"] for each in log(desk, "--table", table)]
    assert "step started" in told
    assert not {"step finished", "step failed", "finished"} & set(told)


def test_no_value_of_a_query_is_kept_unless_the_settings_say_so(desk: Desk, table: str) -> None:
    where = ["table", "optimize", table, "--where", "b = 'secret'"]
    desk(*where, "--yes")
    desk("table", "optimize", table, "--rewrite-all", "--yes")
    started = [each for each in log(desk) if each["event"] == "step started"]
    assert started
    assert "file_size_threshold" in str(started) or "OPTIMIZE" in str(started).upper()
    assert "secret" not in str(log(desk))
    assert all("'" not in each["details"]["sql"] for each in started)
    stack = desk.stack
    stack.rows(f"INSERT INTO {table} VALUES (3, 'x')")
    ran = desk("table", "optimize", table, "--yes", PHLO_SQL_AUDIT_QUERY_TEXT="full")
    assert ran[0] == 0, ran
    started = [each for each in log(desk) if each["event"] == "step started"]
    assert any("=> '" in each["details"]["sql"] for each in started)


def test_csv_and_people_read_it_too(desk: Desk) -> None:
    store.append(desk.settings, [event(1, error='a "b", c', user="o'x")])
    assert desk("doctor")[0] in (0, 1)  # sets the environment
    desk.capsys.readouterr()
    from phlo_sql.cli import cli
    from phlo_sql.cli.run import run

    assert run(cli, ["access", "audit-log", "--csv"]) == 0
    [row] = csv.DictReader(io.StringIO(desk.capsys.readouterr().out))
    assert (row["user_name"], row["error"]) == ("o'x", 'a "b", c')
    assert json.loads(row["details"]) == {}
    assert run(cli, ["access", "audit-log"]) == 0
    assert "o'x" in desk.capsys.readouterr().out


def test_nobody_changes_it(desk: Desk) -> None:
    store.append(desk.settings, [event(1), event(2)])
    for statement in (
        "UPDATE event SET user_name = 'bob'",
        "DELETE FROM event",
        "TRUNCATE event",
        "TRUNCATE anchor",
    ):
        with pytest.raises(psycopg.Error, match="not changed"):
            owner(desk, statement)
    assert len(log(desk)) == 2


def test_the_role_that_runs_phlo_sql_appends_only(desk: Desk) -> None:
    role = f"r{uuid.uuid4().hex[:12]}"
    with desk.stack.postgres(autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'p'".encode())
    try:
        assert desk("access", "init", "--database-role", role)[0] == 0
        app = {"POSTGRES_USER": role, "POSTGRES_PASSWORD": "p"}
        store.append(desk.settings, [event(1)])
        code, document = desk("access", "audit-log", **app)
        assert (code, len(document["data"]["events"])) == (0, 1), document
        audit = f'"{desk.schema}_audit"'
        with desk.stack.postgres(autocommit=True) as connection:
            connection.execute(f"SET SESSION AUTHORIZATION {role}".encode())
            given = json.dumps([event(2)])
            connection.execute(f"SELECT {audit}.append(%s)".encode(), [given])
            for statement in (
                f"INSERT INTO {audit}.event SELECT * FROM {audit}.event",
                f"UPDATE {audit}.event SET user_name = 'x'",
                f"DELETE FROM {audit}.event",
                f"TRUNCATE {audit}.event",
                f"UPDATE {audit}.head SET sequence = 0",
                f"SELECT {audit}.prune(now())",
                f"ALTER TABLE {audit}.event DISABLE TRIGGER ALL",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.encode())
        assert desk("access", "audit-log", "--verify")[0] == 0
    finally:
        with desk.stack.postgres(autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize(
    ("tampered", "finding", "row"),
    [
        ("UPDATE event SET user_name = 'bob' WHERE sequence = 3", "altered", 3),
        ("DELETE FROM event WHERE sequence = 3", "missing: 1 row", 4),
        ("DELETE FROM event WHERE sequence = 5", "missing: the newest", 5),
        ("DELETE FROM event WHERE sequence = 1", "missing: 1 row", 2),
        (
            (
                "INSERT INTO event SELECT (jsonb_populate_record(e, '{\"sequence\": 6}')).*"
                " FROM event e WHERE sequence = 5"
            ),
            "altered",
            6,
        ),
    ],
)
def test_verify_names_the_row(desk: Desk, tampered: str, finding: str, row: int) -> None:
    store.append(desk.settings, [event(number) for number in range(5)])
    assert desk("access", "audit-log", "--verify")[0] == 0
    owner(desk, "ALTER TABLE event DISABLE TRIGGER USER")
    for [partition] in owner(
        desk, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event'::regclass"
    ):
        owner(desk, f"ALTER TABLE {partition} DISABLE TRIGGER USER")
    owner(desk, tampered)
    code, document = desk("access", "audit-log", "--verify")
    assert (code, document["reason_code"]) == (1, "audit_broken")
    found = (
        document["data"]["error"]["findings"]
        if "findings" not in document["data"]
        else (document["data"]["findings"])
    )
    assert found[0]["sequence"] == row
    assert finding in found[0]["finding"]
    refused = desk("access", "audit-log", "--prune", "--older-than", "0s", "--yes")
    assert refused[1]["reason_code"] == "audit_broken"


def test_prune_leaves_an_anchor_and_what_follows_it_still_holds(desk: Desk) -> None:
    settings = desk.settings
    store.append(settings, [event(number) for number in range(5)])
    prune = ["access", "audit-log", "--prune", "--older-than"]
    assert desk(*prune, "1h", "--yes")[1]["reason_code"] == "no_changes"
    assert desk(*prune, "0s")[1]["reason_code"] == "confirmation_required"
    assert desk(*prune, "0s", "--yes")[1]["data"]["pruned"] == 5
    assert log(desk) == []
    assert desk("access", "audit-log", "--verify")[0] == 0
    assert store.append(settings, [event(7), event(8)]) == 2
    code, document = desk("access", "audit-log", "--verify")
    assert (code, document["data"]["rows"], document["data"]["first"]) == (0, 2, 6)
    assert owner(desk, "SELECT sequence, pruned_rows FROM anchor") == [(5, 5)]


def test_twice_is_once_and_many_at_once_make_one_chain(desk: Desk) -> None:
    desk("doctor")
    settings = desk.settings
    batches = [[event(10 * number + each) for each in range(10)] for number in range(8)]
    done = at_once(*[lambda b=batch: store.append(settings, b) for batch in batches])
    assert done == [10] * 8
    assert store.append(settings, batches[0]) == 0
    assert store.verify(settings).rows == 80
    assert store.verify(settings).findings == ()


def test_while_postgresql_is_away_a_spool_keeps_it_and_delivers_it_once(
    desk: Desk, table: str
) -> None:
    spool = {"PHLO_SQL_AUDIT_ON_FAILURE": "spool"}
    door = Door(desk.stack)
    with door.open():
        remembered = desk("table", "optimize", table, "--dry-run", **door.environ, **spool)
        assert remembered[0] == 0, remembered
    before = len(log(desk))
    code, document = desk("table", "optimize", table, "--yes", **door.environ, **spool)
    assert code == 0, document
    refused = desk("table", "optimize", table, "--yes", **door.environ)
    assert refused[1]["reason_code"] == "server_down"
    with door.open():
        through = desk("access", "audit-log", **door.environ, **spool)
        assert through[0] == 0, through
        found = through[1]["data"]["events"]
        assert [each["event"] for each in found[before:]].count("finished") == 1
        assert desk("access", "audit-log", **door.environ)[1]["data"]["events"] == found


def sql_blocks() -> list[str]:
    text = (Path(__file__).parents[2] / "docs" / "guides" / "access.md").read_text("utf-8")
    return [block.partition("```")[0].strip().rstrip(";") for block in text.split("```sql\n")[1:]]


def connect_trino(trino: Clients, desk: Desk, catalog: str, role: str) -> None:
    env = desk.stack.env
    place = f"{env['POSTGRES_HOST']}:{env['POSTGRES_PORT']}/{env['POSTGRES_DB']}"
    trino.rows(
        f'CREATE CATALOG {catalog} USING postgresql WITH ("connection-url" ='
        f" 'jdbc:postgresql://{place}', \"connection-user\" = '{role}',"
        " \"connection-password\" = 'change me')"
    )


def test_what_the_guide_asks_in_sql_is_answered_by_postgresql_and_by_trino(
    desk: Desk, stack_476: Clients
) -> None:
    """Trino 476 reads both views through its PostgreSQL connector."""
    desk("access", "grant", "--user", "cas", "--role", "admin", "iceberg.hr", "--yes")
    denied = {"denied": True, "event": "refused", "user": "bob"}
    read = {"source": "trino", "table": "iceberg.hr.salaries", "details": {"client": "10.0.0.7"}}
    rows = [event(1, **denied), event(2, rows=40, **read), event(3, rows=2, **read)]
    store.append(desk.settings, rows)
    catalog, role = f"policies_{desk.schema}", f"auditor_{desk.schema}"
    own = {
        r"\baudit\b(?=\.events|, access)": f'"{desk.schema}_audit"',
        r"\baccess\b(?=\.effective_grants| TO)": f'"{desk.schema}"',
        r"\bpolicies\.": f"{catalog}.",
        r"\bauditor\b": role,
    }
    answers = []
    with desk.stack.postgres(autocommit=True) as connection:
        try:
            for block in sql_blocks():
                text = block
                for named, ours in own.items():
                    text = re.sub(named, ours, text)
                if catalog in text:
                    answers.append(stack_476.rows(text))
                    continue
                ran = connection.execute(text.encode())
                if ran.description:
                    answers.append(ran.fetchall())
                else:
                    connect_trino(stack_476, desk, catalog, role)
        finally:
            stack_476.rows(f"DROP CATALOG IF EXISTS {catalog}")
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())
    of_bob, refused, refusals, idle, clients = answers
    assert of_bob == []
    assert [row[1:5] for row in refused] == [("bob", "optimize", "iceberg.sales.orders", "refused")]
    assert [row[:2] for row in refusals] == [("bob", 1)]
    assert idle == [("cas", "iceberg.hr", None)]
    assert clients == [("10.0.0.7", 42)]


def test_questions_are_answered_by_an_index(desk: Desk) -> None:
    fill = (
        "SELECT append((SELECT jsonb_agg(jsonb_build_object('id', n, 'happened_at',"
        " timestamptz '2026-01-01' + n * interval '5 minutes', 'source', 'trino', 'operation', n,"
        " 'event', 'finished', 'action', 'select', 'user', 'u' || n % 100,"
        " 'table', 't' || n % 100)) FROM generate_series(1, 10000) AS n))"
    )
    assert owner(desk, fill) == [(10000,)]
    owner(desk, "ANALYZE event")
    start = datetime(2026, 1, 2, tzinfo=UTC)
    for wanted, index in (
        (store.Filter(user="u7", start=start, limit=100), "user_name"),
        (store.Filter(table="t7", limit=100), "table_name"),
        (store.Filter(start=datetime(2026, 2, 1, tzinfo=UTC), limit=100), "happened_at_idx"),
        (store.Filter(denied=True, start=start, limit=100), "happened_at_idx1"),
    ):
        query, values = store.question(desk.settings, wanted)
        with desk.stack.postgres() as connection:
            plan = connection.execute(sql.SQL("EXPLAIN {}").format(query), values).fetchall()
        text = "\n".join(line for (line,) in plan)
        assert "Seq Scan" not in text, text
        assert index in text, text


def test_follow_goes_on_until_it_is_told_to_stop(desk: Desk) -> None:
    store.append(desk.settings, [event(1), event(2, user="bob")])
    words = ["access", "audit-log", "--follow", "--json", "--user", "ann"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from phlo_sql.cli import main; main()", *words],
        env={**os.environ, **desk.environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["operation"] == "o1"
    store.append(desk.settings, [event(3, user="bob"), event(4)])
    assert json.loads(process.stdout.readline())["operation"] == "o4"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == 0


def test_bad_input(desk: Desk) -> None:
    for words in (
        ("--start-time", "the day after"),
        ("--end-time", ""),
        ("--prune",),
        ("--older-than", "3d"),
        ("--limit", "-1"),
    ):
        assert desk("access", "audit-log", *words)[0] == 2, words
