"""How many files, and how many bytes, an `optimize` will write in place of those it takes.

Trino writes each partition by one writer (`AddLocalExchanges.visitTableExecute` switches writer
scaling off; the layout is hashed by partition, `IcebergMetadata.getLayoutForOptimize`), and an
unpartitioned table by `task_min_writer_count` writers on each node that takes part. A writer starts
a new file at the first page after its bytes passed the target (`IcebergPageSink.getWriterIndexes`).
So a partition that stays under the target becomes one file: that is exact. Above it the count is
bytes over the size files are cut at, and both are known within the factors below, which were
measured on Trino 476 and 483 and are held by tests/live/test_prediction.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.compile.parquet_cuts import full_file
from phlo_sql.compile.selection import Selection, is_unpartitioned
from phlo_sql.model.state import EQUALITY_DELETES
from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

_KB, _MB = 1024, 1024**2
CONVERGING = 0.75
"""Share of the target below which a file counts as small. Equal to the target it never converges:
outputs fall a little short of it and would be rewritten at each run."""
_ABOUT = 4.0
"""How far below the least that is expected of a full file those may be that the same target had
cut: a writer that takes what it buffers for what it writes ends a file at a third of that."""
NEW_PARTITIONS = -1
"""In `by_partition`: rows of older specs, whose partitions show only when they are written."""
_SHRINKS = ((16 * _KB, 0.02), (64 * _KB, 0.2), (256 * _KB, 0.74), (_MB, 0.83), (8 * _MB, 0.9))
"""Least bytes written per byte read, for data files up to a size: small ones are footers and
dictionaries that are written once. Measured on TPC-H: 0.83 at 150 kB, 0.88 to 0.99 at 360 kB,
0.93 at 2 MB, 0.97 at 8 MB."""
_SHRINKS_LARGE, _GROWS, _GROWS_SMALL = 0.95, 1.03, 1.08
"""Indices into a dictionary get wider when small files are joined: 1.05 at 1 MB."""
_REST_SHRINKS = ((128 * _KB, 0.65), (_MB, 0.78), (8 * _MB, 0.88))
"""Least bytes written per byte of small files that is no dictionary, by their size. Of dictionaries
nothing may be left, as each value is then written once. Measured: 0.57 of all at 49 % dictionaries
and 400 kB, 0.77 of the rest at 100 kB, 0.88 at 480 kB."""
_FOREIGN = (0.6, 1.4)
"""Of files that another writer made (PyIceberg, Spark): codec and encoding differ."""
_RECODED = (0.15, 5.0)
"""Of files in another format than the table writes now."""
_FIXED = 8 * _KB
"""What a new file may have that small old ones did not: footer, statistics, schema."""
_LINEAGE = 4
"""Bytes per row that a table of format 3 gains: a rewriting writes row id and sequence number out
(`IcebergMetadata.getTableHandleForOptimize`), which files as first written leave out."""
OWN = "own"
"""A column of our own: whether Trino wrote the file. Without it, paths tell."""
_COMMIT = "added_snapshot_id"
_WEIGHED = ["format", "spec_id", "partition", "size", "rows"]
_TRINO_FILE = r"(^|/)\d{8}_\d{6}_\d{5}_[a-z0-9]{5}-[0-9a-f-]{36}\.[a-z]+$"
"""`IcebergPageSink` starts a file's name with its query's id."""
_CUTS = {"parquet": (0.93, 1.02), "avro": (0.99, 1.03), "orc": (0.85, 1.02)}
"""Size of a full file over the target."""
_SMALL_ORC = (32 * _MB, 0.2)
"""ORC counts a stripe in memory as if uncompressed: below this target files come out as low as that
share of it. Measured: 0.25 at 4 MB, 0.33 at 8, 0.47 at 16, 0.92 at 32, 0.96 at 64."""
_AROUND = (0.85, 1.15)
"""How near `parquet_cuts` comes to the size of a full file."""
_MERGED = 6
"""Times that dictionaries may grow when files are joined; each ends at 1 MB."""
_UNSAMPLED, _BUFFERED, _LEAST = 480 * _KB, 400 * _KB, 0.15
"""Where no footer could be read: bytes per column below which the writer may take what it buffers
for what it writes; what a column then counts too much, by which Trino 476 was measured; and the
least share of the target that a full file has."""
_CUTS_SORTED, _SORT_BUFFER = (0.8, 1.1), 16 * _MB
"""A sorting writer counts its temporary files (`SortingFileWriter.getWrittenBytes`), each a sort
buffer of that size before compression. Measured at 8 MB: 7.0 MB on 476, 13.1 MB on 483."""
_PAGE = 400 * _KB
"""A page is written whole, so a file passes its target by up to about this much."""
_ESTIMATES_COMPRESSION = 477
"""First version whose Parquet writer estimates what its buffer will compress to (not in 476)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outputs:
    """`by_partition` has a row per partition that is rewritten: partition int32 (place in the
    inventory's partitions, or NEW_PARTITIONS) · rewritten_data_files int64 · added_data_files_low,
    added_data_files_high, added_bytes_low, added_bytes_high int64.
    """

    added_data_files: Range
    added_bytes: Range
    full_file: Range
    """Bytes of a file that is cut because it reached the target."""
    by_partition: pa.Table
    recut: pa.Array
    """Partitions whose files one rewriting cut as this one would again, where full files are so
    small that they are chosen again."""


