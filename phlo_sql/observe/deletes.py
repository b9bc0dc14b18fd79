"""Which delete files a scan reads with which data file, counted.

The rules are those of `DeleteFileIndex` in iceberg-core 1.9.1 and 1.11.0, the versions in Trino 476
and 483: sequence numbers, partition or global scope, files that name one data file, deletion
vectors in place of position deletes, and statistics that rule an equality delete out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from phlo_sql.model.state import DATA, EQUALITY_DELETES, POSITION_DELETES
from phlo_sql.observe.equality import (
    LOWERS,
    UPPERS,
    Evidence,
    statistic,
    statistics_of,
)
from phlo_sql.observe.manifests_avro import column
from phlo_sql.observe.manifests_read import INDEX
from phlo_sql.observe.partitions import is_partitioned, partition_specs

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from pyiceberg.table import Table

    from phlo_sql.observe.manifests_scan import Entry

    Array: TypeAlias = np.ndarray[Any, Any]

_CONTENT = 134
_FILE_PATH_ID = 2147483546
"""Reserved id of `file_path` in position delete files (Iceberg spec, "Reserved Field IDs")."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where more can be read, should an equality delete ask for data files' statistics."""

    table: Table
    manifests: list[Entry]
    engine: str | None


@dataclass(slots=True)
class DeleteFiles:
    """What is kept of delete files beside the inventory, in the same order."""

    targets: list[pa.Array] = field(default_factory=list)
    """One per delete file."""
    statistics: list[dict[int, pa.Array]] = field(default_factory=list)
    """One per equality delete file."""

    def collect(self, rows: pa.Table) -> None:
        import pyarrow.compute as pc

        statistics = statistics_of(rows)
        self.targets.append(_bounded_path(statistics[LOWERS], statistics[UPPERS]))
        equality = pc.equal(rows.column(column(_CONTENT)), EQUALITY_DELETES).combine_chunks()
        if pc.any(equality).as_py():
            self.statistics.append(
                {each: lists.filter(equality) for each, lists in statistics.items()}
            )

    def target(self) -> pa.ChunkedArray:
        import pyarrow as pa

        return pa.chunked_array(self.targets, type=pa.string())


def _bounded_path(lowers: pa.Array, uppers: pa.Array) -> pa.Array:
    """The one data file that a delete file's own bounds name, or null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lower = statistic(lowers, _FILE_PATH_ID, pa.binary())
    upper = statistic(uppers, _FILE_PATH_ID, pa.binary())
    one = pc.fill_null(pc.equal(lower, upper), fill_value=False)
    return pc.if_else(one, lower, pa.scalar(None, pa.binary())).cast(pa.string())


def attach(files: pa.Table, found: DeleteFiles, source: Source) -> pa.Table:
    """Add `deletes` (delete files per data file) and `applies_to` (data files per delete file)."""
    import numpy as np
    import pyarrow as pa

    deletes = np.zeros(files.num_rows, dtype=np.int32)
    applies_to = deletes
    if found.targets:
        applies_to = np.zeros(files.num_rows, dtype=np.int32)
        rows = _Rows.of(files, found)
        _attach_positions(rows, deletes, applies_to)
        _attach_equalities(rows, files, found, source, deletes, applies_to)
    columns = {"deletes": deletes, "applies_to": applies_to}
    for name, values in columns.items():
        files = files.append_column(name, pa.array(values, pa.int32()))
    return files


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Row numbers in the inventory, by what they are, and the columns that decide."""

    data: Array
    positions: Array
    vectors: Array
    equalities: Array
    sequence: Array
    partition: Array
    path: pa.ChunkedArray
    target: pa.ChunkedArray
    """By delete file: its place in `deleting` is its place here."""
    deleting: Array

    @staticmethod
    def of(files: pa.Table, found: DeleteFiles) -> _Rows:
        import numpy as np
        import pyarrow.compute as pc

        content = files.column("content").to_numpy()
        puffin = pc.equal(files.column("format"), "puffin").to_numpy()
        deleting = np.flatnonzero(content != DATA)
        named = files.column("referenced_data_file").take(deleting)
        return _Rows(
            data=np.flatnonzero(content == DATA),
            positions=np.flatnonzero((content == POSITION_DELETES) & ~puffin),
            vectors=np.flatnonzero((content == POSITION_DELETES) & puffin),
            equalities=np.flatnonzero(content == EQUALITY_DELETES),
            sequence=pc.fill_null(files.column("data_sequence_number"), 0).to_numpy(),
            partition=files.column("partition").to_numpy(),
            path=files.column("path"),
            target=pc.coalesce(named, found.target()),
            deleting=deleting,
        )

    def places(self, deletes: Array) -> Array:
        """Where these delete files stand among all delete files."""
        import numpy as np

        return np.searchsorted(self.deleting, deletes)


