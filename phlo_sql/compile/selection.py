"""Which files Trino's `ALTER TABLE … EXECUTE optimize` rewrites, and which delete files go.

The rules are read in Trino's and Iceberg's sources, and held by live tests on Trino 476 and 483:

1. A data file without deletes that is larger than `file_size_threshold` stays; equal is small
   enough. A file with deletes is taken whatever its size (`IcebergSplitSource.pruneFileScanTask`).
2. In the current partition spec a lone file without deletes stays: one file per partition gains
   nothing (`IcebergSplitSource.processFileScanTask`, `scannedFilesByPartition`).
3. Rule 2 ends for the whole statement as soon as rules 1 and WHERE leave one file of another spec:
   files queued as lone are flushed then, so the order in which files are planned doesn't matter.
4. A delete file that applies to a rewritten file goes too (`prepareFileTasksIterator`): position
   deletes unless `"$path"` or `"$file_modified_time"` restrict the run, up to 479 also not under a
   predicate on `"$partition"`; equality deletes of an unpartitioned spec only without any WHERE;
   those of a partitioned spec like position deletes from 480 on, before only without any WHERE.
5. The commit drops more (`MergingSnapshotProducer.apply`, `ManifestFilterManager`): in the delete
   manifests that it opens, files older than every data file that stays, and from Iceberg 1.10
   (Trino 477) deletion vectors of data files that go. It opens those that hold a file of rule 4;
   where there are none, all of them from Iceberg 1.10 on and none before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import acero

from phlo_sql.model.state import DATA, EQUALITY_DELETES, PartitionSpec

if TYPE_CHECKING:
    from phlo_sql.model.state import TableState

_PARTITION_DELETES = 480
"""First Trino that removes position and equality deletes of whole partitions (rule 4)."""
_ICEBERG_1_10 = 477
"""First Trino with Iceberg 1.10 (its pom; 476 has 1.9.1, 483 has 1.11.0)."""


ROW = "row"
"""A column of our own in the files of a state that is cut: a file's place in the inventory."""


class Fate(IntEnum):
    """What becomes of a file."""

    REWRITTEN = 0
    TOO_LARGE = 1
    ALONE = 2
    OUTSIDE_WHERE = 3
    REMOVED = 4
    """A delete file that the commit drops."""
    KEPT = 5
    """A delete file that stays."""

    @property
    def reason(self) -> str:
        return _REASONS[self]


