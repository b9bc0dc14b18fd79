"""What the policies say against what the server answers, user by user.

Each probe is an `EXPLAIN`: the server analyses the statement, which asks its access control, and
runs nothing. The connection acts as the user, which the server allows to whom it lets impersonate.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from phlo_sql import dialect
from phlo_sql.access.decide import Identity, decide, rules_of
from phlo_sql.access.grants import need_of
from phlo_sql.access.guard import identity_of
from phlo_sql.access.resource import Resource, bare, literal, matches
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from phlo_sql.access.decide import Rule
    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings

STRANGER = "nobody"
"""A user whom no grant names: a server that lets everybody in is found by them."""
_PER_GRANT = 3
ALLOWED, DENIED, UNKNOWN = "allowed", "denied", "unknown"


class Session(Protocol):
    """What is needed of a Trino connection."""

    def query(self, tree: dialect.Statement) -> Sequence[Sequence[Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question and its two answers."""

    user: str
    action: str
    table: TableName
    policy: str
    server: str
    note: str = ""

    @property
    def agrees(self) -> bool:
        """An answer that is neither yes nor no (a materialized view takes no DELETE) is no drift,
        but it is told."""
        return self.server in (self.policy, UNKNOWN)

    def document(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "action": self.action,
            "table": str(self.table),
            "policy": self.policy,
            "server": self.server,
            "ok": self.agrees,
            "note": self.note or None,
        }

    @property
    def line(self) -> str:
        return (
            f"user {self.user}, {self.action} on {self.table}: the policies say {self.policy}, "
            f"the server says {self.server}{f' ({self.note})' if self.note else ''}"
        )


def verify(
    settings: Settings,
    grants: Sequence[Grant],
    session: Session,
    act_as: Callable[[str], AbstractContextManager[Session]],
    *,
    users: Sequence[str] = (),
    tables: Sequence[TableName] = (),
) -> tuple[Probe, ...]:
    """Probe every user that a grant names (or `users`), and a stranger, on the tables that grants
    cover (or `tables`)."""
    rules = rules_of(grants, settings)
    named = {grant.principal.name for grant in grants if grant.principal.kind == "user"}
    asked = tuple(users) or (*sorted(named), STRANGER)
    chosen = tuple(tables) or tuple(_tables(rules, session, settings.trino_catalog.value))
    found: list[Probe] = []
    for user in asked:
        with ExitStack() as stack:
            acting = stack.enter_context(act_as(user))
            found += _of_user(user, acting, rules, chosen)
    return tuple(found)


def _of_user(
    user: str, session: Session, rules: Sequence[Rule], tables: Sequence[TableName]
) -> Iterable[Probe]:
    identity, refused = _identity(user, session)
    for table in tables:
        target = Resource(
            catalog=literal(str(table.catalog)),
            schema=literal(table.schema),
            table=literal(table.name),
        )
        for action, statement in _probes(table):
            decision = decide(rules, identity, need_of(action), target, datetime.now(UTC))
            answer, note = (DENIED, refused) if refused else _answer(session, statement)
            yield Probe(
                user=user,
                action=action,
                table=table,
                policy=ALLOWED if decision.allowed else DENIED,
                server=answer,
                note=note if answer == UNKNOWN else "",
            )


def _identity(user: str, session: Session) -> tuple[Identity, str]:
    """With the groups that the server gives this user; a stranger may not even ask."""
    try:
        return identity_of(session), ""
    except PhloSqlError as error:
        if error.code is not Code.PERMISSION_DENIED:
            raise
        if "impersonate" in error.problem:
            raise PhloSqlError(
                Code.PERMISSION_DENIED,
                f"the server does not let this connection act as {user}: {error.problem}",
                "connect as an admin of everything, or let the server allow the impersonation",
            ) from error
        return Identity(user=user), error.problem


def _probes(table: TableName) -> tuple[tuple[str, dialect.Statement], ...]:
    where = dialect.table(table)
    return (
        ("select", dialect.explain(dialect.select([dialect.count()], where))),
        ("delete", dialect.explain(dialect.delete_all(table))),
        ("optimize", dialect.explain(dialect.execute_procedure(table, "optimize"))),
        ("expire_snapshots", dialect.explain(dialect.execute_procedure(table, "expire_snapshots"))),
    )


def _answer(session: Session, statement: dialect.Statement) -> tuple[str, str]:
    try:
        session.query(statement)
    except PhloSqlError as error:
        if error.code is Code.PERMISSION_DENIED:
            return DENIED, ""
        return UNKNOWN, error.problem
    return ALLOWED, ""


def _tables(rules: Sequence[Rule], session: Session, default: str) -> Iterable[TableName]:
    """Some of the tables that each grant covers; of the default catalog where none is covered."""
    seen: dict[TableName, None] = {}
    listed: dict[str, list[TableName]] = {}
    for catalog in dict.fromkeys((*map(_one_catalog, rules), default)):
        if catalog is not None:
            listed[catalog] = _there(catalog, session)
    for rule in rules:
        catalog = _one_catalog(rule)
        covered = (
            table
            for table in listed.get(catalog or "", ())
            if matches(rule.schema, table.schema) and matches(rule.table, table.name)
        )
        seen |= dict.fromkeys(islice(covered, _PER_GRANT))
    return seen or listed[default][:_PER_GRANT]


def _one_catalog(rule: Rule) -> str | None:
    return bare(rule.catalog) if literal(bare(rule.catalog)) == rule.catalog else None


def _there(catalog: str, session: Session) -> list[TableName]:
    source = dialect.table(TableName(catalog=catalog, schema="information_schema", name="tables"))
    base = dialect.compare(dialect.column("table_type"), "=", dialect.literal("BASE TABLE"))
    try:
        rows = session.query(
            dialect.select(
                ["table_schema", "table_name"],
                source,
                where=base,
                order_by=["table_schema", "table_name"],
            )
        )
    except PhloSqlError as error:
        if error.code is Code.UNKNOWN_CATALOG:
            return []
        raise
    return [
        TableName(catalog=catalog, schema=str(row[0]), name=str(row[1]))
        for row in rows
        if row[0] != "information_schema"
    ]
