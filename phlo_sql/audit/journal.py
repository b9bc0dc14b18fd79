"""The journal of operations: one JSON line per event, appended and synced, never rewritten.

A line is written when an operation or step starts and another when it ends, so a killed run leaves
its last start without an end.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import PhloSqlError, not_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


_TRAIL: list[str] = []


def belongs(trail: str | None) -> None:
    """Mark every event from here on as one of this audit trail; None: of no trail."""
    _TRAIL[:] = [trail] if trail else []


def trail_of_now() -> str | None:
    """The trail that events are marked for."""
    return _TRAIL[0] if _TRAIL else None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Appends events of one operation to `path` (made with mode 0600 where it is missing)."""

    path: Path
    operation: str
    clock: Callable[[], datetime] = _now

    def keep(self, digest: str, text: str) -> None:
        """Store the text of a runbook that runs, under its digest beside the journal.

        Raises PhloSqlError(NOT_WRITABLE).
        """
        path = kept(self.path, digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise not_writable(error) from error

    def write(self, event: str, **facts: Any) -> None:
        """Append one event. Raises PhloSqlError(NOT_WRITABLE)."""
        line = {
            "timestamp": self.clock().isoformat(timespec="milliseconds"),
            "operation": self.operation,
            "event": event,
            **({"trail": _TRAIL[0]} if _TRAIL else {}),
            **facts,
        }
        try:
            self._append((json.dumps(line, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            raise not_writable(error, str(self.path)) from error

    def last(self, event: str, **facts: Any) -> None:
        """Append one event of a run that has failed already: a full disk does not hide why."""
        with suppress(PhloSqlError):
            self.write(event, **facts)

    def _append(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)


def kept(journal: Path, digest: str) -> Path:
    """Where the runbook of this digest is stored."""
    return journal.parent / "runbooks" / f"{digest}.sql"


def events(path: Path) -> Iterator[Mapping[str, Any]]:
    """Every whole event of a journal, oldest first; a line cut short by a crash is passed over."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                continue
