"""A migration under way: which of its steps are done, what of it still runs, what is its own."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql import __version__, dialect
from phlo_sql.compile.migrate_names import PREFIX, Facts, Staging, staging_of
from phlo_sql.compile.migrate_reading import PATH
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute.steps import answer
from phlo_sql.flow.edges import physical
from phlo_sql.model.names import TableName
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phlo_sql.audit.journal import Journal
    from phlo_sql.flow.edges import Edges
    from phlo_sql.plan import Check, Plan, Step
    from phlo_sql.runbook import Runbook

MIGRATIONS = ("migrate convert", "migrate detach", "migrate from-hive", "migrate from-glue")
QUERIES = TableName(catalog="system", schema="runtime", name="queries")
ROLLED_BACK = "rolled back"
"""The journal's event that a runbook's run was taken back; `runbook` is its digest."""
FOUND = "step found done"
"""The journal's event that a step of a killed run had taken effect."""
_STOPPING = 30.0
"""Seconds that a query which was told to stop is waited for."""


def facts_of(command: str, table: TableName, command_line: str, trino_version: int) -> Facts:
    """What stands in the header of a migration's runbook, made now and here."""
    return Facts(
        command=command,
        table=table,
        command_line=command_line,
        trino_version=trino_version,
        now=datetime.now(UTC).replace(microsecond=0),
        planned_by=f"phlo-sql {__version__}",
    )


def staging(plan: Plan, edges: Edges) -> Staging:
    """What the plan stages, under the names of this server."""
    table = plan.table.within(edges.settings.trino_catalog.value)
    return staging_of(plan, physical(table, plan.ref, edges))


def refuse_unstaged(book: Runbook, edges: Edges) -> None:
    """Raises PhloSqlError(WRONG_TARGET) where a statement reaches past the migration's own catalogs
    and the table that the header names: permissions are asked for that table."""
    own = staging(book.plan, edges)
    for step in book.plan.steps:
        for tree in (step.statement, step.undo.statement):
            if tree is not None and not _is_own(tree, own):
                raise PhloSqlError(
                    Code.WRONG_TARGET,
                    f"step {step.id} changes more than {own.target} and what the migration makes",
                    "make it again here with the command in its header",
                )


def _is_own(tree: dialect.Statement, own: Staging) -> bool:
    called = dialect.read_call(tree)
    if called is not None and called.parts[0] == own.target.catalog:
        given = dialect.describe(tree).arguments
        named = (given.get("schema_name"), given.get("table_name"))
        return named in {(each.schema, each.name) for each in (own.target, own.before)}
    renamed = copying.renaming_of(tree)
    if renamed is not None:
        return set(renamed) == {own.target, own.before}
    catalog = copying.catalog_of(tree)
    return catalog is None or catalog.startswith(f"{PREFIX}{own.run}_")


# ------------------------------------------------------------------ what is done
def left(
    book: Runbook, edges: Edges, journal: Journal, past: Iterable[Mapping[str, Any]]
) -> Runbook:
    """The runbook without the steps that earlier runs of it did. One that was begun and of which no
    end is recorded is looked for on the server.

    Raises PhloSqlError where all is done, or where a step is half done.
    """
    done, doubtful = ended(book.digest, past)
    if not done and not doubtful:
        return book
    stop_running(staging(book.plan, edges), edges)
    for step in book.plan.steps:
        if step.id in doubtful and happened(step, book.plan, done, edges):
            done.add(step.id)
            journal.write(FOUND, step=step.id, runbook=book.digest)
    steps = tuple(step for step in book.plan.steps if step.id not in done)
    if not steps:
        raise PhloSqlError(
            Code.TARGET_EXISTS,
            f"this runbook ran to its end: {book.plan.table} is there",
            "nothing is left to do; `migrate rollback` takes it away again",
        )
    edges.note(f"{len(done)} of {len(book.plan.steps)} steps are done already")
    return replace(book, plan=replace(book.plan, steps=steps))


