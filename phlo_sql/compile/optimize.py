"""`table optimize`: which settings, which statement, what it will do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from phlo_sql import dialect
from phlo_sql.compile.histogram import Bucket, histogram
from phlo_sql.compile.outputs import Outputs, gains, predict_outputs
from phlo_sql.compile.selection import Selection, select
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.state import DATA
from phlo_sql.model.units import Range, between, human_size, parse_size, trino_size
from phlo_sql.plan import (
    UNMOVED,
    Binding,
    Check,
    Kind,
    Measure,
    Plan,
    Prediction,
    Step,
    Undo,
    measure_document,
)

if TYPE_CHECKING:
    from datetime import datetime

    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

DEFAULT_TARGET = 1024**3
"""Trino's `iceberg.target-max-file-size` where nothing else is said (IcebergConfig, 476 to 483)."""
DEFAULT_THRESHOLD = 100 * 1024**2
"""Trino's default `file_size_threshold` (OptimizeTableProcedure, 476 to 483)."""
CONVERGING = 0.75
"""Share of the target below which a file counts as small. Equal to the target it never converges:
outputs fall a little short of it and would be rewritten at each run."""
_TARGET = "target_max_file_size"
_PATHS_SHOWN = 1000
"""File names in a JSON document; the whole list would dwarf the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLine:
    """One partition in a dry run. `added_…` are None where nothing is rewritten."""

    partition: str
    files: int
    rewritten_data_files: int
    rewritten_bytes: int
    removed_delete_files: int
    added_data_files: Measure | None
    added_bytes: Measure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizePlan:
    """A plan, and the details a dry run shows beside it. No steps: there is nothing to do."""

    plan: Plan
    partitions: tuple[PartitionLine, ...]
    histogram: tuple[Bucket, ...]
    rewritten_paths: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """What a dry run shows beside the plan, in JSON."""
        return {
            "partitions": [
                {
                    "partition": line.partition,
                    "files": line.files,
                    "rewritten_data_files": line.rewritten_data_files,
                    "rewritten_bytes": line.rewritten_bytes,
                    "removed_delete_files": line.removed_delete_files,
                    "added_data_files": line.added_data_files
                    and measure_document(line.added_data_files),
                    "added_bytes": line.added_bytes and measure_document(line.added_bytes),
                }
                for line in self.partitions
            ],
            "histogram": [
                {"label": b.label, "before": b.before, "after": measure_document(b.after)}
                for b in self.histogram
            ],
            "rewritten_paths": list(self.rewritten_paths[:_PATHS_SHOWN]),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes: the target that outputs are cut at, and the threshold that picks inputs."""

    target: int
    threshold: int
    current_target: int
    """What the table or session has now."""


def sizes(intent: Optimize, state: TableState, server: Server) -> Sizes:
    """The sizes to use: the asked target, or the one that the table or session has."""
    current = _current_target(state, server)
    target = intent.target_file_size or current
    limit = int(CONVERGING * target)
    threshold = limit if intent.target_file_size else min(DEFAULT_THRESHOLD, limit)
    return Sizes(target=target, threshold=max(threshold, 1), current_target=current)


def compile_optimize(
    intent: Optimize, state: TableState, server: Server, now: datetime, command_line: str
) -> OptimizePlan:
    """The plan that rewrites small files of one table.

    A selection whose rewriting gains nothing gives a plan without steps. Raises PhloSqlError
    where the predicate cannot be pushed down or this Trino version cannot rewrite the table.
    """
    _refuse_versions(state, server)
    chosen = sizes(intent, state, server)
    selection = select(state, server.version, chosen.threshold)
    outputs = predict_outputs(selection, state, server, chosen.target)
    worthwhile = gains(selection, outputs)
    predicts = _predicts(selection, outputs) if worthwhile else Prediction()
    steps = _steps(intent, state, server, chosen, None, predicts) if worthwhile else ()
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
        does=_does(state, chosen, predicts, worthwhile=worthwhile),
        risk="low: files are rewritten beside the old ones, which stay until they are expired",
        predicts=predicts,
        steps=steps,
        warnings=_warnings(state, server, chosen) if worthwhile else (),
    )
    lines = _lines(state, selection, outputs) if worthwhile else ()
    return OptimizePlan(
        plan=plan,
        partitions=lines,
        histogram=_histogram(state, selection, outputs) if worthwhile else (),
        rewritten_paths=selection.paths() if worthwhile else (),
    )


