"""`table optimize`: what of a table is rewritten, in which statements, and what that will do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from phlo_sql import dialect
from phlo_sql.compile.cuts import Limits
from phlo_sql.compile.optimize_settings import (
    DEFAULT_TARGET,
    TARGET,
    Sizes,
    manifests_of,
    sorting,
)
from phlo_sql.compile.optimize_shown import (
    PATHS_SHOWN,
    PartitionLine,
    histogram_of,
    partition_lines,
)
from phlo_sql.compile.optimize_shown import document as shown
from phlo_sql.compile.optimize_steps import (
    data_files,
    predicted,
    slice_prediction,
    steps_of,
)
from phlo_sql.compile.optimize_warnings import Pace, costs, seconds_of, warnings_of
from phlo_sql.compile.outputs import CONVERGING
from phlo_sql.compile.predicates import Enforced, enforce
from phlo_sql.compile.slices import Sizing, Sliced, cut, predict
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size, parse_size
from phlo_sql.plan import Binding, Plan, Prediction, Step

if TYPE_CHECKING:
    from datetime import datetime

    from phlo_sql.compile.histogram import Bucket
    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import Inventory, TableState

DEFAULT_THRESHOLD = 100 * 1024**2
"""Trino's default `file_size_threshold` (OptimizeTableProcedure, 476 to 483)."""
ANY_SIZE = 1024**6
"""A threshold that every file stays below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizePlan:
    """A plan, and the details a dry run shows beside it. No steps: there is nothing to do."""

    plan: Plan
    partitions: tuple[PartitionLine, ...]
    histogram: tuple[Bucket, ...]
    rewritten_paths: tuple[str, ...]
    seconds: int | None = None
    """An estimate, from what this server did before."""
    inventory: Inventory | None = field(default=None, repr=False, compare=False)
    """The files that it was made from."""

    def document(self) -> dict[str, Any]:
        """What a dry run shows beside the plan, in JSON."""
        found = shown(self.partitions, self.histogram, self.rewritten_paths)
        return {**found, "estimated_seconds": self.seconds}


def sizes(intent: Optimize, state: TableState, server: Server) -> Sizes:
    """The sizes to use: the asked target, or the one that the table or session has."""
    current = _current_target(state, server)
    target = intent.target_file_size or current
    limit = int(CONVERGING * target)
    threshold = limit if intent.target_file_size else min(DEFAULT_THRESHOLD, limit)
    if intent.rewrite_all:
        threshold = ANY_SIZE
    return Sizes(target=target, threshold=max(threshold, 1), current_target=current)


def compile_optimize(
    intent: Optimize,
    state: TableState,
    server: Server,
    now: datetime,
    command_line: str,
    pace: Pace | None = None,
) -> OptimizePlan:
    """The plan that rewrites small files of one table.

    A selection whose rewriting gains nothing gives a plan without steps. Raises PhloSqlError
    where the predicate cannot be pushed down or this Trino version cannot rewrite the table.
    """
    refuse_versions(state, server)
    chosen = sizes(intent, state, server)
    before, state = state, sorting(intent, state)
    where = enforced(intent, state, server)
    limits = Limits(max_bytes=intent.max_slice_bytes, max_files=intent.max_slice_files)
    sliced = cut(state, server, sizing(intent, chosen), limits, where)
    pa.default_memory_pool().release_unused()  # what follows needs it for trees and texts
    worthwhile = bool(sliced.slices)
    manifests = manifests_of(state, server) if intent.manifests else None
    predicts = predicted(sliced) if worthwhile else Prediction()
    told = _does(state, chosen, predicts, sliced, where)
    plan = Plan(
        command="table optimize",
        command_line=command_line,
        table=intent.table,
        ref=intent.ref,
        trino_version=server.version,
        state=Binding(
            metadata_location=state.metadata_location,
            snapshot_id=state.snapshot_id,
            ref_hash=state.ref_hash,
        ),
        planned_at=now.replace(microsecond=0),
        planned_by=server.user,
        does=(
            *(() if manifests and not worthwhile else told),
            *(_sorted(state) if worthwhile else ()),
            *(costs(sliced, pace) if worthwhile else ()),
            *((manifests.text,) if manifests else ()),
        ),
        risk="low: files are rewritten beside the old ones, which stay until they are expired",
        predicts=predicts,
        steps=steps_of(intent, before, server, chosen, sliced, manifests),
        warnings=(
            *(where.widened if where else ()),
            *sliced.warnings,
            *(warnings_of(state, server, chosen, sliced, now) if worthwhile else ()),
        ),
    )
    return OptimizePlan(
        plan=plan,
        partitions=partition_lines(state, sliced) if worthwhile else (),
        histogram=histogram_of(sliced) if worthwhile else (),
        rewritten_paths=sliced.selection.paths(most=PATHS_SHOWN) if worthwhile else (),
        seconds=seconds_of(sliced, pace),
        inventory=state.files,
    )


def slice_anew(step: Step, state: TableState, server: Server) -> Step | None:
    """A rewriting of a runbook, predicted on the table as it is now: its WHERE and its threshold
    stand in its statement. None where it would gain nothing. Raises PhloSqlError."""
    threshold = parse_size(str(dialect.argument_of(step.statement, "file_size_threshold")))
    predicate = dialect.where_of(step.statement)
    try:
        where = None if predicate is None else enforce(predicate, state, server.version)
    except PhloSqlError:  # the server took it before; what it selects now is not foretold
        return step
    asked = Sizing(
        threshold=threshold,
        target=_current_target(state, server),
        everything=threshold == ANY_SIZE,
    )
    found = predict(state, server, asked, where)
    if not found.worthwhile:
        return None
    return replace(step, predicts=slice_prediction(found))


def sizing(intent: Optimize, chosen: Sizes) -> Sizing:
    return Sizing(threshold=chosen.threshold, target=chosen.target, everything=intent.rewrite_all)


def enforced(intent: Optimize, state: TableState, server: Server) -> Enforced | None:
    """The intent's WHERE as Trino will take it. Raises PhloSqlError(WHERE_NOT_ENFORCEABLE)."""
    if intent.where is None:
        return None
    return enforce(dialect.predicate(intent.where), state, server.version)


