"""Policies in a real PostgreSQL, changed by the command line, asked by phlo-sql's own commands."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from phlo_sql import postgres
from phlo_sql.access import store
from phlo_sql.access.grants import Grant, Principal, Role
from phlo_sql.access.resource import parse_resource
from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from phlo_sql.errors import PhloSqlError
from tests.live.access_desk import ADMIN, Desk, Door, at_once

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.live


@pytest.fixture
def ready(desk: Desk) -> Desk:
    desk.init()
    return desk


def test_init_twice_and_from_two_places_at_once(desk: Desk) -> None:
    desk("doctor")  # sets the environment
    settings = desk.settings
    made = at_once(*[lambda: postgres.migrate(settings)] * 4)
    assert sorted(len(each) for each in made if isinstance(each, tuple))[:3] == [0, 0, 0]
    assert postgres.migrate(settings) == ()
    code, document = desk("access", "init", "--admin", ADMIN)
    assert (code, document["status"], document["data"]["admin"]) == (0, "success", ADMIN)
    assert desk("access", "init", "--admin", ADMIN)[1]["status"] == "noop"
    code, document = desk("access", "init", "--admin", "mallory")
    assert (code, document["reason_code"]) == (3, "access_denied")


def test_nothing_is_enforced_before_init(desk: Desk) -> None:
    code, document = desk("access", "list")
    assert (code, document["reason_code"]) == (1, "no_policies")
    assert desk("access", "grant", "--user", "b", "--role", "read", "iceberg")[0] == 1


def test_grant_list_explain_and_revoke(ready: Desk) -> None:
    said = ["access", "grant", "--user", "bob 50%_@x", "--role", "read", 'iceberg."my schema"']
    assert ready(*said, "--dry-run")[1]["status"] == "planned"
    assert len(ready("access", "list")[1]["data"]["grants"]) == 1
    assert ready(*said, "--until", "30d", "--reason", "it's 100% needed")[0] == 0
    assert ready(*said, "--until", "2999-12-31")[1]["data"]["changed"][0]["to"]["reason"] is None
    assert ready(*said, "--until", "2999-12-31")[1]["status"] == "noop"
    (found,) = ready("access", "list", "--user", "bob 50%_@x")[1]["data"]["grants"]
    assert (found["resource"], found["role"], found["granted_by"]) == (
        'iceberg."my schema"',
        "read",
        ADMIN,
    )
    asked = ["access", "explain", "--user", "bob 50%_@x", 'iceberg."my schema".t', "--action"]
    assert ready(*asked, "select")[1]["data"]["allowed"] is True
    (decision,) = ready(*asked, "insert")[1]["data"]["decisions"]
    assert decision["grant"]["id"] == found["id"]
    assert decision["who_can_grant"] == [f"user {ADMIN}"]
    assert ready(*asked, "fly")[0] == 2
    for pattern, count in (("iceberg", 2), ("iceberg.other", 1), ('iceberg."my schema".*', 2)):
        listed = ready("access", "list", "--resource", pattern)[1]["data"]["grants"]
        assert len(listed) == count, pattern
    code, document = ready("access", "revoke", "--user", "bob 50%_@x", "iceberg")
    assert (code, document["reason_code"]) == (1, "not_granted")
    assert ready("access", "revoke", "--user", "bob 50%_@x", 'iceberg."my schema"')[0] == 0
    assert len(ready("access", "list")[1]["data"]["grants"]) == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--user", "b", "--role", "owner", "iceberg"], "bad_policy"),
        (["--user", "b", "--role", "read", "a.b.c.d"], "bad_resource"),
        (["--user", "b", "--role", "read", ""], "bad_resource"),
        (["--user", "", "--role", "read", "a"], "bad_policy"),
        (["--role", "read", "a"], "invalid_arguments"),
        (["--user", "b", "--group", "c", "--role", "read", "a"], "invalid_arguments"),
        (["--user", "b", "--role", "read", "a", "--until", "1999-01-01"], "bad_policy"),
    ],
)
def test_what_cannot_be_granted(ready: Desk, words: list[str], reason: str) -> None:
    code, document = ready("access", "grant", *words)
    assert (code, document["reason_code"]) == (2, reason)


def test_odd_names_mean_themselves(ready: Desk) -> None:
    user = 'o\'x \\ 50%_"é"@example.org'
    for resource, same, other in (
        ('iceberg."it\'s 100%_"', 'iceberg."it\'s 100%_".t', 'iceberg."it\'s 100xx".t'),
        ('iceberg."a ""b""".t', 'iceberg."a ""b""".t', "iceberg.a.t"),
        ("iceberg.a_b", "iceberg.a_b.t", "iceberg.axb.t"),
        ('iceberg."a*"', 'iceberg."a*".t', "iceberg.ab.t"),
        ("iceberg.a*", "iceberg.ab.t", "iceberg.b.t"),
    ):
        assert ready("access", "grant", "--user", user, "--role", "read", resource)[0] == 0
        (found,) = ready("access", "list", "--user", user)[1]["data"]["grants"]
        assert (found["user"], found["resource"]) == (user, resource)
        for target, allowed in ((same, True), (other, False)):
            asked = ["access", "explain", "--user", user, "--action", "select", target]
            assert ready(*asked)[1]["data"]["allowed"] is allowed, target
        assert ready("access", "revoke", "--user", user, resource)[0] == 0
        revoked = ready("access", "revoke", "--user", user, resource)
        assert revoked[1]["reason_code"] == "not_granted"