_PART = 1 << 17
"""Files that are weighed at once."""
_TERMS = ("rewritten_data_files", "rows", "low", "high")


def predict_outputs(
    selection: Selection, state: TableState, server: Server, target: int
) -> Outputs:
    """What rewriting this selection adds, with files cut at `target` bytes."""
    cut = _full_file(state, server, target)
    groups = _groups(selection, state)
    writers = _writers(state, server)
    first = pc.cast(pc.greater(groups["rows_low"], 0), pa.int64())
    low = pc.if_else(
        pc.equal(groups["partition"], NEW_PARTITIONS),
        first,
        pc.max_element_wise(first, _ceil(pc.divide(groups["low"], float(cut.high)))),
    )
    if state.format_version >= 3:
        lineage = pc.multiply(pc.cast(groups["rows"], pa.float64()), float(_LINEAGE))
        most = pc.add(groups["high"], lineage)
        groups = groups.set_column(groups.column_names.index("high"), "high", most)
    high = pc.max_element_wise(_ceil(pc.divide(groups["high"], float(cut.low))), 1)
    high = pc.min_element_wise(pc.add(high, writers - 1), groups["rows"])
    high = pc.if_else(pc.equal(groups["partition"], NEW_PARTITIONS), groups["rows"], high)
    bytes_high = pc.add(_ceil(groups["high"]), pc.multiply(high, _FIXED))
    by_partition = pa.table(
        {
            "partition": groups["partition"],
            "rewritten_data_files": groups["rewritten_data_files"],
            "added_data_files_low": low,
            "added_data_files_high": pc.max_element_wise(low, high),
            "added_bytes_low": _ceil(groups["low"]),
            "added_bytes_high": bytes_high,
        }
    )
    return Outputs(
        added_data_files=counted(by_partition),
        added_bytes=_range(by_partition, "added_bytes"),
        full_file=cut,
        by_partition=by_partition,
        recut=_recut(selection, state, cut)
        if cut.low < CONVERGING * target
        else pa.array([], pa.int32()),
    )


def counted(by_partition: pa.Table) -> Range:
    """Data files of all partitions. One per partition is exact; where a partition is cut into
    several, what they compress to decides, and so the count is never told as if it were certain:
    it may be one less."""
    found = _range(by_partition, "added_data_files")
    several = pc.max(by_partition["added_data_files_high"]).as_py() or 0
    if several < 2 or found.high - found.low > 1:
        return found
    return Range(max(found.low - 1, 1), found.high)


def gains(selection: Selection, outputs: Outputs) -> bool:
    """Whether rewriting gains: fewer files, deletes applied, or an older spec left.

    Judged by the most files that may come, so that a second run never repeats the first.
    """
    if not selection.rewritten_data_files:
        return False
    if selection.foreign_specs or selection.removed_delete_files:
        return True
    if _total(selection.by_partition["rewritten_deletes"]):
        return True
    return len(fewer(outputs)) > 0


