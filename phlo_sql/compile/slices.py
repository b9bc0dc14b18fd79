"""Cuts one `optimize` into slices: statements bounded in bytes and files, each worth its while.

A slice is a box of partitions (`boxes`) where Trino can enforce one, and an exact group of files by
`"$path"` elsewhere: in an unpartitioned table, in one partition that is too large by itself, where
older specs are alive. Trino keeps delete files under a predicate on `"$path"`, so such files are
cut by whole partitions or not at all.

Each slice is predicted as Trino will choose when it comes to run: on the table without the files
that the slices before it took. Groups of files out of one partition leave a last file each; one
more statement joins those, so that a second run finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql import dialect
from phlo_sql.compile.cuts import Cut, Cutter, Limits, Load
from phlo_sql.compile.outputs import (
    OWN,
    Outputs,
    fewer,
    gains,
    predict_outputs,
    written_by_trino,
)
from phlo_sql.compile.selection import ROW, Fate, Restriction, Selection, select
from phlo_sql.compile.together import all_outputs, all_selections, sum_ranges
from phlo_sql.model.state import DATA
from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.predicates import Enforced
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

_REWOUND, _REGROWN = 0.6, 1.05
"""Bytes written per byte of files that were just written, when they are joined."""
_CUT_BY = [ROW, "partition", "size", "deletes", "file_sequence_number"]
_LIGHT = ["spec_id", "partition", "size", "rows", OWN, ROW]
"""What a choice by partitions needs of a table without delete files, beside format and place; paths
weigh most."""
_NO_DELETES = ("content", "deletes", "applies_to")
"""Columns that are 0 throughout in such a table."""
_CHEAPER = 0.9
"""A statement without WHERE is kept unless slices rewrite less than this share of its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """Bytes: files up to `threshold` are small, files are written up to `target`."""

    threshold: int
    target: int
    everything: bool = False
    """Rewrite also where it gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """One statement. `predicate` None: the whole table, without WHERE."""

    predicate: dialect.Expression | None
    text: str
    selection: Selection
    outputs: Outputs
    worthwhile: bool
    """It leaves fewer files or deletes, or everything is to be rewritten."""
    counts_where: bool
    """The predicate tells the same rows before and after: it names no files."""

    def rows(self, fate: Fate) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Places of the files of one fate in the inventory."""
        chosen = self.selection.files[ROW].filter(pc.equal(self.selection.fates, int(fate)))
        return np.asarray(chosen.to_numpy(), np.int64)

    def slim(self) -> Slice:
        """The same with only the files that it takes or removes, by their places."""
        touched = pc.is_in(
            self.selection.fates, pa.array([Fate.REWRITTEN, Fate.REMOVED], pa.int8())
        )
        files = self.selection.files.select([ROW]).filter(touched)
        fates = self.selection.fates.filter(touched)
        return replace(self, selection=replace(self.selection, files=files, fates=fates))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sliced:
    """All slices, none where nothing gains; `selection` and `outputs` are of them together."""

    slices: tuple[Slice, ...]
    selection: Selection
    outputs: Outputs
    joining: Joining | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """The statement after groups of files: what it will find and leave."""

    predicate: dialect.Expression | None
    rewritten_data_files: Range
    rewritten_bytes: Range
    added_data_files: Range
    added_bytes: Range


def cut(
    state: TableState, server: Server, sizing: Sizing, limits: Limits, where: Enforced | None = None
) -> Sliced:
    """The slices that optimise this table, or what of it lies in `where`, and the whole of what
    they do."""
    state = _numbered(state)
    whole = predict(state, server, sizing, where)
    if not whole.worthwhile:
        return _together((), whole)
    fits = _load_of(whole.selection).parts(limits) == 1
    if fits and (sizing.everything or whole.selection.foreign_specs or _all_gain(whole)):
        return _together((whole,), whole)
    pa.default_memory_pool().release_unused()  # 40 MB at a million files, which slices then need
    cutter = Cutter(state, _candidates(state, server, sizing, whole, where), limits)
    cuts, warnings = cutter.cuts()
    candidates, split = _load_of_files(cutter.files), cutter.split
    del cutter
    if cuts is None:
        return _together((whole,), whole, warnings)
    cuts = [each if where is None else _within(where, each) for each in cuts]
    slices = tuple(_predicted(state, server, sizing, cuts))
    share = sum(each.selection.rewritten_bytes for each in slices)
    if fits and share > _CHEAPER * whole.selection.rewritten_bytes:
        return _together((whole,), whole)
    found = _together(slices, whole, warnings)
    if not split and not whole.selection.foreign_specs:
        return found
    named = where is not None and where.restriction.paths is not None
    return replace(
        found, joining=None if named else _joining(slices, whole, sizing, where, candidates)
    )


