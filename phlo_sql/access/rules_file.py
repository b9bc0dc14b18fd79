"""Trino's file-based rules from the grants, for those without OPA, and what they cannot hold back.

Of each section the first rule that matches decides, so rules stand in the order of their roles,
the highest first. A file has no clock: grants that ended are left out when it is written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql.access.decide import rules_of
from phlo_sql.access.grants import Role
from phlo_sql.access.resource import ALL, Resource, expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from phlo_sql.access.decide import Rule
    from phlo_sql.access.grants import Grant, Principal
    from phlo_sql.config import Settings

_SHOWN = 3
OPTIMIZING = ("optimize", "optimize_manifests")
UNGATED = (
    *OPTIMIZING,
    "expire_snapshots",
    "remove_orphan_files",
    "drop_extended_stats",
    "rollback_to_snapshot",
    "add_files",
)
"""Table procedures that file-based rules let everybody run who may read the table: trino#22874,
still so in 483."""
_PRIVILEGES = {
    Role.READ: ["SELECT"],
    Role.WRITE: ["SELECT", "INSERT", "DELETE", "UPDATE"],
    Role.ADMIN: ["SELECT", "INSERT", "DELETE", "UPDATE", "OWNERSHIP", "GRANT_SELECT"],
}
_FLOORS = "expire_snapshots_min_retention|remove_orphan_files_min_retention"
_METADATA = r"(?:\$[a-z_]+)?"
"""orders$snapshots follows orders; a table named orders$ has nothing to do with it."""
_Section = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesFile:
    """The file's text, and the sentences that must be read with it."""

    text: str
    warnings: tuple[str, ...]


def build(grants: Iterable[Grant], settings: Settings, now: datetime | None = None) -> RulesFile:
    """The rules of every grant in force."""
    moment = now or datetime.now(UTC)
    live = [grant for grant in grants if grant.in_force(moment)]
    rules = sorted(rules_of(live, settings), key=lambda rule: -rule.grant.role)
    sections: dict[str, _Section] = {
        "catalogs": _catalogs(rules),
        "schemas": [_on(rule, ("catalog", "schema"), owner=True) for rule in rules if _owns(rule)],
        "tables": _tables(rules),
        "procedures": _procedures(rules),
        "queries": _queries(rules),
        "impersonation": _impersonation(rules),
        "system_information": _of_all(rules, allow=["read", "write"]),
        "catalog_session_properties": _session_properties(rules),
    }
    text = json.dumps(sections, ensure_ascii=False, indent=2) + "\n"
    return RulesFile(text=text, warnings=tuple(_warnings(rules, live)))


def _warnings(rules: Sequence[Rule], live: Sequence[Grant]) -> Iterable[str]:
    """Who can do more in Trino than was granted, and when the file grows old."""
    for role, more in ((Role.READ, UNGATED), (Role.WRITE, UNGATED[len(OPTIMIZING) :])):
        if exposed := _exposed(rules, role):
            yield (
                "Trino's file-based rules do not hold table procedures back (trino#22874): with"
                f" {role} alone, {exposed} can run {', '.join(more)} all the same. Only OPA stops"
                " that: `phlo-sql access publish --opa`"
            )
    ends = sorted(grant.until for grant in live if grant.until)
    if ends:
        yield (
            f"a rules file has no clock: publish again at {ends[0].isoformat(timespec='seconds')},"
            f" when the first of {len(ends)} grant(s) ends"
        )


def _exposed(rules: Sequence[Rule], role: Role) -> str:
    """Each principal, and what they have the role on without being its admin."""
    admins: dict[Principal, list[Rule]] = {}
    found: dict[Principal, list[str]] = {}
    for rule in rules:  # the admins come first
        principal = rule.grant.principal
        if rule.grant.role is Role.ADMIN:
            admins.setdefault(principal, []).append(rule)
        elif rule.grant.role is role:
            there = Resource(catalog=rule.catalog, schema=rule.schema, table=rule.table)
            if not any(admin.covers(there) for admin in admins.get(principal, ())):
                found.setdefault(principal, []).append(str(there))
    parts = []
    for principal, places in found.items():
        rest = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        parts.append(f"{principal} on {', '.join(places[:_SHOWN])}{rest}")
    return "; ".join(parts)


