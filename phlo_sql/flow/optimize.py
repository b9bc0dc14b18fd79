"""`table optimize`: observe, compile, and measure by the files of the commits that it made."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql import verify
from phlo_sql.flow.edges import observe, open_table
from phlo_sql.model.units import trino_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table

    from phlo_sql.compile.optimize import OptimizePlan
    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.state import Inventory
    from phlo_sql.plan import Prediction
    from phlo_sql.runbook import Runbook


def compile_plan(intent: Optimize, edges: Edges) -> OptimizePlan:
    """Raises PhloSqlError for whatever cannot be observed, predicted or done."""
    from phlo_sql.compile.optimize import compile_optimize

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    edges.note(f"reading {named.table}")
    state = observe(named.table, named.ref, edges)
    server = edges.server(state.table)
    return compile_optimize(named, state, server, datetime.now(UTC), command_line(named))


def measuring(book: Runbook, edges: Edges) -> Measure:
    """Compares the files of each snapshot that the steps made with its parent's."""
    from phlo_sql.observe.files import read_inventory

    table = open_table(book.plan.table, book.plan.ref, edges)
    before = read_inventory(table)

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        return _measure(table, {step.query_id for step in steps}, before), ()

    return measure


def command_line(intent: Optimize) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "table", "optimize", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    if intent.target_file_size:
        words += ["--target-file-size", trino_size(intent.target_file_size)]
    if intent.where:
        words += ["--where", intent.where]
    if intent.verify != "count":
        words += ["--verify", intent.verify]
    return shlex.join(words)


def _measure(table: Table, queries: set[str], before: Inventory) -> Prediction:
    """What the commits of these queries did: the files of each snapshot against its parent's.

    Trino writes its query id into a snapshot's summary, so a commit of somebody else is told
    apart. Where a catalog shows only the current snapshot (Nessie), that one is taken.
    """
    from phlo_sql.observe.files import read_inventory

    table.refresh()
    snapshots = {each.snapshot_id: each for each in table.metadata.snapshots}
    for snapshot in snapshots.values():
        summary = snapshot.summary
        if summary is None or summary.additional_properties.get("trino_query_id") not in queries:
            continue
        parent = snapshot.parent_snapshot_id
        start = read_inventory(table, snapshot_id=parent) if parent in snapshots else before
        return verify.changes(start, read_inventory(table, snapshot_id=snapshot.snapshot_id))
    return verify.changes(before, read_inventory(table))
