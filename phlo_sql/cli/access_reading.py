"""What the commands of `access` that only read do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql import config
from phlo_sql.access import document, guard, listing, store
from phlo_sql.access.decide import Identity
from phlo_sql.cli.output import Report

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.access.decide import Decision
    from phlo_sql.access.grants import Grant
    from phlo_sql.access.resource import Resource
    from phlo_sql.cli.options import Options


def list_grants(
    user: str | None,
    group: str | None,
    pattern: Resource | None,
    effective: bool,
    options: Options,
) -> Report:
    """All grants, or those of a user, a group, or on a resource."""
    settings = config.load(dict(options.flags))
    now = datetime.now(UTC)
    found = list(store.read(settings)[0])
    if user is not None or group is not None:
        groups = (group,) if group is not None else ()
        found = listing.of_identity(found, Identity(user=user or "", groups=groups))
    if pattern is not None:
        found = listing.about(found, pattern, settings)
    if effective:
        found = listing.effective(found, now, settings)

    def human(out: Console) -> None:
        if not found:
            out.print("no grants")
            return
        _draw(out, found, now)

    return Report(
        status="success", data={"grants": [grant.document() for grant in found]}, human=human
    )


def explain(identity: Identity, action: str, resource: Resource, options: Options) -> Report:
    """The deciding grant, and the reason in one line."""
    settings = config.load(dict(options.flags))
    decisions = guard.explain(settings, identity, action.lower(), resource)
    allowed = all(decision.allowed for decision in decisions)

    def human(out: Console) -> None:
        for decision in decisions:
            out.print(_sentence(decision, action), soft_wrap=True)

    return Report(
        status="success",
        data={
            "allowed": allowed,
            "action": action,
            "decisions": [decision.document() for decision in decisions],
        },
        human=human,
    )


def export(options: Options) -> Report:
    """YAML for people and `access apply`; the same grants as data with --json."""
    settings = config.load(dict(options.flags))
    grants, digest = store.read(settings)
    text = document.write_document(grants)

    def human(out: Console) -> None:
        out.file.write(text)

    return Report(
        status="success",
        data={"grants": [grant.document() for grant in grants], "digest": digest},
        human=human,
    )


def _sentence(decision: Decision, action: str) -> str:
    who = f"user {decision.identity.user}"
    if decision.identity.groups:
        who += f" (of {', '.join(decision.identity.groups)})"
    if decision.allowed:
        return f"{who} may {action} on {decision.resource}: {decision.why}"
    granters = ", ".join(map(str, decision.granters)) or "nobody"
    return (
        f"{who} may not {action} on {decision.resource}: {decision.why}; "
        f"{decision.need} is needed, and {granters} can grant it"
    )


def _draw(out: Console, grants: list[Grant], now: datetime) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("id", "who", "role", "resource", "until", "granted by", "reason"):
        table.add_column(name, overflow="fold")
    for grant in grants:
        ends = f"{grant.until:%Y-%m-%d %H:%M %Z}" if grant.until else "-"
        live = grant.in_force(now)
        table.add_row(
            *(
                Text(word)
                for word in (
                    str(grant.id),
                    str(grant.principal),
                    str(grant.role),
                    str(grant.resource),
                    ends if live else f"{ends} (ended)",
                    grant.granted_by,
                    grant.reason or "-",
                )
            ),
            style="" if live else "dim",
        )
    out.print(table)