def test_two_admins_lose_no_grant_of_each_other(ready: Desk) -> None:
    settings = ready.settings

    def granting(name: str) -> Callable[[], None]:
        def work() -> None:
            for number in range(10):
                grant = Grant(
                    principal=Principal(kind="user", name=name),
                    role=Role.READ,
                    resource=parse_resource(f"iceberg.s{number}"),
                )
                store.run(store.granting(grant, name, settings), settings)

        return work

    assert at_once(granting("b"), granting("c"), granting("b")) == [None, None, None]
    assert len(ready.resources()) == 21


def test_of_two_who_publish_at_once_none_is_forgotten(ready: Desk) -> None:
    """Six programs that each grant and publish; what was published last holds all of them."""
    rules = ready.folder / "rules.json"
    granting = [
        lambda number=number: ready.aside(
            "access",
            "grant",
            "--user",
            f"u{number}",
            "--role",
            "read",
            "iceberg",
            PHLO_SQL_ACCESS_RULES_FILE=str(rules),
        )
        for number in range(6)
    ]
    assert [each[0] for each in at_once(*granting)] == [0] * 6  # type: ignore[index]  # its pairs
    users = {rule.get("user") for rule in json.loads(rules.read_text())["tables"]}
    assert {f"u{number}" for number in range(6)} <= users


def test_the_last_admin_stays(ready: Desk) -> None:
    everything = parse_resource("*")
    code, document = ready("access", "revoke", "--user", ADMIN, "*")
    assert (code, document["reason_code"]) == (3, "last_admin")
    temporary = ["access", "grant", "--user", "bob", "--role", "admin", "*", "--until", "1d"]
    assert ready(*temporary)[0] == 0
    assert ready("access", "grant", "--group", "ops", "--role", "admin", "*")[0] == 0
    assert ready("access", "revoke", "--user", ADMIN, "*")[0] == 3
    code, document = ready(
        "access", "grant", "--user", ADMIN, "--role", "admin", "*", "--until", "1d"
    )
    assert (code, document["reason_code"]) == (3, "last_admin")
    assert ready("access", "grant", "--user", "bob", "--role", "admin", "*")[0] == 0
    settings = ready.settings

    def revoking(name: str) -> Callable[[], object]:
        grant = Grant(
            principal=Principal(kind="user", name=name), role=Role.ADMIN, resource=everything
        )
        return lambda: store.run(store.revoking(grant, "x", settings), settings)

    results = at_once(revoking(ADMIN), revoking("bob"))
    assert sum(isinstance(each, PhloSqlError) for each in results) == 1
    assert len({who for who, what in ready.resources() if what == "*" and "ops" not in who}) == 1


def test_who_is_no_admin_there_cannot_grant(ready: Desk) -> None:
    assert ready("access", "grant", "--user", "bob", "--role", "admin", "iceberg.sales")[0] == 0
    grant = ["access", "grant", "--user", "cas", "--role", "read"]
    assert ready(*grant, "iceberg.sales.orders", user="bob")[0] == 0
    code, document = ready(*grant, "iceberg.hr", user="bob")
    assert (code, document["reason_code"]) == (3, "access_denied")
    problem = document["errors"][0]
    for word in ("user bob", "grant", "iceberg.hr", "admin is needed", ADMIN):
        assert word in problem
    assert ready(*grant, "iceberg.sales@dev", user="bob")[0] == 3


