"""A refusal by the policies goes on record also where nothing had begun: dry runs, grants."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql.audit.journal import Journal
from phlo_sql.cli.connection import journal_path

if TYPE_CHECKING:
    from phlo_sql.errors import PhloSqlError


def record(error: PhloSqlError) -> None:
    """One event of an operation of its own. What was refused stays so where it can't be kept."""
    decision = error.data["decision"]
    operation = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:12]}"
    with suppress(OSError):
        Journal(path=journal_path(), operation=operation).write(
            "refused",
            action=error.data.get("action"),
            table=decision["resource"],
            decision=decision,
            error=str(error),
        )
