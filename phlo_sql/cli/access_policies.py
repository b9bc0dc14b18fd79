"""What the commands of `access` that change policies do: plan, show or save, ask, run, publish."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql import config, dialect, postgres
from phlo_sql import runbook as runbooks
from phlo_sql.access import changes, document, guard, store
from phlo_sql.access.changes import Asked, Changes, PolicySession
from phlo_sql.access.decide import catalogs_of
from phlo_sql.access.resource import bare
from phlo_sql.audit.journal import Journal
from phlo_sql.cli import draw, host
from phlo_sql.cli.confirmation import confirmed
from phlo_sql.cli.connection import connected, journal_path
from phlo_sql.cli.output import Report, console
from phlo_sql.cli.plan_document import plan_document
from phlo_sql.cli.progress import watching
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import execute
from phlo_sql.flow.approvals import hold_to
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.access.grants import Grant, Principal, Role
    from phlo_sql.access.resource import Resource
    from phlo_sql.cli.options import Options
    from phlo_sql.config import Settings
    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.runbook import Runbook


def initialise(admin: str | None, database_role: str | None, options: Options) -> Report:
    """Migrations, the first admin, and the privileges of the role that runs phlo-sql."""
    settings = config.load(dict(options.flags))
    deed = host.Deed(command="access init", resource=str(settings.access_schema.value))
    try:
        with host.doing(deed) as outcome:
            made = store.initialise(settings, admin=admin, database_role=database_role)
            outcome["status"] = "success" if made.changed else "noop"
    finally:
        postgres.close()

    def human(out: Console) -> None:
        for each in made.migrations:
            out.print(f"applied {each}")
        if made.admin:
            out.print(f"{made.admin} is admin of everything", soft_wrap=True)
        if made.database_role:
            out.print(f"database role {made.database_role} has its privileges", soft_wrap=True)
        if not made.changed:
            out.print("nothing to do: the schemas are up to date")

    return Report(
        status="success" if made.changed else "noop",
        data={"migrations": list(made.migrations), "admin": made.admin},
        warnings=made.warnings,
        human=human,
    )


def grant(wanted: Grant, until: str | None, command_line: str, options: Options) -> Report:
    """One grant more, or another end or reason of one that is there."""
    now = datetime.now(UTC)
    asked_for = replace(
        wanted, until=document.parse_until(until, now) if until is not None else None
    )
    with connected(options) as (settings, session):
        identity = guard.require_granter(settings, session, [asked_for.resource])
        current, digest = store.read(settings)
        found = changes.difference(current, [asked_for])
        made = Changes(missing=found.missing, changed=found.changed)
        asked = Asked(
            command=changes.GRANT,
            command_line=command_line,
            user=identity.user,
            now=now,
            digest=digest,
        )
        report = change_policies(made, asked, settings, options, ask=False)
        unknown = _unknown_catalog(asked_for.resource, settings, session)
        return replace(report, warnings=(*report.warnings, *unknown))


def revoke(
    principal: Principal,
    role: Role | None,
    resource: Resource,
    command_line: str,
    options: Options,
) -> Report:
    """Every role, or the named one, that was granted on exactly this resource."""
    with connected(options) as (settings, session):
        identity = guard.require_granter(settings, session, [resource], "revoke")
        current, digest = store.read(settings)
        found = tuple(
            each
            for each in current
            if each.principal == principal
            and each.resource == resource
            and role in (None, each.role)
        )
        if not found:
            raise _not_granted(principal, role, resource, current)
        asked = Asked(
            command=changes.REVOKE,
            command_line=command_line,
            user=identity.user,
            now=datetime.now(UTC),
            digest=digest,
        )
        return change_policies(Changes(surplus=found), asked, settings, options, ask=False)


def apply_file(
    file: str, *, prune: bool, exit_code: bool, command_line: str, options: Options
) -> Report:
    """The policies of a file: what is missing is granted, what differs changed, and with `prune`
    what is not in the file taken away. `exit_code`: only compare."""
    wanted = document.read_document(_text(file), file)
    with connected(options) as (settings, session):
        current, digest = store.read(settings)
        found = changes.difference(current, wanted)
        touched = [each.resource for each in found.missing]
        touched += [new.resource for _, new in found.changed]
        touched += [each.resource for each in found.surplus if prune]
        if exit_code:
            return _compared(found)
        identity = guard.require_granter(settings, session, touched)
        asked = Asked(
            command=changes.APPLY,
            command_line=command_line,
            user=identity.user,
            now=datetime.now(UTC),
            digest=digest,
        )
        kept = Changes(
            missing=found.missing, changed=found.changed, surplus=found.surplus if prune else ()
        )
        return change_policies(kept, asked, settings, options, ask=True, found=found)


def apply_runbook(text: str, options: Options) -> Report:
    """Run a saved runbook of policies."""
    book = runbooks.read(text)
    with connected(options) as (settings, session):
        resources = changes.resources_of(book, settings)
        guard.require_granter(settings, session, resources)
        if not options.as_json:
            draw.plan(console(), book.plan)
        confirm(book, options)
        return _run(book, settings)


def undo_runbook(book: Runbook, done: Sequence[int], file: str, options: Options) -> Report:
    """Take back what was recorded of a runbook of policies."""
    with connected(options) as (settings, session):
        resources = changes.resources_of(book, settings)
        identity = guard.require_granter(settings, session, resources)
        _, digest = store.read(settings)
        asked = Asked(
            command=changes.APPLY,
            command_line=shlex.join(["phlo-sql", "runbook", "undo", file]),
            user=identity.user,
            now=datetime.now(UTC),
            digest=digest,
        )
        back = runbooks.write(changes.compile_undo(book, done, asked))
        if options.out:
            Path(options.out).write_text(back.text, encoding="utf-8")
        if options.dry_run or options.out:
            return _planned(back, {}, (), options)
        if not options.as_json:
            draw.plan(console(), back.plan)
        confirm(back, options)
        return _run(back, settings)


def confirm(book: Runbook, options: Options) -> None:
    """Ask before policies change."""
    count = len(book.plan.steps)
    confirmed(
        f"Change {count} grant(s)?",
        options,
        needing=f"{book.plan.command}, which changes {count} grant(s),",
        data={"plan": plan_document(book)},
    )


def change_policies(
    made: Changes,
    asked: Asked,
    settings: Settings,
    options: Options,
    *,
    ask: bool,
    found: Changes | None = None,
) -> Report:
    """Show the changes, save them, or make and publish them; `found`: all that differs, where some
    of it stays."""
    data = (found or made).document()
    if not made:
        return Report(
            status="noop",
            data=data,
            reason_code="no_changes",
            warnings=_left(found),
            human=lambda out: out.print("nothing to do: the policies say that already"),
        )
    book = runbooks.write(changes.compile_changes(made, asked, settings))
    if options.out:
        Path(options.out).write_text(book.text, encoding="utf-8")
    if options.dry_run or options.out:
        return _planned(book, data, _left(found), options)
    if ask:
        if not options.as_json:
            draw.plan(console(), book.plan)
        confirm(book, options)
    report = _run(book, settings)
    return replace(report, data={**report.data, **data}, warnings=(*report.warnings, *_left(found)))


def _planned(
    book: Runbook, data: dict[str, Any], warnings: tuple[str, ...], options: Options
) -> Report:
    def human(out: Console) -> None:
        draw.plan(out, book.plan)
        if options.out:
            out.print(f"saved: {options.out}", soft_wrap=True)

    command = f"phlo-sql runbook apply {options.out}" if options.out else book.plan.command_line
    return Report(
        status="planned",
        data={"plan": plan_document(book), **data},
        warnings=warnings,
        reason_code="dry_run" if options.dry_run else None,
        next_steps=((command, "to run this plan"),),
        human=human,
    )


def _run(book: Runbook, settings: Settings) -> Report:
    reread = runbooks.read(book.text)  # what was shown is what runs
    named = dict.fromkeys(map(str, changes.resources_of(reread, settings)))
    deeds = [host.Deed(command=reread.plan.command, resource=each) for each in named]
    with host.doing(*deeds) as outcome:
        report = _stored(reread, settings)
        outcome |= {
            "operation_id": report.data["operation"],
            "runbook": reread.digest,
            "status": report.status,
            "reason_code": report.reason_code,
        }
    return report


def _stored(reread: Runbook, settings: Settings) -> Report:
    from phlo_sql.access import publish, trail

    trail.require(settings, journal_path())
    started = datetime.now(UTC)
    journal = Journal(path=journal_path(), operation=f"{started:%Y%m%dT%H%M%S}-{reread.id}")
    hold_to(reread, settings, journal)
    journal.write(
        "granted",
        command=reread.plan.command,
        user=reread.plan.planned_by,
        table=str(reread.plan.table),
        runbook=reread.digest,
    )
    with watching(quiet=True) as watch:
        execute(reread, PolicySession(settings=settings), journal, watch)
    journal.write("policies changed", changes=[step.summary for step in reread.plan.steps])
    published = publish.Published()
    if settings.access_opa_bundle.value or settings.access_rules_file.value:
        with store.read_alone(settings) as (grants, digest):
            published = publish.everywhere(settings, grants, digest)
    plan = reread.plan

    def human(out: Console) -> None:
        for step in plan.steps:
            out.print(step.summary, soft_wrap=True)
        for each in published.places:
            out.print(f"published: {each}", soft_wrap=True)

    return Report(
        status="partial" if published.failures else "success",
        data={
            "plan": plan_document(reread),
            "operation": journal.operation,
            "published": list(published.places),
        },
        warnings=published.warnings,
        errors=tuple(f"{Code.NOT_PUBLISHED.id}: {line}" for line in published.failures),
        reason_code=Code.NOT_PUBLISHED.reason if published.failures else None,
        next_steps=(("phlo-sql access publish", "to publish what was stored"),)
        if published.failures
        else (),
        exit_code=Code.NOT_PUBLISHED.exit_code if published.failures else 0,
        human=human,
    )


def _compared(found: Changes) -> Report:
    lines = [
        *(f"missing: {each}" for each in found.missing),
        *(f"changed: {new}" for _, new in found.changed),
        *(f"surplus: {each}" for each in found.surplus),
    ]

    def human(out: Console) -> None:
        for line in lines or ["the policies are as the file says"]:
            out.print(line, soft_wrap=True)

    return Report(
        status="error" if found else "success",
        data={**found.document(), "differences": lines},
        reason_code="drift" if found else None,
        exit_code=1 if found else 0,
        human=human,
    )


def _left(found: Changes | None) -> tuple[str, ...]:
    """What stays although the file does not have it."""
    if found is None or not found.surplus:
        return ()
    return (
        f"{len(found.surplus)} grant(s) are not in the file; --prune takes them away: "
        + "; ".join(map(str, found.surplus[:5])),
    )


def _not_granted(
    principal: Principal, role: Role | None, resource: Resource, current: Sequence[Grant]
) -> PhloSqlError:
    others = [str(each) for each in current if each.principal == principal]
    what = f"{role} on {resource}" if role else f"nothing on {resource}"
    problem = f"{what} was {'never ' if role else ''}granted to {principal}"
    hint = f"{principal} has {'; '.join(others[:3])}" if others else f"{principal} has no grant"
    return PhloSqlError(Code.NOT_GRANTED, problem, hint)


def _unknown_catalog(
    resource: Resource, settings: Settings, session: TrinoSession
) -> tuple[str, ...]:
    """A schema is easily named where a catalog belongs; but a grant may come before its catalog."""
    catalogs = [name for name in catalogs_of(resource, settings) if "*" not in name]
    if not catalogs:
        return ()
    source = TableName(catalog="system", schema="metadata", name="catalogs")
    rows = session.query(dialect.select(["catalog_name"], dialect.table(source)))
    there = {str(row[0]) for row in rows}
    return tuple(
        f"the server shows no catalog {bare(name)}: a resource begins with its catalog"
        for name in catalogs
        if bare(name) not in there
    )


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PhloSqlError(
            Code.BAD_POLICY, f"{file} cannot be read as text: {error}", "name a YAML file"
        ) from error
