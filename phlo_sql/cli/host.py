"""The program that runs our commands inside itself, where there is one: it may forbid, and records.

phlo is such a host (`phlo_sql.plugin`). Alone, phlo-sql has none.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from phlo_sql.errors import PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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


@contextmanager
def doing(*deeds: Deed) -> Iterator[dict[str, Any]]:
    """Ask the host, where there is one, before anything is done, and tell it afterwards what came
    of it, also of a failure. Who does it writes that into what is given: `status`, and the rest.

    Raises PhloSqlError(ACCESS_DENIED…) as the host says.
    """
    host = _HOST.get()
    outcome: dict[str, Any] = {"status": "failed"}
    if host is None:
        yield outcome
        return
    for each in deeds:
        host.authorize(each)
    try:
        yield outcome
    except PhloSqlError as error:
        outcome |= {"reason_code": error.code.reason, "error": error.problem}
        raise
    finally:
        for each in deeds:
            host.record(each, outcome)
