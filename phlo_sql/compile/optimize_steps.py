"""The statements of a `table optimize`: settings, slices, what puts the settings back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.optimize_settings import (
    Manifests,
    Sizes,
    manifests_step,
    settings_steps,
)
from phlo_sql.compile.selection import is_unpartitioned
from phlo_sql.model.units import Range, between, human_size, trino_size
from phlo_sql.plan import UNMOVED, Check, Kind, Measure, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.slices import Joining, Slice, Sliced
    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

_PARTITION = "$partition"
"""A row's partition as Trino tells it, from 472 on."""


def steps_of(
    intent: Optimize,
    state: TableState,
    server: Server,
    chosen: Sizes,
    sliced: Sliced,
    manifests: Manifests | None = None,
) -> tuple[Step, ...]:
    """All statements; none where there is nothing to do."""
    if not sliced.slices and manifests is None:
        return ()
    before, after = settings_steps(intent, state, server, chosen) if sliced.slices else ((), ())
    undo = undo_of(state)
    rewriting = [
        _slice_step(intent, state, chosen, each, place, len(sliced.slices), undo)
        for place, each in enumerate(sliced.slices, 1)
    ]
    if sliced.joining is not None:
        rewriting.append(_joining_step(state, chosen, sliced.joining, undo))
    rewriting = _checked_together(intent, state, sliced, rewriting)
    last = [] if manifests is None else [manifests_step(state, manifests, undo)]
    steps = [*before, *rewriting, *after, *last]
    steps[0] = replace(steps[0], prechecks=(_unmoved(state), *steps[0].prechecks))
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


def predicted(sliced: Sliced) -> Prediction:
    """What all steps do, added up: a file that a slice writes and a later step joins counts in
    both."""
    selection, outputs, join = sliced.selection, sliced.outputs, sliced.joining
    found = Prediction(
        rewritten_data_files=selection.rewritten_data_files,
        rewritten_bytes=selection.rewritten_bytes,
        removed_delete_files=selection.removed_delete_files,
        added_data_files=_collapsed(outputs.added_data_files),
        added_bytes=_collapsed(outputs.added_bytes),
    )
    return found if join is None else _added_up(found, _joined(join))


def data_files(count: Measure | None) -> str:
    if isinstance(count, Range):
        return f"{count.low:,} to {count.high:,} data files"
    return "1 data file" if count == 1 else f"{count:,} data files"


def _slice_step(
    intent: Optimize,
    state: TableState,
    chosen: Sizes,
    part: Slice,
    place: int,
    slices: int,
    undo: Undo,
) -> Step:
    files = data_files(part.selection.rewritten_data_files)
    checks = _checks(intent, state, part) if slices == 1 or part.counts_where else ()
    return Step(
        id=place,
        kind=Kind.PROCEDURE,
        statement=_rewriting(state, chosen, part.predicate),
        summary=f"rewrite {files}"
        if slices == 1
        else f"slice {place} of {slices}, rewrite {files} of {part.text}",
        why=(
            f"files up to {human_size(chosen.threshold)}, and files with deletes, "
            f"become files of about {human_size(chosen.target)}"
        ),
        undo=undo,
        independent=True,
        predicts=slice_prediction(part),
        prechecks=checks,
        checks=checks,
    )


def slice_prediction(part: Slice) -> Prediction:
    return Prediction(
        rewritten_data_files=part.selection.rewritten_data_files,
        rewritten_bytes=part.selection.rewritten_bytes,
        removed_delete_files=part.selection.removed_delete_files,
        added_data_files=_collapsed(part.outputs.added_data_files),
        added_bytes=_collapsed(part.outputs.added_bytes),
    )


def _joining_step(state: TableState, chosen: Sizes, join: Joining, undo: Undo) -> Step:
    return Step(
        id=0,
        kind=Kind.PROCEDURE,
        statement=_rewriting(state, chosen, join.predicate),
        summary="join the last files of the groups",
        why="each group leaves one file that is smaller than the others",
        undo=undo,
        predicts=_joined(join),
    )