def test_desired_state(ready: Desk) -> None:
    ready("access", "grant", "--user", "bob", "--role", "read", "iceberg.sales")
    ready("access", "grant", "--user", "cas", "--role", "read", "iceberg.sales")
    file = ready.folder / "policies.yaml"
    file.write_text(
        "grants:\n"
        f'- {{user: "{ADMIN}", role: admin, resource: "*", reason: first admin}}\n'
        "- {user: bob, role: read, resource: iceberg.sales, reason: because}\n"
        "- {group: ops, role: write, resource: iceberg.logs}\n"
    )
    code, document = ready("access", "apply", str(file), "--exit-code")
    data = document["data"]
    assert (code, document["reason_code"]) == (1, "drift")
    assert [len(data[name]) for name in ("missing", "surplus", "changed")] == [1, 1, 1]
    assert ready("access", "apply", str(file))[1]["reason_code"] == "confirmation_required"
    code, document = ready("access", "apply", str(file), "--yes")
    assert code == 0
    assert "--prune" in document["warnings"][0]
    assert ready("access", "apply", str(file), "--exit-code")[1]["data"]["surplus"]
    saved = ready.folder / "prune.sql"
    assert ready("access", "apply", str(file), "--prune", "--out", str(saved))[0] == 0
    assert ready("runbook", "apply", str(saved), "--yes", user="bob")[0] == 3
    assert ready("runbook", "apply", str(saved), "--yes")[0] == 0
    assert ready("access", "apply", str(file), "--exit-code")[0] == 0
    code, document = ready("runbook", "apply", str(saved), "--yes")
    assert (code, document["reason_code"]) == (3, "stale_plan")
    assert ready("runbook", "undo", str(saved), "--dry-run")[1]["status"] == "planned"
    assert ready("runbook", "undo", str(saved), "--yes", user="bob")[0] == 3
    assert ready("runbook", "undo", str(saved), "--yes")[0] == 0
    assert ("user cas", "iceberg.sales") in ready.resources()
    assert ready("access", "apply", str(file), "--prune", "--yes")[0] == 0
    exported = ready.folder / "exported.yaml"
    assert run(cli, ["access", "export"]) == 0
    exported.write_text(ready.capsys.readouterr().out)
    assert ready("access", "apply", str(exported), "--exit-code", "--prune")[0] == 0


def test_a_runbook_of_policies_does_nothing_else(ready: Desk) -> None:
    from phlo_sql import runbook

    saved = ready.folder / "grant.sql"
    ready("access", "grant", "--user", "b", "--role", "read", "iceberg.s", "--out", str(saved))
    text = saved.read_text()
    for old, new in (
        ("in_schema => 's'", "in_schema => '*'"),  # says iceberg.s, grants iceberg
        ('"grant_role"', '"other"'),
        (f'CALL "{ready.schema}"."grant_role"', 'CALL "public"."grant_role"'),
    ):
        assert old in text
        changed = text.replace(old, new)
        forged = changed.replace(runbook.digest(text), runbook.digest(changed))
        assert runbook.read(forged).text == forged
        saved.write_text(forged)
        code, document = ready("runbook", "apply", str(saved), "--yes")
        assert (code, document["reason_code"]) == (3, "runbook_invalid"), new
    assert len(ready.resources()) == 1


def test_a_newer_schema_is_left_alone(ready: Desk) -> None:
    with ready.stack.postgres(autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO {ready.schema}.migrations (number, name, digest, version)"
            " VALUES (999, 'later', 'x', '9.9')".encode()
        )
    for words in (
        ["list"],
        ["init"],
        ["audit-log"],
        ["grant", "--user", "b", "--role", "read", "iceberg"],
    ):
        code, document = ready("access", *words)
        assert (code, document["reason_code"]) == (3, "newer_schema")


