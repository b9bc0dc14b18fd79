"""Grants on a table that another is to stand in for: which of them nobody has on the other yet, and
the commands that give them or take them away, as they stand in a runbook."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import TYPE_CHECKING

from phlo_sql.access.decide import rules_of
from phlo_sql.access.grants import Grant, Principal, role_of
from phlo_sql.access.resource import Resource, parse_resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from phlo_sql.access.decide import Rule
    from phlo_sql.config import Settings

GRANT, REVOKE = "grant", "revoke"


def rules_in_force(grants: Iterable[Grant], now: datetime, settings: Settings) -> list[Rule]:
    return [rule for rule in rules_of(grants, settings) if rule.grant.in_force(now)]


def lacking(rules: Sequence[Rule], old: Resource, new: Resource) -> tuple[Grant, ...]:
    """What is to be granted on the new table, for each who may do more on the old one; both are
    physical tables. The highest role counts, and of several grants of it the one that lasts; who
    has that role on the new table keeps the grant that gives it, whenever it ends."""
    before = _strongest(rule.grant for rule in rules if rule.covers(old))
    after = _strongest(rule.grant for rule in rules if rule.covers(new))
    found = [e for who, e in before.items() if who not in after or after[who].role < e.role]
    return tuple(
        Grant(
            principal=each.principal,
            role=each.role,
            resource=new,
            until=each.until,
            reason=f"as on {old}",  # by it a rollback knows its own
        )
        for each in sorted(found, key=lambda each: (each.principal.kind, each.principal.name))
    )


def _strongest(grants: Iterable[Grant]) -> dict[Principal, Grant]:
    found: dict[Principal, Grant] = {}
    for each in grants:
        known = found.get(each.principal)
        if known is None or _strength(known) < _strength(each):
            found[each.principal] = each
    return found


def _strength(grant: Grant) -> tuple[int, float]:
    return grant.role, grant.until.timestamp() if grant.until else float("inf")


def command(grant: Grant, verb: str = GRANT) -> str:
    """The command that gives it, or takes it away."""
    words = ["phlo-sql", "access", verb, f"--{grant.principal.kind}", grant.principal.name]
    words += ["--role", str(grant.role)]
    if verb == GRANT:
        words += ["--until", grant.until.isoformat()] if grant.until else []
        words += ["--reason", grant.reason] if grant.reason else []
    return shlex.join([*words, str(grant.resource)])


def read_command(line: str) -> tuple[str, Grant]:
    """Verb and grant of what `command` wrote. Raises PhloSqlError, ValueError or KeyError."""
    _, _, verb, *words, resource = shlex.split(line)
    given = dict(zip(words[::2], words[1::2], strict=True))
    until = given.get("--until")
    return verb, Grant(
        principal=Principal(kind="user", name=given["--user"])
        if "--user" in given
        else Principal(kind="group", name=given["--group"]),
        role=role_of(given["--role"]),
        resource=parse_resource(resource),
        until=datetime.fromisoformat(until) if until else None,
        reason=given.get("--reason", ""),
    )
