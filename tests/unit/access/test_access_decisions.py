"""Precedence, and that OPA's data and the rules file say what the decision says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phlo_sql.access import rules_file
from phlo_sql.access.carried import command, lacking, read_command, rules_in_force
from phlo_sql.access.decide import Identity, decide, rules_of
from phlo_sql.access.document import parse_until, read_document, write_document
from phlo_sql.access.grants import Grant, Principal, Role, need_of, role_of
from phlo_sql.access.listing import effective
from phlo_sql.access.resource import Resource, parse_resource
from phlo_sql.config import Settings
from phlo_sql.errors import Code, PhloSqlError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAIN = Settings()


def grant(
    who: str, role: str, resource: str, *, number: int = 0, until: datetime | None = None
) -> Grant:
    kind, _, name = who.rpartition(":")
    return Grant(
        id=number,
        principal=Principal(kind="group" if kind == "group" else "user", name=name),
        role=role_of(role),
        resource=parse_resource(resource),
        until=until,
    )


GRANTS = (
    grant("root", "admin", "*", number=1),
    grant("ann", "read", "iceberg", number=2),
    grant("ann", "write", "iceberg.sales", number=3),
    grant("group:ops", "admin", "iceberg.sales.orders", number=4),
    grant("ann", "admin", "iceberg.sales.orders", number=5, until=NOW - timedelta(days=1)),
    grant("bob", "read", "iceberg.s*.ord*", number=6),
    grant("group:ops", "write", "iceberg.sales", number=7),
)


def asked(user: str, action: str, resource: str, *groups: str) -> tuple[bool, int, str]:
    found = decide(
        rules_of(GRANTS, PLAIN),
        Identity(user=user, groups=groups),
        need_of(action),
        parse_resource(resource),
        NOW,
    )
    return found.allowed, found.grant.id if found.grant else 0, found.why


@pytest.mark.parametrize(
    ("user", "action", "resource", "groups", "allowed", "deciding"),
    [
        ("ann", "select", "iceberg.sales.orders", (), True, 3),  # the narrowest that is enough
        ("ann", "select", "iceberg.hr.people", (), True, 2),
        ("ann", "insert", "iceberg.sales.orders", (), True, 3),
        ("ann", "insert", "iceberg.hr.people", (), False, 2),
        ("ann", "drop", "iceberg.sales.orders", (), False, 3),  # 5 has ended
        ("ann", "drop", "iceberg.sales.orders", ("ops",), True, 4),
        ("ann", "optimize", "iceberg.sales.items", ("ops",), True, 3),  # hers before her group's
        ("bob", "select", "iceberg.sales.orders", (), True, 6),
        ("bob", "select", "iceberg.sales.items", (), False, 0),
        ("bob", "select", "iceberg.hr.orders", (), False, 0),
        ("ops", "select", "iceberg.sales.orders", (), False, 0),  # a group is no user
        ("root", "grant", "anything.at.all", (), True, 1),
        ("eve", "select", "iceberg.sales.orders", (), False, 0),
    ],
)
def test_precedence(
    user: str, action: str, resource: str, groups: tuple[str, ...], *, allowed: bool, deciding: int
) -> None:
    assert asked(user, action, resource, *groups)[:2] == (allowed, deciding)


def test_why_names_what_is_lacking() -> None:
    assert asked("ann", "insert", "iceberg.hr.people")[2] == (
        "grant 2 gives only read on iceberg to user ann"
    )
    assert asked("eve", "select", "iceberg.hr.people")[2] == "no grant covers iceberg.hr.people"
    only = (GRANTS[4],)
    found = decide(rules_of(only, PLAIN), Identity(user="ann"), Role.READ, only[0].resource, NOW)
    assert "ended 2026-01-01T03:04:05+00:00" in found.why


def test_who_can_grant_the_nearest_first() -> None:
    found = decide(
        rules_of(GRANTS, PLAIN),
        Identity(user="eve"),
        Role.READ,
        parse_resource("iceberg.sales.orders"),
        NOW,
    )
    assert [str(each) for each in found.granters] == ["group ops", "user root"]


def test_effective_leaves_out_what_a_wider_grant_holds() -> None:
    mine = [each for each in GRANTS if each.principal.name == "ann"]
    mine.append(grant("ann", "read", "iceberg.sales.orders", number=9))
    assert [each.id for each in effective(mine, NOW, PLAIN)] == [2, 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", NOW + timedelta(days=7)),
        ("2026-03-01", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-01T12:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 12:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_until(text: str, expected: datetime) -> None:
    assert parse_until(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "2025-01-01", "2026-13-01", "99999999999d", "-1d"])
def test_until_that_cannot_be(text: str) -> None:
    with pytest.raises(PhloSqlError) as caught:
        parse_until(text, NOW)
    assert caught.value.code is Code.BAD_POLICY


def test_a_file_of_policies_reads_back() -> None:
    odd = grant("user:ann o'x@example.org: #1", "read", 'iceberg."a b".t*@dev', until=NOW)
    text = write_document([*GRANTS, odd])
    assert {each.key for each in read_document(text, "f")} == {each.key for each in (*GRANTS, odd)}
    assert write_document(read_document(text, "f")) == text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "grants"),
        ("grants: 7", "not a list"),
        ("grants: [7]", "grant 1"),
        ("users: []", "grants"),
        ("grants: [{user: a, role: read}]", "resource is missing"),
        ("grants: [{user: a, group: b, role: read, resource: x}]", "both"),
        ("grants: [{role: read, resource: x}]", "neither"),
        ("grants: [{user: a, role: owner, resource: x}]", "owner"),
        ("grants: [{user: a, role: read, resource: a.b.c.d}]", "4 parts"),
        ("grants: [{user: a, role: read, resource: x, if: y}]", "'if'"),
        ("grants: [{user: a, role: read, resource: x, until: soon}]", "soon"),
        ("grants: [{user: 7, role: read, resource: x}]", "quote it"),
        ("grants: [{user: '', role: read, resource: x}]", "not a name"),
        ("grants: &a [*a]", "grant 1"),
        ("grants: !!python/object/apply:os.system ['true']", "python"),
        (2 * "- {user: a, role: read, resource: x}\n", "grants"),
        ("grants:\n" + 2 * "- {user: a, role: read, resource: x}\n", "twice"),
    ],
)
def test_a_file_that_cannot_be(text: str, named: str) -> None:
    with pytest.raises(PhloSqlError) as caught:
        read_document(text, "policies.yaml")
    assert caught.value.code.exit_code == 2
    assert named in caught.value.problem


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x00"])
def test_names_that_nobody_has(name: str) -> None:
    with pytest.raises(PhloSqlError, match="not a name"):
        Principal(kind="user", name=name)


@pytest.mark.parametrize("name", ["ann@example.org", "ann o'x", "50%_", "Zoë", 'a"b'])
def test_names_that_somebody_has(name: str) -> None:
    assert Principal(kind="user", name=name).name == name


PATTERNS = st.sampled_from(["a", "b", "ab", "a*", "*b", "*", "a*b", "a\\*", "b$"])
RULES = st.builds(
    Grant,
    id=st.integers(1, 5),
    principal=st.builds(
        Principal, kind=st.sampled_from(["user", "group"]), name=st.sampled_from(["u", "v w"])
    ),
    role=st.sampled_from(Role),
    resource=st.builds(Resource, catalog=PATTERNS, schema=PATTERNS, table=PATTERNS),
    until=st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)]),
)
NAMES = st.sampled_from(["a", "b", "ab", "a*", "axb", "b$", "c"])


@settings(max_examples=300)
@given(st.lists(RULES, max_size=6), NAMES, NAMES, NAMES, st.sampled_from(["u", "v w", "x"]))
@example([grant("u", "read", "a.b.b")], "a", "b", "b$", "u")
def test_the_rules_file_says_what_is_decided(
    grants: list[Grant], catalog: str, schema: str, table: str, user: str
) -> None:
    """Trino takes the first rule that matches, of the catalogs and then of the tables."""
    written = json.loads(rules_file.build(grants, PLAIN, NOW).text)
    groups = ["v w"] if user == "x" else []

    def first(section: str, **names: str) -> dict[str, Any] | None:
        for rule in written[section]:
            who = rule.get("user", rule.get("group"))
            asks = [user] if "user" in rule else groups
            named = all(re.fullmatch(rule.get(key, ".*"), name) for key, name in names.items())
            if named and (who is None or any(re.fullmatch(who, each) for each in asks)):
                found: dict[str, Any] = rule
                return found
        return None

    opened = first("catalogs", catalog=catalog)
    rule = first("tables", catalog=catalog, schema=schema, table=table)
    privileges = rule["privileges"] if rule and opened else []
    literal = Resource(
        catalog=catalog.replace("*", "\\*"),
        schema=schema.replace("*", "\\*"),
        table=table.replace("*", "\\*"),
    )
    identity = Identity(user=user, groups=tuple(groups))
    for need, privilege in (
        (Role.READ, "SELECT"),
        (Role.WRITE, "DELETE"),
        (Role.ADMIN, "OWNERSHIP"),
    ):
        found = decide(rules_of(grants, PLAIN), identity, need, literal, NOW)
        assert found.allowed is (privilege in privileges)
        if found.allowed and need > Role.READ:
            assert opened is not None
            assert opened["allow"] == "all"


def test_the_warning_names_who_can_do_more_than_was_granted() -> None:
    grants = [
        grant("root", "admin", "*"),
        grant("ann", "read", "iceberg.sales"),
        grant("ann", "admin", "iceberg.sales.orders"),
        grant("bob", "write", "iceberg.sales"),
        grant("cas", "read", "iceberg.hr.people"),
        grant("cas", "admin", "iceberg.hr"),
    ]
    readers, writers = rules_file.build(grants, PLAIN, NOW).warnings
    assert "with read alone, user ann on iceberg.sales can run optimize, " in readers
    assert "with write alone, user bob on iceberg.sales can run expire_snapshots, " in writers
    assert not any("cas" in line or "root" in line for line in (readers, writers))


def test_who_may_less_on_the_table_that_stands_in_for_another() -> None:
    grants = (
        *GRANTS,
        grant("eve", "write", "hive.sales", number=8),
        grant("eve", "read", "iceberg.sales.orders", number=9),
        grant("ann", "read", "hive.sales.orders", number=10),
        grant("old", "read", "hive.sales.orders", number=11, until=NOW - timedelta(days=1)),
        grant("group:dev", "read", "hive", number=12),
    )
    old, new = (parse_resource(f"{name}.sales.orders") for name in ("hive", "iceberg"))
    ends = NOW + timedelta(days=1)
    kept = (
        grant("ivy", "read", "hive.sales.orders", number=13),
        grant("ivy", "read", "iceberg.sales.orders", number=14, until=ends),
    )
    found = lacking(rules_in_force((*grants, *kept), NOW, PLAIN), old, new)
    named = [(each.principal.kind, each.principal.name, each.role) for each in found]
    assert named == [("group", "dev", Role.READ), ("user", "eve", Role.WRITE)]
    assert {(each.resource, each.reason) for each in found} == {(new, "as on hive.sales.orders")}


@pytest.mark.parametrize("name", ["ann", "o'x y@example.org", "--role", "a'; b", 'ünï"q'])
@pytest.mark.parametrize("resource", ["iceberg.sales.t", 'i."a b"."t""*"@"x/y z"', 'i.s."--user"'])
@pytest.mark.parametrize("until", [None, NOW + timedelta(days=1)])
def test_a_carried_grant_reads_back_from_its_command(
    name: str, resource: str, until: datetime | None
) -> None:
    given = Grant(
        principal=Principal(kind="group", name=name),
        role=Role.WRITE,
        resource=parse_resource(resource),
        until=until,
        reason="as on hive.sales.orders",
    )
    assert read_command(command(given)) == ("grant", given)
    taken = replace(given, until=None, reason="")
    assert read_command(command(given, "revoke")) == ("revoke", taken)
