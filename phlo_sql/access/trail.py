"""From the journal on disk to the audit trail in PostgreSQL.

The journal is the spool: an event is on disk before anything else happens. What belongs to a trail
says so in its line, and a cursor beside the journal says up to where it was delivered; an event
that is delivered twice, after a crash between the two, is stored once by its id.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from phlo_sql import postgres
from phlo_sql.access import remembered
from phlo_sql.audit import store
from phlo_sql.audit.journal import belongs
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from phlo_sql.config import Settings

_BATCH = 1000
_OWN = ("timestamp", "operation", "event", "trail", "user", "action", "table", "ref", "error")
_TEXTS = re.compile(r"'(?:[^']|'')*'")


_BEGUN: list[Settings] = []


def begin(settings: Settings) -> None:
    """From here on events are marked for the trail of these settings, where there is one.

    Where PostgreSQL is away, there is one if the policies that it enforces are remembered.
    """
    there = _there(settings)
    belongs(name_of(settings) if there else None)
    _BEGUN[:] = [settings] if there else []


def finish(journal: Path) -> None:
    """Deliver what the command left; what PostgreSQL does not take now, it is given next time."""
    while _BEGUN:
        with suppress(PhloSqlError, OSError):  # the command is done; the journal holds all of it
            deliver(_BEGUN.pop(), journal)
    belongs(None)


def require(settings: Settings, journal: Path) -> None:
    """Before a change: the trail must take what is to come. Raises PhloSqlError(SERVER_DOWN)
    unless `audit_on_failure = spool`."""
    if not _BEGUN:
        return
    try:
        deliver(settings, journal)
    except PhloSqlError as error:
        if error.code is not Code.SERVER_DOWN or settings.audit_on_failure.value == "spool":
            return
        raise


def deliver(settings: Settings, journal: Path) -> int:
    """Append what the trail does not have yet; returns how many rows that were.

    Raises PhloSqlError where PostgreSQL does not take it; it stays for the next time.
    """
    trail = name_of(settings)
    delivered = 0
    with _cursor(journal, trail) as cursor:
        for events, end in _batches(journal, trail, cursor.at):
            full = settings.audit_query_text.value == "full"
            delivered += store.append(settings, [_row(event, full=full) for event in events])
            cursor.move(end)
    return delivered


def name_of(settings: Settings) -> str:
    """A trail's name: the same for whoever writes to the same schema."""
    where = (
        settings.postgres_host.value,
        settings.postgres_port.value,
        settings.postgres_db.value,
        settings.audit_schema.value,
    )
    return hashlib.sha256("\0".join(map(str, where)).encode()).hexdigest()[:16]


def _there(settings: Settings) -> bool:
    if not postgres.configured(settings):
        return False
    try:
        return store.there(settings)
    except PhloSqlError:
        try:
            return remembered.recall(settings) is not None
        except LookupError:
            return False


class _Cursor:
    """Up to which byte the journal was delivered to one trail."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        text = os.read(handle, 32).decode("ascii", "replace").strip()
        self.at = int(text) if text.isdigit() else 0

    def move(self, to: int) -> None:
        os.pwrite(self.handle, f"{to:020}\n".encode(), 0)
        os.fsync(self.handle)
        self.at = to


@contextmanager
def _cursor(journal: Path, trail: str) -> Iterator[_Cursor]:
    """One process delivers at a time."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    path = journal.with_name(f"{journal.stem}-{trail}.delivered")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        cursor = _Cursor(handle)
        if journal.exists() and cursor.at > journal.stat().st_size:
            cursor.at = 0  # another journal of the same name: the ids keep rows from doubling
        yield cursor
    finally:
        os.close(handle)


def _batches(
    journal: Path, trail: str, start: int
) -> Iterator[tuple[list[tuple[str, Mapping[str, Any]]], int]]:
    """Events of the trail with their ids, and the byte behind them."""
    if not journal.exists():
        return
    host = socket.gethostname()
    found: list[tuple[str, Mapping[str, Any]]] = []
    with journal.open("rb") as lines:
        lines.seek(start)
        end = start
        for line in lines:
            if not line.endswith(b"\n"):
                break  # is being written, or was cut short by a crash
            begin, end = end, end + len(line)
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("trail") == trail:
                place = f"{host}\0{journal}\0{begin}\0".encode()
                found.append((hashlib.sha256(place + line).hexdigest(), event))
            if len(found) >= _BATCH:
                yield found, end
                found = []
    if end > start:
        yield found, end


def _row(given: tuple[str, Mapping[str, Any]], *, full: bool) -> dict[str, Any]:
    """An event of the journal as `audit.append` takes it."""
    named, event = given
    decision = event.get("decision") or {}
    details = {name: value for name, value in event.items() if name not in _OWN}
    error = event.get("error")
    if not full:
        error = _TEXTS.sub("'?'", error) if error else None
        if "sql" in details:
            details["sql"] = _shape(str(details["sql"]))
    return {
        "id": named,
        "happened_at": event["timestamp"],
        "source": "phlo-sql",
        "operation": event["operation"],
        "event": event["event"],
        "action": event.get("action") or _action(event.get("command")),
        "user": event.get("user") or decision.get("user"),
        "table": event.get("table"),
        "ref": event.get("ref"),
        "denied": event["event"] == "refused",
        "error": error,
        "details": details,
    }


def _action(command: object) -> str | None:
    return str(command).split()[-1] if command else None


def _shape(sql: str) -> str:
    """The statement with `?` in place of every value."""
    from phlo_sql import dialect

    try:
        return dialect.shape(dialect.parse(sql))
    except PhloSqlError:
        return sql.split(maxsplit=1)[0] if sql.split() else ""