def fewer(outputs: Outputs) -> pa.ChunkedArray:
    """Partitions of `by_partition` in which fewer files come out than go in, by the most that may.

    Files that one rewriting cut would be cut again much as they are, however the estimate sees it.
    So a second run of the same command never repeats the first.
    """
    found = outputs.by_partition
    less = pc.less(found["added_data_files_high"], found["rewritten_data_files"])
    same = pc.and_(
        pc.greater(found["added_data_files_high"], 1), pc.is_in(found["partition"], outputs.recut)
    )
    return found["partition"].filter(pc.and_(less, pc.invert(same)))


def _recut(selection: Selection, state: TableState, full: Range) -> pa.Array:
    """Partitions of which all files that are chosen come from one and the same rewriting, and are
    about as large as one would make them again: the target was not raised since."""
    files = selection.files
    made = [each.snapshot_id for each in state.snapshots if each.operation == "replace"]
    if not made or _COMMIT not in files.column_names:
        return pa.array([], pa.int32())
    chosen = files.select(["partition", _COMMIT, "size"]).filter(selection.rewritten)
    if is_unpartitioned(state.specs[state.default_spec_id]):
        chosen = chosen.set_column(0, "partition", pa.repeat(pa.scalar(0, pa.int32()), len(chosen)))
    measured = [(_COMMIT, "min"), (_COMMIT, "max"), ("size", "max")]
    sums = chosen.group_by("partition").aggregate(measured)
    first, last = sums[f"{_COMMIT}_min"], sums[f"{_COMMIT}_max"]
    one = pc.and_(pc.equal(first, last), pc.is_in(first, pa.array(made, pa.int64())))
    alike = pc.greater(pc.multiply(sums["size_max"], _ABOUT), float(full.low))
    return sums["partition"].filter(pc.and_(one, alike)).combine_chunks()


def _full_file(state: TableState, server: Server, target: int) -> Range:
    written = _written_format(state)
    low, high = (int(each * target) for each in _CUTS.get(written, _CUTS["orc"]))
    if written == "parquet":
        low, high = _full_parquet(state, target, estimates=server.version >= _ESTIMATES_COMPRESSION)
    if written == "orc" and target < _SMALL_ORC[0]:
        low = int(_SMALL_ORC[1] * target)
    if state.sort_order:
        low, high = (int(each * target) for each in _CUTS_SORTED)
        high += _SORT_BUFFER
    return Range(max(low, 1), high + _PAGE)


def _full_parquet(state: TableState, target: int, *, estimates: bool) -> tuple[int, int]:
    low, high = (each * target for each in _CUTS["parquet"])
    if state.sample is None:
        leaves = sum(
            1 + each.type.count("optional") + each.type.count("required") for each in state.columns
        )
        sure = estimates and leaves * _UNSAMPLED < target
        return int(low if sure else max(_LEAST * target, target - leaves * _BUFFERED)), int(high)
    least, most = full_file(state.sample, target, estimates=estimates)
    sample = state.sample
    weight = sum(each.compressed for each in sample.columns) * max(sample.rows, 1)
    grown = max(1.0, min(_MERGED, most / max(weight, 1.0)))
    repeated = min(grown * sample.dictionary_bytes, len(sample.columns) * _MB)
    low = min(low, _AROUND[0] * least + sample.dictionary_bytes)
    return int(low), int(min(high, _AROUND[1] * most) + repeated)


def _written_format(state: TableState) -> str:
    return state.properties.get("write.format.default", "parquet").lower()


def _writers(state: TableState, server: Server) -> int:
    """Writers of one partition: 1, or of an unpartitioned table all that may take part."""
    if not is_unpartitioned(state.specs[state.default_spec_id]):
        return 1
    return max(int(server.system_session.get("task_min_writer_count", "1")), 1) * server.workers


def _groups(selection: Selection, state: TableState) -> pa.Table:
    """Rewritten files by the partition that their rows go to, with what may come out of them. Added
    up part by part: as whole columns the terms would be 40 MB at a million files."""
    files = selection.files
    own = files[OWN] if OWN in files.column_names else written_by_trino(files)
    files, taken = files.select(_WEIGHED).append_column(OWN, own), selection.rewritten
    parts = [
        _sums(files.slice(start, _PART).filter(taken.slice(start, _PART)), state)
        for start in range(0, max(files.num_rows, 1), _PART)
    ]
    sums = _added_up(pa.concat_tables(parts)) if len(parts) > 1 else parts[0]
    return _less_deleted(sums, selection, state)


