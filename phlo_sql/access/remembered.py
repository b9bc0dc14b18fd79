"""The policies as they were last read, for hours in which PostgreSQL is away.

Used only where `audit_on_failure = spool` says that work goes on then, and for a day at most. Trino
keeps enforcing what was published meanwhile.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql.access.document import read_document, write_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings

_AT_MOST = timedelta(days=1)


def remember(settings: Settings, grants: Sequence[Grant] | None) -> None:
    """Keep them, readable for their owner only; None: no policies were ever made there."""
    if settings.audit_on_failure.value != "spool":
        return
    path = _path(settings)
    content = json.dumps(
        {
            "read_at": datetime.now(UTC).isoformat(),
            "policies": None if grants is None else write_document(grants),
        }
    )
    with suppress(OSError):  # a reminder that can't be kept is only missed when it is needed
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(content)
        beside.replace(path)


def recall(settings: Settings) -> tuple[Grant, ...] | None:
    """The grants of then, or None where there were no policies.

    Raises LookupError where there is nothing to go by.
    """
    if settings.audit_on_failure.value != "spool":
        raise LookupError("the settings want PostgreSQL itself")
    try:
        found = json.loads(_path(settings).read_text(encoding="utf-8"))
        age = datetime.now(UTC) - datetime.fromisoformat(found["read_at"])
        text = found["policies"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LookupError("nothing is remembered") from error
    if age > _AT_MOST:
        raise LookupError("what is remembered is too old")
    return None if text is None else read_document(text, "the remembered policies")


def _path(settings: Settings) -> Path:
    place = "\n".join(
        str(settings[name].value)
        for name in ("postgres_host", "postgres_port", "postgres_db", "access_schema")
    )
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    digest = hashlib.sha256(place.encode()).hexdigest()[:16]
    return Path(state) / "phlo-sql" / "policies" / f"{digest}.json"
