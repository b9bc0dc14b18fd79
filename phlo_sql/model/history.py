"""All that a table's metadata keeps alive: its snapshots, and the files that each reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from phlo_sql.model.names import TableName
    from phlo_sql.model.state import Snapshot, SnapshotRef


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedFile:
    path: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsFile:
    """A Puffin file with statistics, or a file of partition statistics, of one snapshot."""

    snapshot_id: int
    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Files by snapshot. A manifest that snapshots share is read once.

    `lists` has each snapshot's manifest list; `of_snapshot` the places in `manifests` that it
    names; `added_by` the snapshot that wrote each manifest. `entries` is an Arrow table, one row
    per entry of a manifest, deleted ones too:
      manifest int32 (place in `manifests`) · path string · size int64 (bytes) · content int8 ·
      status int8 (0 existing, 1 added, 2 deleted) · snapshot_id int64 (that made it so)
    """

    lists: Mapping[int, SizedFile]
    of_snapshot: Mapping[int, tuple[int, ...]]
    manifests: tuple[SizedFile, ...]
    added_by: tuple[int | None, ...]
    entries: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A table's metadata at one ref, with everything that it reaches.

    `metadata_files` are the current metadata file and those of its log.
    """

    table: TableName
    ref: str | None
    ref_hash: str | None
    uuid: str
    format_version: int
    location: str
    metadata_location: str
    snapshot_id: int | None
    properties: Mapping[str, str]
    snapshots: tuple[Snapshot, ...]
    refs: tuple[SnapshotRef, ...]
    metadata_files: tuple[str, ...]
    statistics: tuple[StatisticsFile, ...]
    reach: Reach
