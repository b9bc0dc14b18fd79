"""Settings and the Trino session of one command, and where its journal lies."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql import config
from phlo_sql.observe import trino

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.observe.trino import TrinoSession


_OPENED: ContextVar[list[TrinoSession] | None] = ContextVar("phlo_sql_opened", default=None)


@contextmanager
def gathered() -> Iterator[list[TrinoSession]]:
    """Sessions of commands that run inside, for another thread to cancel what they run."""
    sessions: list[TrinoSession] = []
    token = _OPENED.set(sessions)
    try:
        yield sessions
    finally:
        _OPENED.reset(token)


@contextmanager
def connected(options: Options) -> Iterator[tuple[Settings, TrinoSession]]:
    """Settings from every layer, flags on top, and a session that is closed at the end."""
    settings = config.load(dict(options.flags))
    with trino.connect(settings) as session:
        if settings.postgres_host.value:
            from phlo_sql.access import trail

            trail.begin(settings)
        if (sessions := _OPENED.get()) is not None:
            sessions.append(session)
        yield settings, session


def journal_path() -> Path:
    """`operations.jsonl` under XDG_STATE_HOME."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "phlo-sql" / "operations.jsonl"