def _attach_positions(rows: _Rows, deletes: Array, applies_to: Array) -> None:
    import numpy as np

    # A deletion vector replaces every position delete of its data file.
    _, data_group, vector_group = _by_path(rows, rows.data, rows.vectors)
    has_vector = np.isin(data_group, vector_group[vector_group >= 0]) & (data_group >= 0)
    deletes[rows.data[has_vector]] += 1
    applies_to[rows.vectors] += (vector_group >= 0).astype(np.int32)
    rest = rows.data[~has_vector]

    scoped, data_group, path_group = _by_path(rows, rest, rows.positions)
    _count(rows, rest, data_group, rows.positions[scoped], path_group[scoped], deletes, applies_to)
    wide = rows.positions[~scoped]
    _count(rows, rest, rows.partition[rest], wide, rows.partition[wide], deletes, applies_to)


def _by_path(rows: _Rows, data: Array, deleting: Array) -> tuple[Array, Array, Array]:
    """Which delete files name a data file, and both sides' groups by path (-1: no partner)."""
    import pyarrow.compute as pc

    target = rows.target.take(rows.places(deleting)).combine_chunks()
    wanted = target.drop_null().unique()
    path = rows.path.take(data).combine_chunks()
    data_group = pc.fill_null(pc.index_in(path, wanted), -1).to_numpy()
    present = path.filter(pc.greater_equal(data_group, 0)) if len(wanted) else path.slice(0, 0)
    group = pc.index_in(target, wanted, skip_nulls=True)
    group = pc.if_else(pc.is_in(target, present), group, -1)
    return target.is_valid().to_numpy(zero_copy_only=False), data_group, group.to_numpy()


def _count(
    rows: _Rows,
    data: Array,
    data_group: Array,
    deleting: Array,
    delete_group: Array,
    deletes: Array,
    applies_to: Array,
) -> None:
    """Add up pairs of one group where the delete is not older than the data file."""
    import numpy as np

    data, data_group = data[data_group >= 0], data_group[data_group >= 0].astype(np.int64)
    deleting, delete_group = (
        deleting[delete_group >= 0],
        delete_group[delete_group >= 0].astype(np.int64),
    )
    if not len(data) or not len(deleting):
        return
    ranked, ranks = np.unique(
        np.concatenate([rows.sequence[data], rows.sequence[deleting]]), return_inverse=True
    )
    width = len(ranked)
    data_key = data_group * width + ranks[: len(data)]
    delete_key = delete_group * width + ranks[len(data) :]
    by_key = np.sort(delete_key)
    ends = np.searchsorted(by_key, (data_group + 1) * width)
    deletes[data] += (ends - np.searchsorted(by_key, data_key)).astype(np.int32)
    by_key = np.sort(data_key)
    starts = np.searchsorted(by_key, delete_group * width)
    applies_to[deleting] += (np.searchsorted(by_key, delete_key, side="right") - starts).astype(
        np.int32
    )


def _attach_equalities(
    rows: _Rows,
    files: pa.Table,
    found: DeleteFiles,
    source: Source,
    deletes: Array,
    applies_to: Array,
) -> None:
    import numpy as np

    if not len(rows.equalities):
        return
    specs = partition_specs(source.table.metadata)
    spec_ids = files.column("spec_id").to_numpy()
    partitioned = {each for each, spec in specs.items() if is_partitioned(spec)}
    grouped = rows.data[np.argsort(rows.partition[rows.data], kind="stable")]
    groups = rows.partition[grouped]

    def older(row: int) -> Array:
        # An equality delete of an unpartitioned spec is global: it reaches data of every spec.
        near = rows.data
        if int(spec_ids[row]) in partitioned:
            start, end = np.searchsorted(groups, [rows.partition[row], rows.partition[row] + 1])
            near = grouped[start:end]
        chosen: Array = near[rows.sequence[near] < rows.sequence[row]]
        return chosen

    wanted = np.zeros(files.num_rows, dtype=np.bool_)
    for row in rows.equalities.tolist():
        wanted[older(row)] = True
    asked = files.column("equality_ids").take(rows.equalities).to_pylist()
    ids = {each for named in asked for each in named or ()}
    numbers = files.column(INDEX).to_numpy()
    evidence = Evidence.read(source, found, numbers, np.flatnonzero(wanted), ids)
    for place, (row, named) in enumerate(zip(rows.equalities.tolist(), asked, strict=True)):
        hit = older(row)
        hit = hit[evidence.may_apply(place, named or (), hit)]
        deletes[hit] += 1
        applies_to[row] = len(hit)