def refuse_versions(state: TableState, server: Server) -> None:
    newest = 3 if server.version >= 480 else 2
    if state.format_version > newest:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {server.version} rewrites tables up to format {newest}, "
            f"{state.table} has format {state.format_version}",
            "use a Trino of version 480 or newer",
        )


def _current_target(state: TableState, server: Server) -> int:
    own = state.properties.get("write.target-file-size-bytes")
    if server.has_target_session_property:  # up to 481 the table's own property is not read
        return parse_size(server.session[TARGET])
    return int(own) if own and own.isdigit() else DEFAULT_TARGET


def _does(
    state: TableState,
    chosen: Sizes,
    predicts: Prediction,
    sliced: Sliced,
    where: Enforced | None,
) -> tuple[str, ...]:
    inside = f" where {dialect.sql_of(where.predicate)}" if where else ""
    if not sliced.slices:
        return (
            f"Nothing: no rewriting would leave {state.table}{inside} with fewer files or deletes.",
        )
    lines = [
        f"Rewrites {data_files(predicts.rewritten_data_files)} "
        f"({human_size(sliced.selection.rewritten_bytes)}) into {predicts.added_data_files!s}"
        f" of up to {human_size(chosen.target)}.".replace("..", " to ")
    ]
    if where:
        lines.append(f"Takes only files{inside}.")
    if predicts.removed_delete_files:
        lines.append(f"Applies and removes {predicts.removed_delete_files:,} delete files.")
    if len(sliced.slices) == 1:
        lines.append("Commits one snapshot; readers see the table before it or after it.")
    else:
        lines.append(
            f"Commits {len(sliced.slices):,} slices, a snapshot each: one that fails undoes no "
            "other, and --resume goes on after a stop."
        )
    if sliced.joining is not None:
        lines.append("Joins the last files of the groups, so that a second run finds nothing.")
    return tuple(lines)


def _sorted(state: TableState) -> tuple[str, ...]:
    if not state.sort_order:
        return ()
    columns = {column.field_id: column.name for column in state.columns}
    names = [columns.get(field.source_id, "?") for field in state.sort_order]
    return (f"Writes every file sorted by {', '.join(names)}.",)