def test_postgres_that_is_away_refuses(ready: Desk, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(ready.stack)}.t"
    ready.stack.rows(f"CREATE TABLE {table} AS SELECT 1 AS one")
    for words in (
        ["access", "list"],
        ["access", "grant", "--user", "b", "--role", "read", "iceberg"],
        ["table", "optimize", table, "--yes"],
    ):
        code, document = ready(*words, POSTGRES_PORT="1")
        assert (code, document["reason_code"]) == (1, "server_down"), words
        assert "PostgreSQL" in document["errors"][0]


def test_with_a_spool_the_last_policies_hold_while_postgres_is_away(
    ready: Desk, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(ready.stack)
    ready.stack.rows(f"CREATE TABLE {schema}.t AS SELECT 1 AS one")
    ready("access", "grant", "--user", "bob", "--role", "read", schema)
    dry = ["table", "optimize", f"{schema}.t", "--dry-run"]
    spool = {"PHLO_SQL_AUDIT_ON_FAILURE": "spool"}
    door = Door(ready.stack)
    with door.open():
        assert ready(*dry, user="bob", **door.environ, **spool)[0] == 0
    assert ready(*dry, user="bob", **door.environ)[1]["reason_code"] == "server_down"
    assert ready(*dry, user="bob", **door.environ, **spool)[0] == 0
    code, document = ready(*dry, user="eve", **door.environ, **spool)
    assert (code, document["reason_code"]) == (3, "access_denied")
    never = {**spool, "XDG_STATE_HOME": str(ready.folder / "elsewhere")}
    code, document = ready(*dry, user="bob", **door.environ, **never)
    assert (code, document["reason_code"]) == (1, "server_down")


def test_the_role_that_runs_phlo_sql(ready: Desk) -> None:
    role, password = f"{ready.schema}_app", uuid.uuid4().hex
    with ready.stack.postgres(autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
        try:
            assert ready("access", "init", "--database-role", role)[0] == 0
            login = {"POSTGRES_USER": role, "POSTGRES_PASSWORD": password}
            grant = ["access", "grant", "--user", "b", "--role", "read", "iceberg"]
            assert ready(*grant, **login)[0] == 0
            env = {**ready.stack.env, **login}
            with psycopg.connect(
                host=env["POSTGRES_HOST"],
                port=env["POSTGRES_PORT"],
                user=role,
                password=password,
                dbname=env["POSTGRES_DB"],
                autocommit=True,
            ) as app:
                for sql in (
                    f"DELETE FROM {ready.schema}.grants",
                    f"UPDATE {ready.schema}.grants SET role = 'admin'",
                    f"TRUNCATE {ready.schema}.grants",
                    f"DROP TABLE {ready.schema}.grants",
                    f"ALTER TABLE {ready.schema}.grants DISABLE TRIGGER ALL",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        app.execute(sql.encode())
        finally:
            with suppress(psycopg.Error):
                owner.execute(f"DROP OWNED BY {role}".encode())
            owner.execute(f"DROP ROLE {role}".encode())


def test_commands_ask_before_they_act(ready: Desk, make_schema: Callable[..., str]) -> None:
    schema = make_schema(ready.stack)
    table = f"{schema}.t"
    ready.stack.rows(f"CREATE TABLE {table} AS SELECT 1 AS one")
    ready.stack.rows(f"INSERT INTO {table} VALUES 2")
    optimize = ["table", "optimize", table]
    code, document = ready(*optimize, "--dry-run", user="bob")
    assert (code, document["reason_code"]) == (3, "access_denied")
    assert '"event": "refused"' in ready.journal()
    ready("access", "grant", "--user", "bob", "--role", "read", schema)
    saved = ready.folder / "optimize.sql"
    assert ready(*optimize, "--dry-run", user="bob")[0] == 0
    assert ready(*optimize, "--out", str(saved), user="bob")[0] == 0
    apply = ["runbook", "apply", str(saved), "--yes"]
    for words in ([*optimize, "--yes"], apply):
        code, document = ready.aside(*words, user="bob")
        assert (code, document["reason_code"]) == (3, "access_denied")
        for word in ("user bob", "optimize", table, "write is needed", ADMIN):
            assert word in document["errors"][0]
    assert ready.journal().count('"event": "refused"') == 3
    ready("access", "grant", "--user", "bob", "--role", "write", schema)
    assert ready.aside(*apply, user="bob")[0] == 0
