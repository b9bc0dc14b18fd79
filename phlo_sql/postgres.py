"""Connections to PostgreSQL, and the numbered migrations under `sql/postgres/`.

The only opener of psycopg connections for policies (files 001 to 099) and audit (100 on). A file is
what `psql -v access=access -v audit=audit -f FILE` runs as well: `:"access"` and `:"audit"` stand
for the two schemas, outside of quotes and dollar quotes only.
"""

from __future__ import annotations

import atexit
import hashlib
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql import __version__
from phlo_sql.config import redact
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    import psycopg
    from psycopg_pool import ConnectionPool

    from phlo_sql.config import Settings

    Connection = psycopg.Connection[tuple[Any, ...]]

_FILE = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql\Z")
_LOCK = 7_404_112_002
"""The advisory lock of whoever migrates, in any schema of the database."""
_CONNECT_SECONDS = 5
_POOLS: dict[str, ConnectionPool[Connection]] = {}
_OPENING = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file. `digest` is over its text, which never changes once it was released."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A pooled connection in one transaction: committed at the end, rolled back on any error.

    Raises PhloSqlError(MISSING_SETTING, SERVER_DOWN, NOT_AUTHENTICATED); psycopg's errors leave as
    PhloSqlError(QUERY_FAILED) unless the caller translates them inside.
    """
    import psycopg
    from psycopg_pool import PoolTimeout

    try:
        with _pool(settings).connection() as opened:
            yield opened
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise unreachable(settings, error) from error
    except psycopg.Error as error:
        raise PhloSqlError(
            Code.QUERY_FAILED,
            f"PostgreSQL: {one_line(str(error), settings)}",
            "look at the server's log, or run `phlo-sql access init` as the owner of the schemas",
        ) from error


def close() -> None:
    """Close every pool; connections are opened again when they are needed."""
    while _POOLS:
        _POOLS.popitem()[1].close()


def configured(settings: Settings) -> bool:
    """Whether a PostgreSQL for policies and audit is named at all."""
    return bool(settings.postgres_host.value)


def migrate(settings: Settings, *, first: int = 1, last: int = 999) -> tuple[Migration, ...]:
    """Apply what is missing of the files in this range, in order, in one transaction.

    Safe to run twice and from two places at once. Raises PhloSqlError(NEWER_SCHEMA) where the
    database holds migrations that this version does not have.
    """
    from psycopg import sql

    wanted = [each for each in migrations() if first <= each.number <= last]
    with connection(settings) as opened:
        opened.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for schema in (settings.access_schema.value, settings.audit_schema.value):
            opened.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        opened.execute(_expanded(_LEDGER, settings))
        done = _applied(opened, settings)
        _refuse_newer(done)
        missing = tuple(each for each in wanted if each.number not in done)
        for each in missing:
            opened.execute(_expanded(each.text, settings))
            opened.execute(
                sql.SQL(
                    "INSERT INTO {}.migrations (number, name, digest, version)"
                    " VALUES (%s, %s, %s, %s)"
                ).format(sql.Identifier(settings.access_schema.value)),
                [each.number, each.name, each.digest, __version__],
            )
    return missing


def applied(settings: Settings) -> frozenset[int]:
    """The numbers of the migrations in the database; empty where none ever ran.

    Raises PhloSqlError(NEWER_SCHEMA).
    """
    with connection(settings) as opened:
        done = _applied(opened, settings)
    _refuse_newer(done)
    return done


def run_file(opened: Connection, settings: Settings, name: str, **names: str) -> None:
    """Run another file of `sql/postgres/`, with further names for its `:"…"`."""
    text = _folder().joinpath(name).read_text(encoding="utf-8")
    opened.execute(_expanded(text, settings, **names))


def migrations() -> tuple[Migration, ...]:
    """Every numbered file, in order."""
    found = []
    for entry in _folder().iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text(encoding="utf-8")
            found.append(Migration(number=int(match[1]), name=match[2], text=text))
    return tuple(sorted(found, key=lambda each: each.number))


def one_line(text: str, settings: Settings) -> str:
    """A server's message on one line, without any secret."""
    return redact(" ".join(text.split()), settings)[:400]


