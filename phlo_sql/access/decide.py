"""Which grant decides: the whole precedence, and nothing else in the program knows it.

1. What nobody granted is refused. No grant takes anything away, so order does not matter.
2. A grant counts while it is in force, for its user or for every member of its group, on what its
   resource covers. A ref is a catalog of Trino: `iceberg.sales@dev` covers what Trino shows as
   `iceberg_dev.sales`.
3. Of the grants that count, the highest role holds: admin holds write, write holds read.
4. Where several would do, the one that is named is the narrowest; then a user's before a group's;
   then the oldest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql.access.grants import Grant, Principal, Role
from phlo_sql.access.resource import ALL, Resource, bare, literal, matches
from phlo_sql.config import trino_catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from phlo_sql.config import Settings

MAIN = "main"
_ANY = "\ufdd0"
"""A code point that is no character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks, as the Trino connection authenticated them."""

    user: str
    groups: tuple[str, ...] = ()

    def includes(self, principal: Principal) -> bool:
        if principal.kind == "user":
            return principal.name == self.user
        return principal.name in self.groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A grant on one physical catalog pattern: what OPA and rules.json are made from too."""

    grant: Grant
    catalog: str

    @property
    def schema(self) -> str:
        return self.grant.resource.schema

    @property
    def table(self) -> str:
        return self.grant.resource.table

    def covers(self, target: Resource) -> bool:
        """Whether all of a physical target (a thing, or a pattern) lies within the grant."""
        return (
            within(self.catalog, target.catalog)
            and within(self.schema, target.schema)
            and within(self.table, target.table)
        )

    def touches(self, target: Resource) -> bool:
        """Whether some of it does: enough to list a schema or a catalog."""
        return (
            within(self.catalog, target.catalog)
            and (target.schema == ALL or within(self.schema, target.schema))
            and (target.table == ALL or within(self.table, target.table))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`grant` is the one that decides; where it is refused, the nearest one, if there is any."""

    allowed: bool
    identity: Identity
    need: Role
    resource: Resource
    grant: Grant | None
    why: str
    granters: tuple[Principal, ...] = ()

    def document(self) -> dict[str, Any]:
        return {
            "allowed": self.allowed,
            "user": self.identity.user,
            "groups": list(self.identity.groups),
            "needs": str(self.need),
            "resource": str(self.resource),
            "grant": self.grant.document() if self.grant else None,
            "why": self.why,
            "who_can_grant": [str(each) for each in self.granters],
        }


def within(outer: str, inner: str) -> bool:
    """Whether every name that the pattern `inner` covers, `outer` covers too."""
    if outer in (ALL, inner):
        return True
    # A star of `inner` can stand under a star of `outer` only: as a character that no name has.
    return matches(outer, bare(inner, star=_ANY))


def rules_of(grants: Iterable[Grant], settings: Settings) -> tuple[Rule, ...]:
    """Each grant under every Trino catalog that shows its ref."""
    return tuple(
        Rule(grant=grant, catalog=catalog)
        for grant in grants
        for catalog in catalogs_of(grant.resource, settings)
    )


def catalogs_of(resource: Resource, settings: Settings) -> tuple[str, ...]:
    """The patterns of the physical catalogs: one for a plain ref, several for a pattern of refs."""
    catalog, ref = resource.catalog, resource.ref
    if not ref:
        return (catalog,)
    if not ("*" in catalog or "*" in ref):
        return (literal(trino_catalog(settings, bare(ref), bare(catalog))),)
    found = [f"{catalog}_{ref.lower()}"] if ref != MAIN else []
    if matches(ref, MAIN):
        found.append(catalog)
    if matches(catalog, settings.trino_catalog.value):
        named = (name for each, name in settings.refs.items() if matches(ref, each))
        found += [literal(name) for name in named]
    return tuple(dict.fromkeys(found))


def decide(
    rules: Sequence[Rule],
    identity: Identity,
    need: Role,
    target: Resource,
    now: datetime,
    *,
    listing: bool = False,
) -> Decision:
    """`target` is physical: its catalog is Trino's. `listing`: to see that something is there."""
    mine = [rule for rule in rules if identity.includes(rule.grant.principal)]
    near = [rule.grant for rule in mine if (rule.touches if listing else rule.covers)(target)]
    live = [grant for grant in near if grant.in_force(now)]
    enough = sorted((grant for grant in live if grant.role >= need), key=_narrowest)
    if enough:
        return Decision(
            allowed=True,
            identity=identity,
            need=need,
            resource=target,
            grant=enough[0],
            why=_why(enough[0], need),
        )
    nearest = max(live or near, key=lambda grant: grant.role, default=None)
    return Decision(
        allowed=False,
        identity=identity,
        need=need,
        resource=target,
        grant=nearest,
        why=_why_not(nearest, target, now),
        granters=_granters(rules, target, now),
    )


def _why(grant: Grant, need: Role) -> str:
    holds = f", which holds {need}" if grant.role > need else ""
    return f"grant {grant.id} gives {grant}{holds}"


def _why_not(nearest: Grant | None, target: Resource, now: datetime) -> str:
    if nearest is None:
        return f"no grant covers {target}"
    if not nearest.in_force(now) and nearest.until is not None:
        return f"grant {nearest.id} ({nearest}) ended {nearest.until.isoformat(timespec='seconds')}"
    return f"grant {nearest.id} gives only {nearest}"


def _narrowest(grant: Grant) -> tuple[int, int, int, int]:
    resource = grant.resource
    return (
        -resource.level,
        -sum(map(len, (resource.catalog, resource.schema, resource.table))),
        0 if grant.principal.kind == "user" else 1,
        grant.id,
    )


def _granters(rules: Sequence[Rule], target: Resource, now: datetime) -> tuple[Principal, ...]:
    """Who can grant there, the nearest first."""
    found = sorted(
        (
            rule.grant
            for rule in rules
            if rule.grant.role is Role.ADMIN and rule.grant.in_force(now) and rule.covers(target)
        ),
        key=_narrowest,
    )
    return tuple(dict.fromkeys(grant.principal for grant in found))[:3]
