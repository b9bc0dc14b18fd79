"""`table expire-snapshots`: observe the history, compile, look whether what was to go went."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql.flow.edges import open_table, physical
from phlo_sql.flow.reclaimed import Watched, server_now, watch
from phlo_sql.model.units import trino_duration

if TYPE_CHECKING:
    from phlo_sql.compile.expire import ExpirePlan
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.history import History
    from phlo_sql.model.intents import ExpireSnapshots
    from phlo_sql.model.names import TableName
    from phlo_sql.runbook import Runbook


def compile_plan(intent: ExpireSnapshots, edges: Edges) -> ExpirePlan:
    """Raises PhloSqlError for whatever cannot be observed, predicted or done."""
    from phlo_sql.compile.expire import compile_expire
    from phlo_sql.flow.vacuum_seen import refuse_shared
    from phlo_sql.observe.history import read_history

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    edges.note(f"reading the history of {named.table}")
    table = open_table(named.table, named.ref, edges)
    history = read_history(table, physical(named.table, named.ref, edges), named.ref)
    server = edges.server(history.table)
    now = server_now(edges)
    compiled = compile_expire(named, history, server, now, command_line(named))
    if compiled.plan.steps:
        refuse_shared(named, table, history, compiled.freed.files, edges)
    return compiled


def observe_history(table: TableName, ref: str | None, edges: Edges) -> History:
    from phlo_sql.observe.history import read_history

    return read_history(open_table(table, ref, edges), physical(table, ref, edges), ref)


def measuring(book: Runbook, edges: Edges) -> Measure:
    """Looks afterwards for the files that were to go, and for those that the table still reads."""
    from phlo_sql.compile.cleanup import cleaned
    from phlo_sql.compile.reachable import reached
    from phlo_sql.compile.retention import Fate, Retained

    table = open_table(book.plan.table, book.plan.ref, edges)
    history = observe_history(book.plan.table, book.plan.ref, edges)

    def after(present: History) -> Watched:
        kept = {each.snapshot_id for each in present.snapshots}
        refs = {each.name for each in present.refs}
        happened = Retained(
            fates=tuple(
                Fate(snapshot=each, kept=each.snapshot_id in kept, why="")
                for each in history.snapshots
            ),
            dropped_refs=tuple(each for each in history.refs if each.name not in refs),
        )
        return Watched(
            live=reached(present, kept),
            dead=cleaned(history, happened, book.plan.trino_version).files,
            expired=len(happened.expired),
            kept=len(kept),
        )

    return watch(book, table, edges, after)


def command_line(intent: ExpireSnapshots) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "table", "expire-snapshots", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    words += ["--older-than", trino_duration(intent.older_than)]
    if intent.keep_last is not None:
        words += ["--keep-last", str(intent.keep_last)]
    if intent.clean_expired_metadata:
        words += ["--clean-expired-metadata"]
    if intent.allow_short_retention:
        words += ["--allow-short-retention"]
    return shlex.join(words)
