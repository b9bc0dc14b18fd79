"""The program that runs our commands inside itself, where there is one: it may forbid, and records.

phlo is such a host (`phlo_sql.plugin`). Alone, phlo-sql has none.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something about to be changed; `command` as people type it, without the program's name."""

    command: str
    resource: str
    """The table as `catalog.schema.table`, or what else the command changes."""
    ref: str | None = None
    destructive: bool = False


class Host(Protocol):
    def authorize(self, deed: Deed) -> None:
        """Raise PhloSqlError where the host forbids it."""

    def record(self, deed: Deed, outcome: Mapping[str, Any]) -> None:
        """Keep what came of it: `status`, `reason_code`, `operation`, `error`."""


_HOST: ContextVar[Host | None] = ContextVar("phlo_sql_host", default=None)


def install(host: Host) -> None:
    _HOST.set(host)


def authorize(deed: Deed) -> None:
    """Ask the host, where there is one. Raises PhloSqlError(ACCESS_DENIED…) as the host says."""
    host = _HOST.get()
    if host is not None:
        host.authorize(deed)


def record(deed: Deed, outcome: Mapping[str, Any]) -> None:
    """Tell the host, where there is one."""
    host = _HOST.get()
    if host is not None:
        host.record(deed, outcome)
