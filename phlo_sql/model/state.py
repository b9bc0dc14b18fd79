"""A table as it was observed at one moment: metadata, history, and its files as Arrow columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from phlo_sql.model.names import TableName

DATA, POSITION_DELETES, EQUALITY_DELETES = 0, 1, 2
"""`content` of a file in the inventory (Iceberg spec, "Manifest files")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    field_id: int
    name: str
    type: str
    """In Iceberg's spelling: `long`, `decimal(10, 2)`, `struct<…>`."""
    required: bool = False
    doc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionField:
    source_id: int
    field_id: int
    name: str
    transform: str
    """In the spec's spelling: `identity`, `bucket[16]`, `truncate[4]`, `day`, `void`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionSpec:
    spec_id: int
    fields: tuple[PartitionField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SortField:
    source_id: int
    transform: str
    direction: str
    """`asc` or `desc`."""
    nulls_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    snapshot_id: int
    parent_id: int | None
    sequence_number: int
    timestamp_ms: int
    manifest_list: str
    operation: str | None = None
    schema_id: int | None = None
    summary: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRef:
    """A branch or tag that the table's own metadata holds (not a Nessie ref)."""

    name: str
    kind: str
    snapshot_id: int
    max_ref_age_ms: int | None = None
    max_snapshot_age_ms: int | None = None
    min_snapshots_to_keep: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition value under one spec.

    `values` follow the spec's fields; each is None, bool, int, float, str, bytes, Decimal, date,
    time, datetime or UUID, in the transform's result type: `day` a date, `month`, `year` and `hour`
    the integer that the spec defines (months, years, hours from 1970).
    """

    spec_id: int
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Every live data and delete file of one snapshot.

    `files` is an Arrow table with one row per live manifest entry:
      content int8 · path string · format string (lower case) · spec_id int32 ·
      partition int32 (index into `partitions`) · size int64 (bytes) · rows int64 ·
      data_sequence_number int64 · file_sequence_number int64 · added_snapshot_id int64 ·
      referenced_data_file string? · content_offset int64? · content_size int64? ·
      equality_ids list<int32>? ·
      manifest int32 (row of `manifests` that holds the entry: which old delete files a commit drops
      depends on it) ·
      deletes int32: how many delete files a scan reads with this data file (0 for delete files) ·
      applies_to int32: how many data files this delete file is read with (0 for data files, and for
      a dangling delete file)
    `manifests` is an Arrow table with one row per manifest of the snapshot:
      path string · length int64 · content int8 (0 data, 1 deletes) · spec_id int32 ·
      sequence_number int64 · added_snapshot_id int64 · live_files int64
    """

    files: pa.Table
    partitions: tuple[Partition, ...]
    manifests: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenColumn:
    """One leaf column as files hold it, each figure per row: values; bytes as the writer buffers
    them, as its pages hold them, and as these are compressed, all without dictionaries."""

    values: float
    raw: float
    encoded: float
    compressed: float
    coded: bool
    """Its values stand in a dictionary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenSample:
    """Of what a few of the table's Parquet files are made."""

    columns: tuple[WrittenColumn, ...]
    dictionaries: float
    """Share of their bytes, 0 to 1, that is dictionaries."""
    dictionary_bytes: int
    """Bytes of dictionaries in one file."""
    rows: int
    """Of one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """What was observed of one table at one ref. `snapshot_id` is None for an empty table."""

    table: TableName
    ref: str | None
    ref_hash: str | None
    uuid: str
    format_version: int
    location: str
    metadata_location: str
    snapshot_id: int | None
    columns: tuple[Column, ...]
    specs: Mapping[int, PartitionSpec]
    default_spec_id: int
    sort_order: tuple[SortField, ...]
    properties: Mapping[str, str]
    snapshots: tuple[Snapshot, ...]
    refs: tuple[SnapshotRef, ...]
    files: Inventory
    sample: WrittenSample | None = None
    """Of what Parquet files that may be rewritten are made; None where nobody looked."""
