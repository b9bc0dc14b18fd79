"""Files that only some snapshots reach: what goes when they go. Whole paths, never file names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from phlo_sql.model.history import History

DATA, DELETES, MANIFEST, MANIFEST_LIST, STATISTICS, METADATA = (
    "data file",
    "delete file",
    "manifest",
    "manifest list",
    "statistics",
    "metadata",
)
_DELETED = 2
SCHEMA = pa.schema([("path", pa.string()), ("size", pa.int64()), ("kind", pa.string())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """Files that only the snapshots to expire reach. `files` has columns path, size, kind."""

    files: pa.Table

    @property
    def count(self) -> int:
        return int(self.files.num_rows)

    @property
    def bytes(self) -> int:
        return int(pc.sum(self.files["size"]).as_py() or 0)

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Kind → files and bytes."""
        totals = self.files.group_by("kind").aggregate([("size", "count"), ("size", "sum")])
        return {
            row["kind"]: (row["size_count"], row["size_sum"] or 0) for row in totals.to_pylist()
        }


def reached(history: History, snapshots: Collection[int]) -> pa.Table:
    """Every file that these snapshots reach, once: columns path, size, kind."""
    chosen = [each for each in snapshots if each in history.reach.lists]
    places = sorted({place for each in chosen for place in history.reach.of_snapshot[each]})
    entries = history.reach.entries
    wanted = pc.is_in(entries["manifest"], value_set=pa.array(places, pa.int32()))
    held = entries.filter(pc.and_(wanted, pc.not_equal(entries["status"], _DELETED)))
    kinds = pc.if_else(pc.equal(held["content"], 0), DATA, DELETES)
    manifests = [history.reach.manifests[place] for place in places]
    lists = [history.reach.lists[each] for each in chosen]
    statistics = [each for each in history.statistics if each.snapshot_id in set(chosen)]
    table = pa.concat_tables(
        [
            pa.table([held["path"], held["size"], kinds.cast(pa.string())], schema=SCHEMA),
            rows_of(((each.path, each.size) for each in manifests), MANIFEST),
            rows_of(((each.path, each.size) for each in lists), MANIFEST_LIST),
            rows_of(((each.path, each.size) for each in statistics), STATISTICS),
        ]
    )
    return distinct(table)


def everything(history: History) -> pa.Table:
    """All that the metadata reaches, and the metadata files themselves."""
    metadata = rows_of(((path, 0) for path in history.metadata_files), METADATA)
    return pa.concat_tables([reached(history, list(history.reach.lists)), metadata])


def freed(history: History, kept: Collection[int], expired: Collection[int]) -> Freed:
    """What goes when `expired` go and `kept` stay."""
    gone, stay = reached(history, expired), reached(history, kept)
    return Freed(files=minus(gone, stay["path"]))


def minus(files: pa.Table, paths: pa.ChunkedArray) -> pa.Table:
    """The rows whose path is not among `paths`."""
    known = paths.combine_chunks() if isinstance(paths, pa.ChunkedArray) else paths
    return files.filter(pc.invert(pc.is_in(files["path"], value_set=known)))


def rows_of(files: Iterable[tuple[str, int]], kind: str) -> pa.Table:
    """(path, bytes) pairs of one kind."""
    found = list(files)
    columns = [
        pa.array([path for path, _ in found], pa.string()),
        pa.array([size for _, size in found], pa.int64()),
        pa.array([kind] * len(found), pa.string()),
    ]
    return pa.table(columns, schema=SCHEMA)


def distinct(files: pa.Table) -> pa.Table:
    """One row per path; deletion vectors share a Puffin file, whose size each of them tells."""
    if pc.count_distinct(files["path"]).as_py() == files.num_rows:  # a third of what grouping costs
        return files
    found = files.group_by("path").aggregate([("size", "max"), ("kind", "min")])
    return found.rename_columns(["path", "size", "kind"]).cast(SCHEMA)
