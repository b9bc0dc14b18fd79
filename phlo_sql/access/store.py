"""Policies in PostgreSQL: made by `initialise`, read whole, changed by two procedures.

A change is a `CALL` tree, the same that stands in a runbook; PostgreSQL runs its text as it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from phlo_sql import dialect, postgres
from phlo_sql.access.grants import Grant, Principal, Role
from phlo_sql.access.resource import Resource
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phlo_sql.config import Settings
    from phlo_sql.dialect import Statement
    from phlo_sql.postgres import Connection

LAST_ADMIN, NOT_GRANTED = "PA001", "PA002"
"""SQLSTATEs of the procedures in sql/postgres/001_grants.sql."""
_PUBLISHING = 7_404_112_004
"""The advisory lock of whoever publishes."""
EVERYTHING = Resource(catalog="*")
_ALL_GRANTS = (
    "SELECT id, kind, principal, role, catalog_pattern, schema_pattern, table_pattern, ref_pattern,"
    " valid_until, reason, granted_by, granted_at FROM {} ORDER BY id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """What `access init` did."""

    migrations: tuple[str, ...]
    admin: str | None
    database_role: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.migrations or self.admin or self.database_role)


def initialise(
    settings: Settings, *, admin: str | None = None, database_role: str | None = None
) -> Initialised:
    """Migrate, make the first admin where there is none, give the database role its privileges."""
    first = Principal(kind="user", name=admin) if admin is not None else None
    done = postgres.migrate(settings)
    made, warnings = None, []
    with postgres.connection(settings) as opened:
        there = [grant for grant in _read(opened, settings) if _is_full_admin(grant)]
        if first is not None and any(grant.principal == first for grant in there):
            first = None
        if first is not None and there:
            raise PhloSqlError(
                Code.ACCESS_DENIED,
                f"{there[0].principal} is admin already: init makes the first admin only",
                f"let them run `phlo-sql access grant --user '{first.name}' --role admin '*'`",
            )
        if first is not None:
            grant = Grant(
                principal=first, role=Role.ADMIN, resource=EVERYTHING, reason="first admin"
            )
            _run(opened, granting(grant, settings.postgres_user.value, settings))
            made = first.name
        elif not there and admin is None:
            warnings.append("there is no admin yet: nobody can grant; add --admin USER")
        if database_role is not None:
            postgres.run_file(opened, settings, "privileges.sql", role=database_role)
    return Initialised(
        migrations=tuple(f"{each.number:03}_{each.name}" for each in done),
        admin=made,
        database_role=database_role,
        warnings=tuple(warnings),
    )


def _is_full_admin(grant: Grant) -> bool:
    covers = grant.resource in (EVERYTHING, Resource(catalog="*", ref="*"))
    user = grant.principal.kind == "user"
    return user and covers and grant.role is Role.ADMIN and grant.until is None


def read(settings: Settings) -> tuple[tuple[Grant, ...], str]:
    """Every grant, also those that ended, and the digest of them all.

    Raises PhloSqlError(NO_POLICIES, NEWER_SCHEMA) and whatever a connection can raise.
    """
    require(settings)
    with postgres.connection(settings) as opened:
        return _read(opened, settings), _digest(opened, settings)


@contextmanager
def read_alone(settings: Settings) -> Iterator[tuple[tuple[Grant, ...], str]]:
    """The same for who publishes them, one at a time: of two admins at once, the later one to
    publish has also read the other's grants. Raises as `read` does."""
    require(settings)
    with postgres.connection(settings) as opened:
        opened.execute("SELECT pg_advisory_xact_lock(%s)", [_PUBLISHING])
        yield _read(opened, settings), _digest(opened, settings)


def require(settings: Settings) -> None:
    """Raises PhloSqlError(NO_POLICIES) where `access init` has not run."""
    if not postgres.applied(settings):
        raise PhloSqlError(
            Code.NO_POLICIES,
            f"there are no policies in schema {settings.access_schema.value} of "
            f"database {settings.postgres_db.value}",
            "make them with `phlo-sql access init --admin USER`",
        )


