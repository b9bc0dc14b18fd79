"""Grants that come over with a migrated table, and go with it when it is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql.access import carried, guard, store
from phlo_sql.access.changes import GRANT, REVOKE, Asked, Changes, difference
from phlo_sql.audit.journal import Journal
from phlo_sql.cli.access_policies import change_policies
from phlo_sql.cli.connection import journal_path
from phlo_sql.cli.output import Report
from phlo_sql.errors import PhloSqlError
from phlo_sql.flow.carrying import commanded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from rich.console import Console

    from phlo_sql.access.grants import Grant
    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.plan import Plan

GRANTED = "grants made"
"""The journal's event that the grants which follow an operation were made: who revokes one later is
heard."""


def followed(
    report: Report, plan: Plan, settings: Settings, session: TrinoSession, options: Options
) -> Report:
    """The report of a plan that ran, once its grants or revokes are made too; where they can't be,
    it is a partial one, with the commands as next steps."""
    given, taken = _wanted(plan)
    if not given and not taken:
        return report
    made: Sequence[Grant] = given
    try:
        own = _changed(given, taken, plan, session, options, settings)
        if given:
            Journal(path=journal_path(), operation=str(report.data["operation"])).write(GRANTED)
    except PhloSqlError as error:
        own, made = _refused(error, given, taken, plan), ()

    def human(out: Console) -> None:
        if report.human is not None:
            report.human(out)
        if own.human is not None:
            own.human(out)

    return replace(
        report,
        status=own.status if own.errors else report.status,
        data={**report.data, "grants": [each.document() for each in made]},
        warnings=(*report.warnings, *own.warnings),
        errors=(*report.errors, *own.errors),
        reason_code=own.reason_code if own.errors else report.reason_code,
        next_steps=(*report.next_steps, *own.next_steps),
        exit_code=own.exit_code or report.exit_code,
        human=human,
    )


def _refused(
    error: PhloSqlError, given: Sequence[Grant], taken: Sequence[Grant], plan: Plan
) -> Report:
    commands = [carried.command(each) for each in given]
    commands += [carried.command(each, carried.REVOKE) for each in taken]
    undone = "made" if given else "taken away"
    told = f"{plan.command} on {plan.table} is done, but its grants are not {undone}"
    return Report(
        status="partial",
        data={},
        errors=(f"{error.code.id}: {told}: {error.problem} ({error.hint})",),
        reason_code=error.code.reason,
        next_steps=tuple((each, "once PostgreSQL lets it") for each in commands),
        exit_code=error.code.exit_code,
    )


def _changed(
    given: Sequence[Grant],
    taken: Sequence[Grant],
    plan: Plan,
    session: TrinoSession,
    options: Options,
    settings: Settings,
) -> Report:
    resources = [each.resource for each in (*given, *taken)]
    identity = guard.require_granter(settings, session, resources)
    current, digest = store.read(settings)
    there, now = {each.key: each for each in current}, datetime.now(UTC)
    found = difference(current, given)
    made = Changes(
        missing=found.missing,
        changed=tuple(each for each in found.changed if not each[0].in_force(now)),
        surplus=tuple(there[each.key] for each in taken if each.key in there),
    )
    asked = Asked(
        command=GRANT if given else REVOKE,
        command_line=plan.command_line,
        user=identity.user,
        now=now,
        digest=digest,
    )
    return change_policies(made, asked, settings, options, ask=False)


def missing(plan: Plan, grants: Collection[Grant]) -> bool:
    """Whether the plan has grants that nobody made, `grants` being all there are: its run was
    killed before them, or PostgreSQL refused them."""
    given, _ = _wanted(plan)
    now = datetime.now(UTC)
    there = {each.key for each in grants if each.in_force(now)}
    return any(each.key not in there for each in given)


def _wanted(plan: Plan) -> tuple[list[Grant], list[Grant]]:
    """Grants to make that are still in force, and grants to take away."""
    now = datetime.now(UTC)
    lines = commanded(plan)
    given = [each for verb, each in lines if verb == carried.GRANT and each.in_force(now)]
    return given, [each for verb, each in lines if verb == carried.REVOKE]