def ended(digest: str, past: Iterable[Mapping[str, Any]]) -> tuple[set[int], set[int]]:
    """Steps of a runbook that ended well, and those that were begun without a known end."""
    mine: set[str] = set()
    done: set[int] = set()
    begun: set[int] = set()
    for event in past:
        match event.get("event"):
            case "started" if event.get("runbook") == digest:
                mine.add(str(event["operation"]))
            case "rolled back" if event.get("runbook") == digest:
                done.clear()
                begun.clear()
            case "step found done" if event.get("runbook") == digest:
                done.add(int(event["step"]))
            case "step started" if event.get("operation") in mine:
                begun.add(int(event["step"]))
            case "step finished" if event.get("operation") in mine:
                done.add(int(event["step"]))
            case _:
                pass
    return done, begun - done


def happened(step: Step, plan: Plan, done: set[int], edges: Edges) -> bool:
    """Whether a step took effect though nobody wrote down its end."""
    match step.kind:
        case Kind.PROCEDURE:
            return _added(step, plan, done, edges)
        case Kind.WRITE:
            return _written(step, plan, done, edges)
        case _:
            checks = step.checks
            if not checks:
                return False  # running it again does no harm: IF EXISTS, or it only reads
            return all(_agrees(check, edges) for check in checks)


def _agrees(check: Check, edges: Edges) -> bool:
    try:
        return answer(check, edges.session) == check.expected
    except PhloSqlError as error:
        # A table of a catalog that is gone is gone too.
        if error.code in (Code.UNKNOWN_CATALOG, Code.UNKNOWN_SCHEMA, Code.UNKNOWN_TABLE):
            return check.expected == "0"
        raise


def _added(step: Step, plan: Plan, done: set[int], edges: Edges) -> bool:
    table = staging(plan, edges).table
    before = _total(plan, done, "added_data_files")
    now = int(answer_of(copying.count_files(table), edges))
    return _judged(step, before, now, int(step.predicts.added_data_files or 0))  # type: ignore[arg-type]  # never a range here


def _written(step: Step, plan: Plan, done: set[int], edges: Edges) -> bool:
    table = staging(plan, edges).table
    where = copying.where_of(step.statement)
    sliced = where is not None and (PATH,) in dialect.columns_of(where)
    if where is None or sliced:
        before = _total(plan, done, "rows")
        now = int(answer_of(dialect.count_rows(table), edges))
    else:
        before, now = 0, int(answer_of(dialect.count_rows(table, where), edges))
    rows = step.predicts.rows
    if rows is None and not sliced:
        # Nobody else writes these rows, and an INSERT is one commit: they are there, or none is.
        return now > 0
    return _judged(step, before, now, None if rows is None else int(rows))  # type: ignore[arg-type]  # never a range here


def _judged(step: Step, before: int, now: int, adds: int | None) -> bool:
    if now == before:
        return adds == 0 and step.kind is Kind.WRITE
    if adds is not None and now == before + adds:
        return True
    raise PhloSqlError(
        Code.UNPROVABLE,
        f"step {step.id} is half known: {now} where {before} or {before + (adds or 0)} were "
        "expected",
        "go back with `migrate rollback`, then start again",
    )


def _total(plan: Plan, done: set[int], figure: str) -> int:
    found = [getattr(step.predicts, figure) for step in plan.steps if step.id in done]
    return sum(each for each in found if isinstance(each, int))


def answer_of(query: dialect.Statement, edges: Edges) -> str:
    return str(edges.session.query(query)[0][0])


# ------------------------------------------------------------------ what still runs
def still_running(own: Staging, edges: Edges) -> list[str]:
    """Queries of this migration that the server still runs: one whose client was killed goes on."""
    rows = edges.session.query(copying.running_queries(QUERIES, f"{PREFIX}{own.run}"))
    return [str(row[0]) for row in rows]


def kill(query_id: str) -> dialect.Statement:
    return dialect.call(
        "system",
        "kill_query",
        {"query_id": query_id, "message": "the migration is taken back"},
        schema="runtime",
    )


def stop_running(own: Staging, edges: Edges) -> None:
    """Stop what still runs, and wait until it did. Raises PhloSqlError(SERVER_DOWN)."""
    for each in still_running(own, edges):
        edges.note(f"stopping query {each}, whose client is gone")
        edges.session.run(kill(each))
    await_stopped(own, edges)


def await_stopped(own: Staging, edges: Edges) -> None:
    deadline = time.monotonic() + _STOPPING
    while still := still_running(own, edges):
        if time.monotonic() > deadline:
            raise PhloSqlError(
                Code.SERVER_DOWN,
                f"query {still[0]} does not stop",
                "wait until it is gone, then run the command again",
            )
        time.sleep(0.2)
