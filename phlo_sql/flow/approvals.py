"""Holds every run to the settings' demand for an approval, and puts the approver on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql import approval
from phlo_sql.errors import PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.audit.journal import Journal
    from phlo_sql.config import Settings
    from phlo_sql.flow.edges import Edges
    from phlo_sql.runbook import Runbook


def hold(book: Runbook, edges: Edges, journal: Journal) -> tuple[str, ...]:
    """Who approved. Raises PhloSqlError(APPROVAL_REQUIRED), on record."""
    return hold_to(book, edges.settings, journal)


def hold_to(book: Runbook, settings: Settings, journal: Journal) -> tuple[str, ...]:
    """The same for a runbook that another session than Trino's runs."""
    try:
        approvers = approval.require(book, book.plan.planned_by, settings)
    except PhloSqlError as error:
        journal.write(
            "refused",
            command=book.plan.command,
            table=str(book.plan.table),
            ref=book.plan.ref,
            runbook=book.digest,
            error=str(error),
        )
        raise
    if approvers:
        journal.write("approved", runbook=book.digest, approvers=list(approvers))
    return approvers