def predict(
    state: TableState, server: Server, sizing: Sizing, where: Enforced | None = None
) -> Slice:
    """One statement for the table, or for what of it lies in `where`."""
    if where is None:
        return _predict(state, server, sizing, None, None, "the whole table")
    text = dialect.sql_of(where.predicate)
    return _predict(state, server, sizing, where.restriction, where.predicate, text)


def _within(where: Enforced, cut: Cut) -> Cut:
    """A box inside a user's WHERE. Files by name are inside it already."""
    if cut.restriction.paths is not None:
        return cut
    own, asked = cut.restriction.partitions, where.restriction.partitions
    return replace(
        cut,
        predicate=dialect.all_of([where.predicate, cut.predicate]),
        restriction=Restriction(
            partitions=own if asked is None or own is None else own & asked,
            paths=where.restriction.paths,
        ),
    )


def _joining(
    slices: tuple[Slice, ...],
    whole: Slice,
    sizing: Sizing,
    where: Enforced | None,
    candidates: Load,
) -> Joining | None:
    groups = [each for each in slices if not each.counts_where]
    single = candidates.files - sum(each.selection.rewritten_data_files for each in slices)
    weight = candidates.bytes - sum(each.selection.rewritten_bytes for each in slices)
    files = sum_ranges([Range(single, single), *(each.outputs.added_data_files for each in groups)])
    size = sum_ranges([Range(weight, weight), *(each.outputs.added_bytes for each in groups)])
    evolved = whole.selection.foreign_specs
    if not groups or (files.high < 2 and not evolved):
        return None
    if evolved:  # rows of older specs join partitions of the current one that did not gain alone
        chosen = whole.selection.rewritten_data_files, whole.selection.rewritten_bytes
        files, size = Range(0, files.high + chosen[0]), Range(0, size.high + chosen[1])
    alone = not evolved and len(whole.selection.by_partition) == 1
    certain = alone and all(e.outputs.added_bytes.high <= sizing.threshold for e in groups)
    full = whole.outputs.full_file
    most = -(-int(size.high * _REGROWN) // full.low) + files.high // len(groups)
    return Joining(
        predicate=None if where is None else where.predicate,
        rewritten_data_files=files if certain else Range(0, files.high),
        rewritten_bytes=size if certain else Range(0, size.high),
        added_data_files=Range(1, max(1, min(most, files.high)))
        if certain
        else Range(0, files.high),
        added_bytes=Range(int(size.low * _REWOUND) if certain else 0, int(size.high * _REGROWN)),
    )


def _predict(
    state: TableState,
    server: Server,
    sizing: Sizing,
    restriction: Restriction | None,
    predicate: dialect.Expression | None,
    text: str,
    near: TableState | None = None,
) -> Slice:
    """`near`: the table with all files that matter to this statement, and maybe not with others."""
    near = near or _near(state, restriction)
    selection = select(near, server.version, sizing.threshold, restriction)
    outputs = predict_outputs(selection, near, server, sizing.target)
    return Slice(
        predicate=predicate,
        text=text,
        selection=selection,
        outputs=outputs,
        worthwhile=selection.rewritten_data_files > 0
        if sizing.everything
        else gains(selection, outputs),
        counts_where=predicate is not None
        and (restriction is not None and restriction.paths is None),
    )


def _near(state: TableState, where: Restriction | None) -> TableState:
    """Without delete files, only what lies inside WHERE matters to the choice: a large table is
    then not gone through once per slice."""
    files = state.files.files
    if where is None or not pc.all(pc.equal(files["content"], DATA)).as_py():
        return state
    if where.paths is not None:
        inside = pc.is_in(files["path"], pa.array(where.paths, pa.string()))
    else:
        inside = pc.is_in(files["partition"], pa.array(where.partitions or (), pa.int32()))
    return _with_files(state, files.filter(inside))


def _numbered(state: TableState) -> TableState:
    """With what every prediction asks of a file again: its place, and whether Trino wrote it."""
    files = state.files.files
    places = np.arange(files.num_rows, dtype=np.int32)
    files = files.append_column(OWN, written_by_trino(files))
    return _with_files(state, files.append_column(ROW, pa.array(places)))


def _with_files(state: TableState, files: pa.Table) -> TableState:
    return replace(state, files=replace(state.files, files=files))


class _Places:
    """The files of each partition side by side, so that a large table is not gone through once per
    slice. Delete files reach across: with them, every slice is judged on all files; without them,
    those above the threshold stay whatever a slice is."""

    def __init__(self, state: TableState, threshold: int) -> None:
        self.state = state
        files = state.files.files
        self.clean = bool(pc.all(pc.equal(files["content"], DATA)).as_py())
        if not self.clean:
            return
        small = pc.less_equal(files["size"], threshold)
        partition = files["partition"].filter(small).to_numpy()
        counts = np.bincount(partition, minlength=len(state.files.partitions))
        self.start = np.concatenate([[0], np.cumsum(counts)])
        order = pa.array(np.argsort(partition, kind="stable").astype(np.int32))
        del partition

        def ordered(name: str) -> pa.Array:  # one by one: all of them at once would be there twice
            return files[name].filter(small).combine_chunks().take(order)

        columns = {name: ordered(name) for name in _LIGHT}
        kinds = files["format"].filter(small).dictionary_encode().combine_chunks().take(order)
        kinds = kinds.cast(pa.dictionary(pa.int8(), pa.string()))
        nothing = pa.repeat(pa.scalar(0, pa.int32()), len(order))
        self.files = pa.table({**columns, **dict.fromkeys(_NO_DELETES, nothing), "format": kinds})

    def near(self, cut: Cut) -> TableState | None:
        if not self.clean:
            return None
        runs = [(int(self.start[each]), int(self.start[each + 1])) for each in sorted(cut.places)]
        parts = [self.files.slice(start, end - start) for start, end in runs]
        found = pa.concat_tables(parts).combine_chunks() if parts else self.files[:0]
        if cut.restriction.paths is None:
            place = found.column_names.index("format")
            spelled = found["format"].cast(pa.string())
            return _with_files(self.state, found.set_column(place, "format", spelled))
        return _with_files(self.state, self.state.files.files.take(found[ROW]))


def _predicted(
    state: TableState, server: Server, sizing: Sizing, cuts: Sequence[Cut]
) -> Iterator[Slice]:
    """Each cut that gains, on the table that those before it leave."""
    left, places = state, _Places(state, sizing.threshold)
    for each in cuts:
        found = _predict(
            left,
            server,
            sizing,
            each.restriction,
            each.predicate,
            each.text,
            near=places.near(each) if left is state else None,
        )
        if not found.worthwhile:
            continue
        yield found.slim()
        if found.selection.removed_delete_files:
            files = left.files.files
            gone = pa.array([*found.rows(Fate.REWRITTEN), *found.rows(Fate.REMOVED)], pa.int32())
            left = _with_files(left, files.filter(pc.invert(pc.is_in(files[ROW], gone))))


def _gaining(found: Slice) -> set[int]:
    """Partitions in which this rewriting leaves fewer files or deletes."""
    chosen = found.selection.by_partition.to_pylist()
    less = set(fewer(found.outputs).to_pylist())
    return {
        row["partition"]
        for row in chosen
        if row["rewritten_data_files"]
        and (row["rewritten_deletes"] or row["removed_delete_files"] or row["partition"] in less)
    }


def _all_gain(whole: Slice) -> bool:
    if whole.selection.foreign_specs:
        return False
    taken = pc.greater(whole.selection.by_partition["rewritten_data_files"], 0)
    return _gaining(whole) >= set(
        whole.selection.by_partition["partition"].filter(taken).to_pylist()
    )


def _candidates(
    state: TableState, server: Server, sizing: Sizing, whole: Slice, where: Enforced | None
) -> pa.Table:
    """Files whose rewriting gains: of older specs all that are chosen, of the current one those in
    partitions that gain when rule 3 of the selection does not reach them."""
    files, own, parts = state.files.files, whole, []
    if sizing.everything:
        return whole.selection.files.select(_CUT_BY).filter(whole.selection.rewritten)
    if whole.selection.foreign_specs:
        current = pc.equal(files["spec_id"], state.default_spec_id)
        own = predict(_with_files(state, files.filter(current)), server, sizing, where)
        chosen = whole.selection.files
        older = pc.not_equal(chosen["spec_id"], state.default_spec_id)
        parts = [chosen.select(_CUT_BY).filter(pc.and_(older, whole.selection.rewritten))]
    places = pa.array(_gaining(own), pa.int32())
    found = own.selection.files
    gaining = pc.and_(pc.is_in(found["partition"], places), own.selection.rewritten)
    parts.append(found.select(_CUT_BY).filter(gaining))
    return pa.concat_tables(parts)


def _load_of(selection: Selection) -> Load:
    return Load(selection.rewritten_bytes, selection.rewritten_data_files)


def _load_of_files(files: pa.Table) -> Load:
    return Load(int(pc.sum(files["size"]).as_py() or 0), files.num_rows)


def _together(slices: tuple[Slice, ...], whole: Slice, warnings: tuple[str, ...] = ()) -> Sliced:
    """What all slices do, seen on the inventory that `whole` was predicted from."""
    if len(slices) == 1 and slices[0] is whole:
        return Sliced(
            slices=slices, selection=whole.selection, outputs=whole.outputs, warnings=warnings
        )
    return Sliced(
        slices=slices,
        selection=all_selections(slices, whole.selection),
        outputs=all_outputs(slices, whole.outputs),
        warnings=warnings,
    )
