"""phlo-sql's own enforcement: every command asks here before it acts.

Where no PostgreSQL is named, or `access init` never ran in it, nothing is enforced; where it ran,
what cannot be decided is refused. Who asks is whom the Trino connection authenticated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from phlo_sql import dialect, postgres
from phlo_sql.access import remembered, store
from phlo_sql.access.decide import Decision, Identity, catalogs_of, decide, rules_of
from phlo_sql.access.grants import Role, need_of
from phlo_sql.access.resource import Resource, literal
from phlo_sql.config import trino_catalog
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings
    from phlo_sql.model.names import TableName


class Session(Protocol):
    """What is needed of a Trino connection."""

    def query(self, tree: dialect.Statement) -> Sequence[Sequence[object]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Who was let through, and by which decision; None where nothing is enforced."""

    identity: Identity | None
    decision: Decision | None


def identity_of(session: Session) -> Identity:
    """`current_user` and `current_groups()`, as the server has them for this connection."""
    rows = session.query(dialect.parse("SELECT current_user, current_groups()"))
    user, groups = rows[0]
    names = groups if isinstance(groups, list | tuple) else ()
    return Identity(user=str(user), groups=tuple(sorted(map(str, names))))


def require(
    settings: Settings,
    session: Session,
    action: str,
    target: TableName | str,
    *,
    ref: str | None = None,
) -> Allowed:
    """Let the connection's user do `action` on a table (or a catalog, by its name), or refuse.

    Raises PhloSqlError(ACCESS_DENIED); PhloSqlError of PostgreSQL where it does not answer.
    """
    need = need_of(action)
    grants = policies(settings)
    if grants is None:
        return Allowed(identity=None, decision=None)
    identity = identity_of(session)
    decision = decide(
        rules_of(grants, settings),
        identity,
        need,
        physical(settings, target, ref),
        datetime.now(UTC),
    )
    if not decision.allowed:
        raise refusal(action, decision)
    return Allowed(identity=identity, decision=decision)


def policies(settings: Settings) -> tuple[Grant, ...] | None:
    """The grants to go by; None where nothing is enforced.

    Raises where PostgreSQL is named and does not answer, unless `audit_on_failure = spool` and
    what was read within a day is remembered.
    """
    if not postgres.configured(settings):
        return None
    try:
        grants = store.read(settings)[0] if postgres.applied(settings) else None
    except PhloSqlError as error:
        if error.code is not Code.SERVER_DOWN:
            raise
        try:
            return remembered.recall(settings)
        except LookupError:
            raise error from None
    remembered.remember(settings, grants)
    return grants


def explain(
    settings: Settings, identity: Identity, action: str, resource: Resource
) -> tuple[Decision, ...]:
    """The decision for each physical catalog that the resource's ref stands for."""
    grants, _ = store.read(settings)
    rules = rules_of(grants, settings)
    return tuple(
        decide(
            rules,
            identity,
            need_of(action),
            Resource(catalog=catalog, schema=resource.schema, table=resource.table),
            datetime.now(UTC),
            listing=action == "show",
        )
        for catalog in catalogs_of(resource, settings)
    )


def require_granter(
    settings: Settings, session: Session, resources: Sequence[Resource], action: str = "grant"
) -> Identity:
    """Who may grant on all of these. Raises PhloSqlError(ACCESS_DENIED, NO_POLICIES)."""
    grants, _ = store.read(settings)
    rules, identity = rules_of(grants, settings), identity_of(session)
    for resource in resources:
        for catalog in catalogs_of(resource, settings):
            physical = Resource(catalog=catalog, schema=resource.schema, table=resource.table)
            found = decide(rules, identity, Role.ADMIN, physical, datetime.now(UTC))
            if not found.allowed:
                raise refusal(action, found)
    return identity


def refusal(action: str, decision: Decision) -> PhloSqlError:
    """Who, what, on what, what is needed, who can grant it."""
    granters = ", ".join(map(str, decision.granters)) or "nobody yet: run `phlo-sql access init`"
    return PhloSqlError(
        Code.ACCESS_DENIED,
        f"user {decision.identity.user} may not {action} on {decision.resource}: "
        f"{decision.why}; {decision.need} is needed, and {granters} can grant it",
        f"ask for `phlo-sql access grant --user {_quoted(decision.identity.user)} "
        f"--role {decision.need} {_quoted(str(decision.resource))}`",
        data={"action": action, "decision": decision.document()},
    )


def physical(settings: Settings, target: TableName | str, ref: str | None) -> Resource:
    """A table, or a catalog, under the catalog that shows its ref."""
    if isinstance(target, str):
        return Resource(catalog=literal(trino_catalog(settings, ref, target)))
    return Resource(
        catalog=literal(trino_catalog(settings, ref, target.catalog)),
        schema=literal(target.schema),
        table=literal(target.name.partition("$")[0]),
    )


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)