def _refuse_versions(state: TableState, server: Server) -> None:
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
        return parse_size(server.session[_TARGET])
    return int(own) if own and own.isdigit() else DEFAULT_TARGET


def _steps(
    intent: Optimize,
    state: TableState,
    server: Server,
    chosen: Sizes,
    predicate: dialect.Expression | None,
    predicts: Prediction,
) -> tuple[Step, ...]:
    before, after = _target_steps(state, server, chosen)
    statement = dialect.execute_procedure(
        state.table,
        "optimize",
        {"file_size_threshold": trino_size(chosen.threshold)},
        where=predicate,
    )
    rows = Check(name="rows", query=dialect.count_rows(state.table))
    counted = () if intent.verify == "none" else (rows,)
    rewrite = Step(
        id=len(before) + 1,
        kind=Kind.PROCEDURE,
        statement=statement,
        summary=f"rewrite {_data_files(predicts.rewritten_data_files)}",
        why=(
            f"files up to {human_size(chosen.threshold)}, and files with deletes, "
            f"become files of about {human_size(chosen.target)}"
        ),
        undo=_undo(state),
        predicts=predicts,
        prechecks=counted,
        checks=counted,
    )
    steps = [*before, rewrite, *after]
    steps[0] = replace(steps[0], prechecks=(_unmoved(state), *steps[0].prechecks))
    return tuple(steps)


def _unmoved(state: TableState) -> Check:
    return Check(
        name=UNMOVED,
        query=dialect.latest_metadata(state.table),
        expected=state.metadata_location,
    )


def _undo(state: TableState) -> Undo:
    if state.ref_hash is not None:
        return Undo(
            reason=f"Nessie keeps the commit before: assign {state.ref or 'main'} back to "
            f"{state.ref_hash}"
        )
    return Undo(
        reason=f"go back to snapshot {state.snapshot_id}; what was committed since is lost with it",
        statement=dialect.rollback_to_snapshot(state.table, state.snapshot_id or 0),
    )