_REASONS = {
    Fate.REWRITTEN: "rewritten",
    Fate.TOO_LARGE: "too large",
    Fate.ALONE: "alone in its partition",
    Fate.OUTSIDE_WHERE: "outside WHERE",
    Fate.REMOVED: "removed",
    Fate.KEPT: "kept",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What a WHERE that Trino enforces leaves of a table.

    `partitions` are places in the inventory's partitions, `paths` are data files; None: all of
    them. `partition_column` says that the predicate names `"$partition"`.
    """

    partitions: frozenset[int] | None = None
    paths: frozenset[str] | None = None
    partition_column: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What one statement takes. `fates` has a `Fate` per row of the inventory's files.

    `applied_delete_files` is what the server reports as removed (rule 4); `removed_delete_files`
    is what the snapshot no longer has (rules 4 and 5). `by_partition` has a row per partition that
    holds data files: partition int32 · files, bytes (all its data files) · rewritten_data_files,
    rewritten_bytes, rewritten_rows, rewritten_deletes (files with deletes among them) ·
    removed_delete_files.
    """

    files: pa.Table
    fates: pa.Array
    whole_table: bool
    """No WHERE."""
    foreign_specs: bool
    """Rule 3 applied."""
    rewritten_data_files: int
    rewritten_bytes: int
    rewritten_rows: int
    applied_delete_files: int
    removed_delete_files: int
    by_partition: pa.Table

    @property
    def rewritten(self) -> pa.Array:
        """A mask over the inventory's files."""
        return pc.equal(self.fates, int(Fate.REWRITTEN))

    def paths(self, fate: Fate = Fate.REWRITTEN, most: int | None = None) -> tuple[str, ...]:
        """The files of one fate, sorted. Deletion vectors share a path: it then comes twice."""
        mask = pc.equal(self.fates, int(fate))
        if most is None:
            return tuple(sorted(self.files.column("path").filter(mask).to_pylist()))
        found, start = pa.array([], pa.string()), 0
        for chunk in self.files.column("path").chunks:  # all at once they would be copied
            some = chunk.filter(mask.slice(start, len(chunk)))
            found, start = _first(pa.concat_arrays([found, some]), most), start + len(chunk)
        return tuple(found.to_pylist())

    def count(self, fate: Fate) -> int:
        return int(pc.sum(pc.equal(self.fates, int(fate))).as_py() or 0)

    def size(self, fate: Fate) -> int:
        """Bytes of the files of one fate."""
        chosen = self.files.column("size").filter(pc.equal(self.fates, int(fate)))
        return int(pc.sum(chosen).as_py() or 0)


def is_unpartitioned(spec: PartitionSpec) -> bool:
    """As `PartitionSpec.isUnpartitioned` has it: void fields don't count."""
    return all(field.transform == "void" for field in spec.fields)


def select(
    state: TableState, server_version: int, threshold: int, where: Restriction | None = None
) -> Selection:
    """The files that `optimize(file_size_threshold => threshold)` takes, threshold in bytes."""
    files = state.files.files
    data = pc.equal(files["content"], DATA)
    inside = _inside(files, where)
    with_deletes = pc.greater(files["deletes"], 0)
    large = pc.and_(pc.greater(files["size"], threshold), pc.invert(with_deletes))
    candidate = pc.and_(pc.and_(data, inside), pc.invert(large))
    foreign = _any(pc.and_(candidate, pc.not_equal(files["spec_id"], state.default_spec_id)))
    alone = _nowhere(files) if foreign else _alone(files, candidate, with_deletes)
    rewritten = pc.and_(candidate, pc.invert(alone))
    applied = removed = _nowhere(files)
    if not pc.all(data).as_py():
        applied = _applied(state, server_version, inside, where)
        removed = _removed(state, server_version, rewritten, applied)
    stays = pc.if_else(inside, _byte(Fate.TOO_LARGE), _byte(Fate.OUTSIDE_WHERE))
    stays = pc.if_else(alone, _byte(Fate.ALONE), stays)
    data_fates = pc.if_else(rewritten, _byte(Fate.REWRITTEN), stays)
    deletes = pc.if_else(removed, _byte(Fate.REMOVED), _byte(Fate.KEPT))
    fates = pc.if_else(data, data_fates, deletes)
    by_partition = _by_partition(files, data, rewritten, removed)
    return Selection(
        files=files,
        fates=_flat(pc.cast(fates, pa.int8())),
        whole_table=where is None,
        foreign_specs=foreign,
        rewritten_data_files=_total(by_partition["rewritten_data_files"]),
        rewritten_bytes=_total(by_partition["rewritten_bytes"]),
        rewritten_rows=_total(by_partition["rewritten_rows"]),
        applied_delete_files=_total(applied),
        removed_delete_files=_total(removed),
        by_partition=by_partition,
    )


def _inside(files: pa.Table, where: Restriction | None) -> pa.ChunkedArray:
    inside = pc.invert(_nowhere(files))
    if where is None:
        return inside
    if where.partitions is not None:
        wanted = pa.array(sorted(where.partitions), pa.int32())
        inside = pc.is_in(files["partition"], wanted)
    if where.paths is not None:
        inside = pc.and_(inside, pc.is_in(files["path"], pa.array(where.paths, pa.string())))
    return inside


def _alone(
    files: pa.Table, candidate: pa.ChunkedArray, with_deletes: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Rule 2."""
    counted = (
        pa.table({"partition": files["partition"], "with_deletes": with_deletes})
        .filter(candidate)
        .group_by("partition")
        .aggregate([([], "count_all"), ("with_deletes", "any")])
    )
    lone = pc.and_(pc.equal(counted["count_all"], 1), pc.invert(counted["with_deletes_any"]))
    partitions = counted["partition"].filter(lone)
    return pc.and_(candidate, pc.is_in(files["partition"], partitions.combine_chunks()))


def _applied(
    state: TableState, server_version: int, inside: pa.ChunkedArray, where: Restriction | None
) -> pa.ChunkedArray:
    """Rule 4: every data file inside WHERE to which one of these applies is rewritten."""
    files = state.files.files
    applies = pc.and_(pc.not_equal(files["content"], DATA), pc.greater(files["applies_to"], 0))
    if where is None:
        return applies
    if where.paths is not None:
        return _nowhere(files)
    equality = pc.equal(files["content"], EQUALITY_DELETES)
    allowed = pc.and_(applies, inside)
    if server_version < _PARTITION_DELETES:
        kept = pc.invert(_nowhere(files)) if where.partition_column else equality
        return pc.and_(allowed, pc.invert(kept))
    unpartitioned = [each for each, spec in state.specs.items() if is_unpartitioned(spec)]
    everywhere = pc.is_in(files["spec_id"], pa.array(unpartitioned, pa.int32()))
    return pc.and_(allowed, pc.invert(pc.and_(equality, everywhere)))


def _removed(
    state: TableState, server_version: int, rewritten: pa.ChunkedArray, applied: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Rule 5, and those of rule 4."""
    files = state.files.files
    old_iceberg = server_version < _ICEBERG_1_10
    if not _any(rewritten) or (old_iceberg and not _any(applied)):
        return applied
    opened = pc.not_equal(files["content"], DATA)
    if _any(applied) and "manifest" in files.column_names:
        manifests = files["manifest"].filter(applied).unique()
        opened = pc.and_(opened, pc.is_in(files["manifest"], manifests))
    sequence = pc.fill_null(files["data_sequence_number"], 0)
    oldest = _oldest_kept(state, rewritten)
    dropped = pc.and_(pc.greater(sequence, 0), pc.less(sequence, oldest))
    if not old_iceberg and _any(opened):
        gone = files["path"].filter(rewritten).combine_chunks()
        vector = pc.equal(files["format"], "puffin")
        dangling = pc.and_(vector, pc.is_in(files["referenced_data_file"], gone))
        dropped = pc.or_(dropped, dangling)
    return pc.or_(applied, pc.and_(opened, dropped))


def _oldest_kept(state: TableState, rewritten: pa.ChunkedArray) -> int:
    """The least data sequence number among data files that stay, as the manifests tell it.

    A data manifest without live files counts with the number of the snapshot that wrote it; with
    none left the table's last number counts (`ManifestWriter`, `V2Metadata`: UNASSIGNED_SEQ).
    """
    files, manifests = state.files.files, state.files.manifests
    data = pc.equal(files["content"], DATA)
    kept = files["data_sequence_number"].filter(pc.and_(data, pc.invert(rewritten)))
    dead = pc.and_(pc.equal(manifests["content"], 0), pc.equal(manifests["live_files"], 0))
    numbers = [max((each.sequence_number for each in state.snapshots), default=0)]
    for column in (pc.fill_null(kept, 0), manifests["sequence_number"].filter(dead)):
        least = pc.min(column).as_py()
        if least is not None:
            numbers.append(int(least))
    return min(numbers)


def _by_partition(
    files: pa.Table,
    data: pa.ChunkedArray,
    rewritten: pa.ChunkedArray,
    removed: pa.ChunkedArray,
) -> pa.Table:
    """Added up batch by batch: as whole columns these terms would be 50 MB at a million files."""
    one, zero = pa.scalar(1, pa.int64()), pa.scalar(0, pa.int64())
    live, taken, gone = pc.field("data"), pc.field("taken"), pc.field("gone")
    terms = {
        "files": (live, one),
        "bytes": (live, pc.field("size")),
        "rewritten_data_files": (taken, one),
        "rewritten_bytes": (taken, pc.field("size")),
        "rewritten_rows": (taken, pc.field("rows")),
        "rewritten_deletes": (taken & (pc.field("deletes") > 0), one),
        "removed_delete_files": (gone, one),
    }
    names = ["partition", *terms]
    source = files.select(["partition", "size", "rows", "deletes"])
    for name, mask in (("data", data), ("taken", rewritten), ("gone", removed)):
        source = source.append_column(name, mask)
    sums = [(name, "hash_sum", None, name) for name in terms]
    added = [pc.if_else(mask, value, zero) for mask, value in terms.values()]
    plan = [
        ("table_source", acero.TableSourceNodeOptions(source)),
        ("project", acero.ProjectNodeOptions([pc.field("partition"), *added], names)),
        ("aggregate", acero.AggregateNodeOptions(sums, ["partition"])),
    ]
    found = acero.Declaration.from_sequence([acero.Declaration(*each) for each in plan])
    return found.to_table(use_threads=False).select(names).sort_by("partition")


def _first(texts: pa.Array, most: int) -> pa.Array:
    return texts.take(pc.select_k_unstable(texts, most, sort_keys=[("", "ascending")]))


def _byte(fate: Fate) -> pa.Scalar:
    return pa.scalar(int(fate), pa.int8())


def _nowhere(files: pa.Table) -> pa.ChunkedArray:
    return pc.less(files["content"], 0)


def _any(mask: pa.ChunkedArray) -> bool:
    return bool(pc.any(mask).as_py())


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _total(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