def unreachable(settings: Settings, error: BaseException) -> PhloSqlError:
    """What a failed connection means."""
    text = one_line(str(error), settings)
    where = f"{settings.postgres_host.value}:{settings.postgres_port.value}"
    if "authentication failed" in text or "no password supplied" in text:
        return PhloSqlError(
            Code.NOT_AUTHENTICATED,
            f"PostgreSQL at {where} does not accept user {settings.postgres_user.value}",
            "check POSTGRES_USER and POSTGRES_PASSWORD",
        )
    return PhloSqlError(
        Code.SERVER_DOWN,
        f"PostgreSQL at {where} does not answer: {text}",
        "check POSTGRES_HOST and POSTGRES_PORT, and that the server runs",
    )


_LEDGER = """
CREATE TABLE IF NOT EXISTS :"access".migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    version text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE :"access".migrations IS 'Files of sql/postgres/ that were applied here'
"""


def _expanded(text: str, settings: Settings, **names: str) -> bytes:
    """The text with names in place of psql's `:"name"`; no parameters, so `%` is itself."""
    from psycopg import sql

    known = {"access": settings.access_schema.value, "audit": settings.audit_schema.value, **names}
    written = {name: sql.Identifier(value).as_string() for name, value in known.items()}
    return re.sub(r':"(\w+)"', lambda match: written[match[1]], text).encode()


def _applied(opened: Connection, settings: Settings) -> frozenset[int]:
    from psycopg import sql

    name = sql.Identifier(settings.access_schema.value, "migrations")
    there = opened.execute("SELECT to_regclass(%s)", [name.as_string()]).fetchone()
    if there is None or there[0] is None:
        return frozenset()
    rows = opened.execute(sql.SQL("SELECT number FROM {}").format(name)).fetchall()
    return frozenset(int(row[0]) for row in rows)


def _refuse_newer(done: frozenset[int]) -> None:
    if unknown := sorted(done - {each.number for each in migrations()}):
        raise PhloSqlError(
            Code.NEWER_SCHEMA,
            f"the database holds migration {unknown[-1]:03}, which phlo-sql {__version__} does not"
            " have: a newer version set it up",
            "upgrade phlo-sql here to the version that runs elsewhere",
        )


def _folder() -> Traversable:
    """`sql/postgres` inside the installed package, or beside it in a working copy."""
    packed = resources.files("phlo_sql") / "sql" / "postgres"
    return packed if packed.is_dir() else Path(__file__).parents[1] / "sql" / "postgres"


def _pool(settings: Settings) -> ConnectionPool[Connection]:
    import psycopg

    if not configured(settings):
        raise PhloSqlError(
            Code.MISSING_SETTING,
            "no PostgreSQL is named that keeps the policies and the audit trail",
            "set POSTGRES_HOST (and POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB)",
        )
    conninfo = psycopg.conninfo.make_conninfo(
        host=settings.postgres_host.value,
        port=settings.postgres_port.value,
        user=settings.postgres_user.value,
        password=settings.postgres_password.value.reveal(),
        dbname=settings.postgres_db.value,
        connect_timeout=_CONNECT_SECONDS,
        application_name="phlo-sql",
    )
    with _OPENING:
        return _POOLS.get(conninfo) or _open(conninfo)


def _open(conninfo: str) -> ConnectionPool[Connection]:
    import psycopg
    from psycopg_pool import ConnectionPool

    # The pool hides why it cannot connect, and tries for long: the first one asks directly.
    psycopg.connect(conninfo).close()
    made: ConnectionPool[Connection] = ConnectionPool(
        conninfo,
        min_size=1,
        max_size=4,
        timeout=_CONNECT_SECONDS,
        reconnect_timeout=_CONNECT_SECONDS,
        check=ConnectionPool.check_connection,
        open=True,
        name="phlo-sql",
    )
    if not _POOLS:
        atexit.register(close)
    _POOLS[conninfo] = made
    return made