def _whole(rule: Rule) -> bool:
    return rule.schema == ALL and rule.table == ALL


def _owns(rule: Rule) -> bool:
    return rule.grant.role is Role.ADMIN and rule.table == ALL


def _regex(pattern: str, tail: str = "") -> str:
    return "(?s:.*)" if pattern == ALL else f"(?s:{expression(pattern).pattern}){tail}"


def _who(principal: Principal) -> dict[str, Any]:
    return {principal.kind: re.escape(principal.name)}


def _on(rule: Rule, parts: Sequence[str], **more: object) -> dict[str, Any]:
    """Who, on which catalog, schema and table, and what."""
    patterns = {
        "catalog": _regex(rule.catalog),
        "schema": _regex(rule.schema),
        "table": _regex(rule.table, _METADATA),
    }
    return {**_who(rule.grant.principal), **{part: patterns[part] for part in parts}, **more}


def _catalogs(rules: Sequence[Rule]) -> _Section:
    found = [
        _on(rule, ["catalog"], allow="read-only" if rule.grant.role is Role.READ else "all")
        for rule in rules
    ]
    system = [
        {**_who(principal), "catalog": "system", "allow": "read-only"}
        for principal in _principals(rules)
    ]
    return _distinct([*found, *system])


def _tables(rules: Sequence[Rule]) -> _Section:
    found = [
        _on(rule, ["catalog", "schema", "table"], privileges=_PRIVILEGES[rule.grant.role])
        for rule in rules
    ]
    system = [
        {
            **_who(principal),
            "catalog": "system",
            "schema": "runtime|metadata|jdbc",
            "privileges": ["SELECT"],
        }
        for principal in _principals(rules)
    ]
    return _distinct([*found, *system])


def _procedures(rules: Sequence[Rule]) -> _Section:
    found = [
        {
            **_on(rule, ["catalog"]),
            "schema": ".*",
            "procedure": ".*",
            "privileges": ["EXECUTE"],
        }
        for rule in rules
        if rule.grant.role is Role.ADMIN and _whole(rule)
    ]
    own = {
        "catalog": "system",
        "schema": "runtime",
        "procedure": "kill_query",
        "privileges": ["EXECUTE"],
    }
    return _distinct([*found, own])


def _queries(rules: Sequence[Rule]) -> _Section:
    everyone = [{**_who(each), "allow": ["execute"]} for each in _principals(rules)]
    return [*_of_all(rules, allow=["execute", "kill", "view"]), *everyone, {"allow": []}]


def _impersonation(rules: Sequence[Rule]) -> _Section:
    return [
        {"original_user": entry["user"], "new_user": "(?s:.*)", "allow": True}
        for entry in _of_all(rules)
        if "user" in entry
    ]


def _session_properties(rules: Sequence[Rule]) -> _Section:
    found = []
    for rule in rules:
        if rule.grant.role is Role.ADMIN:
            found.append(_on(rule, ["catalog"], property=".*", allow=True))
        elif rule.grant.role is Role.WRITE:
            found.append(_on(rule, ["catalog"], property=f"(?!(?:{_FLOORS})$).*", allow=True))
    return [*_distinct(found), {"allow": False}]


def _of_all(rules: Sequence[Rule], **more: object) -> _Section:
    """One rule for each admin of everything."""
    admins = [r for r in rules if r.grant.role is Role.ADMIN and _whole(r) and r.catalog == ALL]
    return _distinct([{**_who(rule.grant.principal), **more} for rule in admins])


def _principals(rules: Sequence[Rule]) -> list[Principal]:
    return list(dict.fromkeys(rule.grant.principal for rule in rules))


def _distinct(section: _Section) -> _Section:
    return list({json.dumps(entry, sort_keys=True): entry for entry in section}.values())
