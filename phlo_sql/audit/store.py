"""The audit trail in PostgreSQL: appended to, asked, verified, and cut at its old end.

What keeps it append-only and chained is in sql/postgres/100_audit.sql.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql import postgres
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from psycopg.sql import Composed

    from phlo_sql.config import Settings

MIGRATION = 100
COLUMNS = (
    "happened_at",
    "user_name",
    "action",
    "table_name",
    "ref",
    "event",
    "denied",
    "rows",
    "bytes",
    "error",
    "operation",
    "source",
    "details",
    "recorded_at",
    "sequence",
)
"""Of the view `audit.events`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events are asked for. `table` may hold `*` for any run of characters; `start` is the
    first moment, `end` the first one that is too late; `limit` keeps the newest, 0 keeps all."""

    user: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    table: str | None = None
    action: str | None = None
    denied: bool = False
    after: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many rows the chain has, and what is wrong with it: (sequence, finding)."""

    rows: int
    first: int
    last: int
    findings: tuple[tuple[int, str], ...]


def there(settings: Settings) -> bool:
    """Whether the database has a trail. Raises what a connection raises."""
    return MIGRATION in postgres.applied(settings)


def append(settings: Settings, events: Sequence[Mapping[str, Any]]) -> int:
    """Append what is not there yet, in one transaction; returns how many rows that were."""
    from psycopg import sql
    from psycopg.types.json import Jsonb

    if not events:
        return 0
    with postgres.connection(settings) as opened:
        name = sql.Identifier(settings.audit_schema.value, "append")
        row = opened.execute(
            sql.SQL("SELECT {}(%s)").format(name), [Jsonb(list(events), dumps=_dumps)]
        ).fetchone()
    return int(row[0]) if row else 0


def is_fault_of_rows(error: PhloSqlError) -> bool:
    """Whether `append` failed for what the rows hold, so that it would fail again."""
    import psycopg

    return isinstance(error.__cause__, psycopg.DataError)


def search(settings: Settings, wanted: Filter) -> Iterator[dict[str, Any]]:
    """The events, oldest first. Raises PhloSqlError(NO_POLICIES) where there is no trail."""
    require(settings)
    query, values = question(settings, wanted)
    with postgres.connection(settings) as opened, opened.cursor(name="events") as cursor:
        cursor.itersize = 5000
        cursor.execute(query, values)
        for row in cursor:
            yield dict(zip(COLUMNS, row, strict=True))


def question(settings: Settings, wanted: Filter) -> tuple[Composed, list[Any]]:
    """What `search` asks PostgreSQL: the statement and its values."""
    from psycopg import sql

    where, values = _where(wanted)
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    view = sql.Identifier(settings.audit_schema.value, "events")
    limit = sql.SQL(" LIMIT {}").format(wanted.limit) if wanted.limit else sql.SQL("")
    query = sql.SQL(
        "SELECT * FROM (SELECT {columns} FROM {view}{where}"
        " ORDER BY happened_at DESC, sequence DESC{limit}) AS newest"
        " ORDER BY happened_at, sequence"
    ).format(columns=columns, view=view, where=where, limit=limit)
    return query, values


def verify(settings: Settings) -> Verified:
    """Follow the chain from its anchor to its end."""
    from psycopg import sql

    require(settings)
    schema = settings.audit_schema.value
    with postgres.connection(settings) as opened:
        found = opened.execute(
            sql.SQL("SELECT sequence, finding FROM {}()").format(sql.Identifier(schema, "broken"))
        ).fetchall()
        row = opened.execute(
            sql.SQL(
                "SELECT count(*), coalesce(min(sequence), 0), coalesce(max(sequence), 0) FROM {}"
            ).format(sql.Identifier(schema, "event"))
        ).fetchone()
    counted, first, last = row or (0, 0, 0)
    findings = tuple((int(sequence), str(finding)) for sequence, finding in found)
    return Verified(rows=counted, first=first, last=last, findings=findings)


def prune(settings: Settings, before: datetime) -> int:
    """Take away what was recorded before; the chain is checked first, for what goes can't be
    checked later. Raises PhloSqlError(AUDIT_BROKEN)."""
    from psycopg import sql

    found = verify(settings)
    if found.findings:
        raise broken(found)
    with postgres.connection(settings) as opened:
        name = sql.Identifier(settings.audit_schema.value, "prune")
        row = opened.execute(sql.SQL("SELECT {}(%s)").format(name), [before]).fetchone()
    return int(row[0]) if row else 0


def broken(found: Verified) -> PhloSqlError:
    """What `--verify` says of a chain that does not hold."""
    sequence, finding = found.findings[0]
    more = f"; and {len(found.findings) - 1} more" if len(found.findings) > 1 else ""
    return PhloSqlError(
        Code.AUDIT_BROKEN,
        f"the audit trail does not hold at row {sequence}: {finding}{more}",
        "compare it with a backup and with operations.jsonl; find out who owns the schema",
        data={
            "rows": found.rows,
            "findings": [{"sequence": s, "finding": f} for s, f in found.findings],
        },
    )


def require(settings: Settings) -> None:
    """Raises PhloSqlError(NO_POLICIES) where `access init` has not made the trail."""
    if not there(settings):
        raise PhloSqlError(
            Code.NO_POLICIES,
            f"there is no audit trail in schema {settings.audit_schema.value} of "
            f"database {settings.postgres_db.value}",
            "make it with `phlo-sql access init --admin USER`",
        )


def _where(wanted: Filter) -> tuple[Any, list[Any]]:
    from psycopg import sql

    asked: list[tuple[str, Any]] = [
        ("user_name = %s", wanted.user),
        ("happened_at >= %s", wanted.start),
        ("happened_at < %s", wanted.end),
        ("lower(action) = lower(%s)", wanted.action),
        ("sequence > %s", wanted.after or None),
        ("denied = %s", wanted.denied or None),
    ]
    if wanted.table is not None:
        exact = "*" not in wanted.table
        pattern = wanted.table if exact else _like(wanted.table)
        asked.append(("table_name = %s" if exact else "table_name LIKE %s", pattern))
    given = [(clause, value) for clause, value in asked if value is not None]
    if not given:
        return sql.SQL(""), []
    clauses = sql.SQL(" AND ").join(sql.SQL(clause) for clause, _ in given)
    return sql.SQL(" WHERE ") + clauses, [value for _, value in given]


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%")


def _dumps(value: Any) -> str:
    # PostgreSQL's jsonb has no U+0000.
    return json.dumps(value, ensure_ascii=False, default=str).replace("\\u0000", "\\ufffd")