def _target_steps(
    state: TableState, server: Server, chosen: Sizes
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Steps before and after the rewriting that make the server write files of the target size.

    A session property up to 481, a table property from 482 (release notes; `SET PROPERTIES …
    = DEFAULT` is refused there, so a property that was absent can't be taken away by SQL again).
    """
    if chosen.target == chosen.current_target:
        return (), ()
    size = human_size(chosen.target)
    if server.has_target_session_property:
        catalog = state.table.catalog or server.catalog
        step = Step(
            id=1,
            kind=Kind.SESSION,
            temporary=True,
            statement=dialect.set_session(catalog, _TARGET, trino_size(chosen.target)),
            summary=f"write files of {size} in this session",
            why=f"the session writes {human_size(chosen.current_target)} otherwise",
            undo=Undo(
                reason="the setting ends with the session",
                statement=dialect.reset_session(catalog, _TARGET),
            ),
        )
        return (step,), ()
    own = state.properties.get("write.target-file-size-bytes")
    back = dialect.set_properties(state.table, {_TARGET: trino_size(int(own))}) if own else None
    step = Step(
        id=1,
        kind=Kind.PROPERTIES,
        temporary=True,
        statement=dialect.set_properties(state.table, {_TARGET: trino_size(chosen.target)}),
        summary=f"write files of {size} to this table",
        why=f"Trino {server.version} takes the size from the table alone",
        undo=Undo(reason="the table gets its own size back", statement=back)
        if back
        else Undo(reason="stays: the table had no size of its own, and Trino cannot unset one"),
    )
    if back is None:
        return (step,), ()
    restore = Step(
        id=3,
        kind=Kind.PROPERTIES,
        statement=back,
        summary=f"give the table its own file size back, {human_size(int(own or 0))}",
        why="the size was for this run only",
        undo=Undo(reason="none needed: this is the state the table had"),
    )
    return (step,), (restore,)


def _predicts(selection: Selection, outputs: Outputs) -> Prediction:
    return Prediction(
        rewritten_data_files=selection.rewritten_data_files,
        rewritten_bytes=selection.rewritten_bytes,
        removed_delete_files=selection.removed_delete_files,
        added_data_files=_collapsed(outputs.added_data_files),
        added_bytes=_collapsed(outputs.added_bytes),
    )


def _collapsed(value: Range) -> Measure:
    return between(value.low, value.high)


def _data_files(count: Measure | None) -> str:
    return "1 data file" if count == 1 else f"{count:,} data files"


def _does(
    state: TableState, chosen: Sizes, predicts: Prediction, *, worthwhile: bool
) -> tuple[str, ...]:
    if not worthwhile:
        return (f"Nothing: no rewriting would leave {state.table} with fewer files or deletes.",)
    assert isinstance(predicts.rewritten_bytes, int)  # noqa: S101 - selection is exact
    lines = [
        f"Rewrites {_data_files(predicts.rewritten_data_files)} "
        f"({human_size(predicts.rewritten_bytes)}) into {predicts.added_data_files!s}"
        f" of up to {human_size(chosen.target)}.".replace("..", " to ")
    ]
    if predicts.removed_delete_files:
        lines.append(f"Applies and removes {predicts.removed_delete_files:,} delete files.")
    lines.append("Commits one snapshot; readers see the table before it or after it.")
    return tuple(lines)


def _warnings(state: TableState, server: Server, chosen: Sizes) -> tuple[str, ...]:
    warnings = []
    left_behind = (
        chosen.target != chosen.current_target
        and not server.has_target_session_property
        and "write.target-file-size-bytes" not in state.properties
    )
    if left_behind:
        warnings.append(
            f"the table keeps target_max_file_size = '{trino_size(chosen.target)}' afterwards: "
            f"it had none, and Trino {server.version} has no statement that takes one away"
        )
    return tuple(warnings)


def _lines(state: TableState, selection: Selection, outputs: Outputs) -> tuple[PartitionLine, ...]:
    added = {row["partition"]: row for row in outputs.by_partition.to_pylist()}
    rows = [row for row in selection.by_partition.to_pylist() if row["rewritten_data_files"]]
    rows.sort(key=lambda row: (-row["rewritten_bytes"], row["partition"]))
    return tuple(
        PartitionLine(
            partition=partition_text(state, row["partition"]),
            files=row["files"],
            rewritten_data_files=row["rewritten_data_files"],
            rewritten_bytes=row["rewritten_bytes"],
            removed_delete_files=row["removed_delete_files"],
            added_data_files=_added(added, row["partition"], "added_data_files"),
            added_bytes=_added(added, row["partition"], "added_bytes"),
        )
        for row in rows
    )


def _added(rows: dict[int, dict[str, int]], place: int, name: str) -> Measure | None:
    """Files of an older spec are written to partitions of the current one: not told per line."""
    row = rows.get(place)
    return between(row[f"{name}_low"], row[f"{name}_high"]) if row else None


def partition_text(state: TableState, place: int) -> str:
    """A partition as `ts_day=2026-01-01/region=NULL`; empty for an unpartitioned table."""
    partition = state.files.partitions[place]
    fields = state.specs[partition.spec_id].fields
    return "/".join(
        f"{field.name}={'NULL' if value is None else value}"
        for field, value in zip(fields, partition.values, strict=True)
    )


def _histogram(state: TableState, selection: Selection, outputs: Outputs) -> tuple[Bucket, ...]:
    data = pc.equal(state.files.files["content"], DATA)
    rewritten = selection.rewritten.filter(pc.fill_null(data, False)).to_numpy(zero_copy_only=False)
    groups = [
        (
            between(row["added_data_files_low"], row["added_data_files_high"]),
            _typical(row, outputs.full_file.high),
        )
        for row in outputs.by_partition.to_pylist()
    ]
    return histogram(state.files.files["size"].filter(data), rewritten, groups)


def _typical(row: dict[str, int], full: int) -> int:
    """Bytes of one output file, in the middle of what is predicted."""
    size = (row["added_bytes_low"] + row["added_bytes_high"]) / 2
    count = (row["added_data_files_low"] + row["added_data_files_high"]) / 2
    return int(min(full, size / max(count, 1)))
