"""`table optimize`: observe, compile, plan a slice anew, go on with a run that was stopped."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from phlo_sql.compile import made_catalog
from phlo_sql.flow import ref_catalog
from phlo_sql.flow.edges import observe
from phlo_sql.flow.optimize_measure import measuring
from phlo_sql.flow.optimize_pace import pace_of
from phlo_sql.model.bounds import SLICE_BYTES, SLICE_FILES
from phlo_sql.model.units import trino_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.compile.optimize import OptimizePlan
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Optimize
    from phlo_sql.plan import Step
    from phlo_sql.runbook import Runbook

__all__ = ["again", "command_line", "compile_plan", "measuring"]


def compile_plan(intent: Optimize, edges: Edges) -> OptimizePlan:
    """Raises PhloSqlError for whatever cannot be observed, predicted or done."""
    from phlo_sql.compile.optimize import compile_optimize

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    edges.note(f"reading {named.table}")
    made = ref_catalog.for_run(named.table, named.ref, edges) if named.create_catalog else None
    shown = edges if made is None else replace(edges, unshown=True)
    state = observe(named.table, named.ref, shown, sampled=True)
    server = edges.server(state.table if made is None else named.table)
    now, pace = datetime.now(UTC), pace_of(edges.history, str(edges.session.address))
    found = compile_optimize(named, state, server, now, command_line(named), pace)
    if made is None:
        return found
    return replace(found, plan=made_catalog.within(found.plan, made.catalog, made.create))


def again(book: Runbook, edges: Edges) -> Callable[[Step], Step | None]:
    """Predicts one slice on the table as it is now; None where nothing is left to gain in it."""
    one_at_a_time = Lock()

    def plan(step: Step) -> Step | None:
        from phlo_sql.compile.optimize import slice_anew

        with one_at_a_time:
            state = observe(book.plan.table, book.plan.ref, edges, sampled=True)
            return slice_anew(step, state, edges.server(state.table))

    return plan


def command_line(intent: Optimize) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "table", "optimize", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    if intent.target_file_size:
        words += ["--target-file-size", trino_size(intent.target_file_size)]
    flags = {
        "--create-catalog": intent.create_catalog,
        "--rewrite-all": intent.rewrite_all,
        "--manifests": intent.manifests,
    }
    words += [flag for flag, given in flags.items() if given]
    if intent.where:
        words += ["--where", intent.where]
    if intent.sort_by:
        words += ["--sort-by", ",".join(intent.sort_by)]
    if intent.max_slice_bytes != SLICE_BYTES:
        words += ["--max-slice-bytes", trino_size(intent.max_slice_bytes)]
    if intent.max_slice_files != SLICE_FILES:
        words += ["--max-slice-files", str(intent.max_slice_files)]
    if intent.verify != "count":
        words += ["--verify", intent.verify]
    return shlex.join(words)
