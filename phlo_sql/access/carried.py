"""Grants on a table that another is to stand in for: which of them nobody has on the other yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.access.decide import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from phlo_sql.access.decide import Rule
    from phlo_sql.access.grants import Grant, Principal, Role
    from phlo_sql.access.resource import Resource
    from phlo_sql.config import Settings


def lacking(
    grants: Iterable[Grant], old: Resource, new: Resource, now: datetime, settings: Settings
) -> tuple[tuple[Principal, Role], ...]:
    """Who may do more on the old table than on the new one, and what; both are physical tables."""
    live = [rule for rule in rules_of(grants, settings) if rule.grant.in_force(now)]
    before, after = _roles(live, old), _roles(live, new)
    found = [(who, role) for who, role in before.items() if after.get(who, 0) < role]
    return tuple(sorted(found, key=lambda each: (each[0].kind, each[0].name)))


def _roles(rules: Iterable[Rule], target: Resource) -> dict[Principal, Role]:
    found: dict[Principal, Role] = {}
    for rule in rules:
        grant = rule.grant
        if rule.covers(target) and grant.role > found.get(grant.principal, 0):
            found[grant.principal] = grant.role
    return found