def granting(grant: Grant, by: str, settings: Settings) -> Statement:
    """`CALL access.grant_role(…)`."""
    return dialect.call(
        None,
        "grant_role",
        {
            **_target(grant),
            "until": grant.until.astimezone(UTC).isoformat() if grant.until else "",
            "reason": grant.reason,
            "granted_by": by,
        },
        schema=settings.access_schema.value,
    )


def revoking(grant: Grant, by: str, settings: Settings) -> Statement:
    """`CALL access.revoke_role(…)`."""
    arguments = {**_target(grant), "revoked_by": by}
    return dialect.call(None, "revoke_role", arguments, schema=settings.access_schema.value)


def read_change(tree: Statement, settings: Settings) -> Resource | None:
    """The resource of a `grant_role` or `revoke_role` of these policies; None: another statement.

    What a person reads as `resource` is held to the patterns that the database is given.
    """
    found = dialect.read_call(tree)
    if found is None or found.parts not in {
        (settings.access_schema.value, name) for name in ("grant_role", "revoke_role")
    }:
        return None
    given = found.arguments
    resource = Resource(
        catalog=given.get("in_catalog", ""),
        schema=given.get("in_schema", ""),
        table=given.get("in_table", ""),
        ref=given.get("at_ref", ""),
    )
    return resource if str(resource) == given.get("resource") else None


def digest_query(settings: Settings) -> Statement:
    """The query whose answer changes with any grant."""
    from phlo_sql.model.names import TableName

    view = TableName(schema=settings.access_schema.value, name="state")
    return dialect.select(["digest"], dialect.table(view))


def _target(grant: Grant) -> Mapping[str, str]:
    resource = grant.resource
    return {
        "kind": grant.principal.kind,
        "principal": grant.principal.name,
        "role": str(grant.role),
        "in_catalog": resource.catalog,
        "in_schema": resource.schema,
        "in_table": resource.table,
        "at_ref": resource.ref,
        "resource": str(resource),
    }


def run(tree: Statement, settings: Settings) -> list[tuple[object, ...]]:
    """Run a statement of a policy runbook. Raises PhloSqlError(LAST_ADMIN, NOT_GRANTED)."""
    with postgres.connection(settings) as opened:
        return _run(opened, tree)


def _run(opened: Connection, tree: Statement) -> list[tuple[object, ...]]:
    import psycopg

    try:
        cursor = opened.execute(dialect.render(tree).encode())
        return list(cursor.fetchall()) if cursor.description else []
    except psycopg.Error as error:
        if refused := _refusal(error):
            raise refused from error
        raise


def _refusal(error: Exception) -> PhloSqlError | None:
    state, message = getattr(error, "sqlstate", None), getattr(error, "diag", None)
    text = " ".join(str(message.message_primary if message else error).split())
    if state == LAST_ADMIN:
        return PhloSqlError(
            Code.LAST_ADMIN,
            text,
            "make somebody else admin first: `phlo-sql access grant --user U --role admin '*'`",
        )
    if state == NOT_GRANTED:
        return PhloSqlError(Code.NOT_GRANTED, text, "see `phlo-sql access list`")
    return None


def _read(opened: Connection, settings: Settings) -> tuple[Grant, ...]:
    from psycopg import sql

    query = sql.SQL(_ALL_GRANTS).format(sql.Identifier(settings.access_schema.value, "grants"))
    return tuple(_grant(row) for row in opened.execute(query).fetchall())


def _digest(opened: Connection, settings: Settings) -> str:
    row = opened.execute(dialect.render(digest_query(settings)).encode()).fetchone()
    return str(row[0]) if row else ""


def _grant(row: tuple[object, ...]) -> Grant:
    (number, kind, name, role, catalog, schema, table, ref, until, reason, by, at) = row
    return Grant(
        id=int(str(number)),
        principal=Principal(kind="group" if kind == "group" else "user", name=str(name)),
        role=Role[str(role).upper()],
        resource=Resource(catalog=str(catalog), schema=str(schema), table=str(table), ref=str(ref)),
        until=until,  # type: ignore[arg-type]  # the driver's datetime
        reason=str(reason),
        granted_by=str(by),
        granted_at=at,  # type: ignore[arg-type]  # the driver's datetime
    )
