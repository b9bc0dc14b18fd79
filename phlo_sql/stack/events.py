"""The collector beside Trino: `access collect` on the stack's own PostgreSQL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from phlo_sql import config, postgres
from phlo_sql.access import store
from phlo_sql.stack.launch import Launch, get
from phlo_sql.stack.layout import USER, Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

LAST_TRINO = 476
"""The last Trino whose HTTP event listener Maven has."""


def launch(layout: Layout, env: Mapping[str, str]) -> Launch:
    """Makes the trail, and the first admin, before the collector starts."""
    settings = config.load(environ=env, cwd=layout.folder("events"))
    try:
        store.initialise(settings)
        if not store.read(settings)[0]:
            store.initialise(settings, admin=USER)
    finally:
        postgres.close()
    return Launch(
        name="events",
        command=[
            sys.executable,
            "-c",
            "from phlo_sql.cli import main; main()",
            "access",
            "collect",
            f"--port={layout.ports['events']}",
            f"--spool={layout.folder('events', 'spool')}",
        ],
        cwd=layout.folder("events"),
        log=layout.log("events"),
        port=layout.ports["events"],
        ready=lambda: get(f"{layout.url('events')}/health") is not None,
        deadline=60,
        env=env,
    )


def listener(layout: Layout) -> dict[str, object]:
    """Trino's event-listener.properties: it sends an event again for some five minutes."""
    return {
        "event-listener.name": "http",
        "http-event-listener.log-created": "false",
        "http-event-listener.log-completed": "true",
        "http-event-listener.log-split": "false",
        "http-event-listener.connect-ingest-uri": layout.url("events"),
        "http-event-listener.connect-http-headers": (
            f"Authorization:Bearer {layout.passwords['events']}"
        ),
        "http-event-listener.connect-retry-count": 60,
        "http-event-listener.connect-retry-delay": "1s",
        "http-event-listener.connect-backoff-base": 2,
        "http-event-listener.connect-max-delay": "5s",
    }