def _sums(files: pa.Table, state: TableState) -> pa.Table:
    if is_unpartitioned(state.specs[state.default_spec_id]):
        place = pc.multiply(pc.cast(files["spec_id"], pa.int32()), pa.scalar(0, pa.int32()))
    else:
        foreign = pc.not_equal(files["spec_id"], state.default_spec_id)
        new = pa.scalar(NEW_PARTITIONS, pa.int32())
        place = pc.if_else(foreign, new, files["partition"])
    low, high = _factors(files, state)
    return _added_up(
        pa.table(
            {
                "partition": place,
                "rewritten_data_files": pc.if_else(pc.is_valid(place), 1, 1),
                "rows": files["rows"],
                "low": pc.multiply(low, pc.cast(files["size"], pa.float64())),
                "high": pc.multiply(high, pc.cast(files["size"], pa.float64())),
            }
        )
    )


def _added_up(terms: pa.Table) -> pa.Table:
    sums = terms.group_by("partition").aggregate([(name, "sum") for name in _TERMS])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])


def written_by_trino(files: pa.Table) -> pa.ChunkedArray:
    return pc.match_substring_regex(files["path"], _TRINO_FILE)


def _factors(files: pa.Table, state: TableState) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    low: object = pa.scalar(_SHRINKS_LARGE)
    for size, factor in reversed(_SHRINKS):
        low = pc.if_else(pc.less(files["size"], size), factor, low)
    own = files[OWN]
    grows = pc.if_else(pc.less(files["size"], 2 * _MB), _GROWS_SMALL, _GROWS)
    high = pc.if_else(own, grows, _FOREIGN[1])
    if state.sample is not None:
        rest: object = pa.scalar(1.0)
        for size, factor in reversed(_REST_SHRINKS):
            unique = factor * (1.0 - state.sample.dictionaries)
            rest = pc.if_else(pc.less(files["size"], size), unique, rest)
        low = pc.min_element_wise(low, rest)
    low = pc.if_else(own, low, pc.min_element_wise(low, _FOREIGN[0]))
    recoded = pc.not_equal(files["format"], _written_format(state))
    low = pc.if_else(recoded, pc.min_element_wise(low, _RECODED[0]), low)
    return low, pc.if_else(recoded, _RECODED[1], high)


def _less_deleted(groups: pa.Table, selection: Selection, state: TableState) -> pa.Table:
    """Lower bounds without the rows that deletes may take.

    A position delete takes one row. An equality delete is counted as one too, as upserts by key
    have it; a key that many rows share takes more.
    """
    files = selection.files
    deleting = files.filter(pc.greater(files["applies_to"], 0))
    rows = groups["rows"]
    if deleting.num_rows == 0:
        return groups.append_column("rows_low", rows)
    unpartitioned = [each for each, spec in state.specs.items() if is_unpartitioned(spec)]
    wide = pc.and_(
        pc.equal(deleting["content"], EQUALITY_DELETES),
        pc.is_in(deleting["spec_id"], pa.array(unpartitioned, pa.int32())),
    )
    merged = is_unpartitioned(state.specs[state.default_spec_id])
    everywhere = _total(deleting["rows"] if merged else deleting["rows"].filter(wide))
    local = deleting.filter(pc.invert(wide)).group_by("partition").aggregate([("rows", "sum")])
    at = pc.index_in(groups["partition"], local["partition"].combine_chunks())
    own = pc.fill_null(local["rows_sum"].take(at), 0)
    if merged:
        own = pc.multiply(own, 0)
    left = pc.max_element_wise(pc.subtract(rows, pc.add(own, everywhere)), 0)
    share = pc.divide(pc.cast(left, pa.float64()), pc.max_element_wise(rows, 1))
    low = pc.multiply(groups["low"], share)
    groups = groups.set_column(groups.column_names.index("low"), "low", low)
    return groups.append_column("rows_low", left)


def _ceil(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(pc.ceil(column), pa.int64())


def _range(table: pa.Table, name: str) -> Range:
    return Range(_total(table[f"{name}_low"]), _total(table[f"{name}_high"]))


def _total(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
