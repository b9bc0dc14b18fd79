"""Which grants a person asked to see."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from phlo_sql.access.decide import Identity, Rule, catalogs_of, rules_of, within
from phlo_sql.access.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from phlo_sql.access.grants import Grant, Principal
    from phlo_sql.config import Settings

_TABLE = 3


def about(grants: Iterable[Grant], pattern: Resource, settings: Settings) -> list[Grant]:
    """Grants on what lies within the pattern, and those that cover all of it."""
    targets = [
        Resource(catalog=catalog, schema=pattern.schema, table=pattern.table)
        for catalog in catalogs_of(pattern, settings)
    ]
    found = {}
    for rule in rules_of(grants, settings):
        for target in targets:
            if rule.covers(target) or _inside(rule, target):
                found[rule.grant.id] = rule.grant
    return list(found.values())


def of_identity(grants: Iterable[Grant], identity: Identity) -> list[Grant]:
    return [grant for grant in grants if identity.includes(grant.principal)]


def effective(grants: Iterable[Grant], now: datetime, settings: Settings) -> list[Grant]:
    """Those in force, without the ones that another of the same principal covers altogether."""
    live = [grant for grant in grants if grant.in_force(now)]
    wide: dict[Principal, list[Rule]] = defaultdict(list)
    same: dict[tuple[Principal, Resource], list[Rule]] = defaultdict(list)
    for rule in rules_of(live, settings):
        resource = rule.grant.resource
        same[rule.grant.principal, resource].append(rule)
        if resource.level < _TABLE or not resource.exact:  # a table's covers nothing else
            wide[rule.grant.principal].append(rule)
    return [
        grant
        for grant in live
        if not any(
            _overshadows(rule, grant, settings)
            for rule in (*same[grant.principal, grant.resource], *wide[grant.principal])
        )
    ]


def _inside(rule: Rule, target: Resource) -> bool:
    return (
        within(target.catalog, rule.catalog)
        and within(target.schema, rule.schema)
        and within(target.table, rule.table)
    )


def _overshadows(rule: Rule, grant: Grant, settings: Settings) -> bool:
    other = rule.grant
    if other.id == grant.id or other.principal != grant.principal or other.role < grant.role:
        return False
    resource = grant.resource
    physical = [
        Resource(catalog=catalog, schema=resource.schema, table=resource.table)
        for catalog in catalogs_of(resource, settings)
    ]
    if not all(rule.covers(each) for each in physical):
        return False
    same = other.role == grant.role and other.resource == grant.resource
    return not same or other.id < grant.id