def _joined(join: Joining) -> Prediction:
    return Prediction(
        rewritten_data_files=_collapsed(join.rewritten_data_files),
        rewritten_bytes=_collapsed(join.rewritten_bytes),
        removed_delete_files=0,
        added_data_files=_collapsed(join.added_data_files),
        added_bytes=_collapsed(join.added_bytes),
    )


def _added_up(left: Prediction, right: Prediction) -> Prediction:
    other = dict(right.items())
    return Prediction(**{name: _sum(value, other[name]) for name, value in left.items()})


def _sum(left: Measure, right: Measure) -> Measure:
    low, high = (
        [each.low if isinstance(each, Range) else each for each in (left, right)],
        [each.high if isinstance(each, Range) else each for each in (left, right)],
    )
    return between(sum(low), sum(high))


def _rewriting(
    state: TableState, chosen: Sizes, predicate: dialect.Expression | None
) -> dialect.Statement:
    return dialect.execute_procedure(
        state.table,
        "optimize",
        {"file_size_threshold": trino_size(chosen.threshold)},
        where=predicate,
    )


def _checks(intent: Optimize, state: TableState, part: Slice) -> tuple[Check, ...]:
    """Rows, and their checksum where it is asked for, of each partition. Files of an older spec
    move to other partitions: then of the whole."""
    if intent.verify == "none":
        return ()
    where = part.predicate if part.counts_where else None
    spec = state.specs[state.default_spec_id]
    by = () if is_unpartitioned(spec) or part.selection.foreign_specs else (_PARTITION,)
    return (_check(intent, state, by, where),)


def _check(
    intent: Optimize, state: TableState, by: Sequence[str], where: dialect.Expression | None
) -> Check:
    if intent.verify == "checksum":
        columns = [each.name for each in state.columns if "variant" not in each.type]
        query = dialect.checksums(state.table, columns, partition_by=by, where=where)
        return Check(name="content", query=query)
    if not by:
        return Check(name="rows", query=dialect.count_rows(state.table, where))
    items: list[dialect.Expression | str] = [*by, dialect.count()]
    table = dialect.table(state.table)
    return Check(
        name="rows",
        query=dialect.select(items, table, where=where, group_by=by, order_by=by),
    )


def _checked_together(
    intent: Optimize, state: TableState, sliced: Sliced, steps: list[Step]
) -> list[Step]:
    """Groups of files have no predicate that tells their rows before and after. Their table is
    looked at before the first and after the last statement."""
    groups = [each for each in sliced.slices if not each.counts_where]
    if len(sliced.slices) < 2 or not groups or intent.verify == "none":
        return steps
    spec = state.specs[state.default_spec_id]
    by = () if is_unpartitioned(spec) or sliced.selection.foreign_specs else (_PARTITION,)
    one = _check(intent, state, by, None)
    check = replace(one, name=f"all-{one.name}")
    first, last = steps[0], steps[-1]
    steps[0] = replace(first, prechecks=(*first.prechecks, check))
    steps[-1] = replace(last, checks=(*last.checks, check))
    return steps


def _unmoved(state: TableState) -> Check:
    return Check(
        name=UNMOVED,
        query=dialect.latest_metadata(state.table),
        expected=state.metadata_location,
    )


def undo_of(state: TableState) -> Undo:
    if state.ref_hash is not None:
        return Undo(
            reason=f"Nessie keeps the commit before: assign {state.ref or 'main'} back to "
            f"{state.ref_hash}"
        )
    return Undo(
        reason=f"go back to snapshot {state.snapshot_id}; what was committed since is lost with it",
        statement=dialect.rollback_to_snapshot(state.table, state.snapshot_id or 0),
    )


def _collapsed(value: Range) -> Measure:
    return between(value.low, value.high)
