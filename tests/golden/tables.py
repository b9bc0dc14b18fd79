"""Synthetic tables for golden runbooks: what `observe` would have read of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from phlo_sql.model.names import TableName
from phlo_sql.model.server import Server
from phlo_sql.model.state import (
    DATA,
    POSITION_DELETES,
    Column,
    Inventory,
    Partition,
    PartitionField,
    PartitionSpec,
    Snapshot,
    TableState,
)

MB = 1024**2
ORDERS = TableName(catalog="iceberg", schema="sales", name="orders")
BY_DAY = PartitionSpec(
    spec_id=0,
    fields=(PartitionField(source_id=2, field_id=1000, name="ts_day", transform="day"),),
)
UNPARTITIONED = PartitionSpec(spec_id=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    size: int
    partition: int = 0
    content: int = DATA
    deletes: int = 0
    applies_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A table to be made: its files, and what differs from a plain one."""

    files: tuple[File, ...]
    spec: PartitionSpec = UNPARTITIONED
    partitions: tuple[Partition, ...] = (Partition(spec_id=0),)
    table: TableName = ORDERS
    properties: dict[str, str] = field(default_factory=dict)
    ref: str | None = None
    ref_hash: str | None = None

    def state(self) -> TableState:
        location = f"s3://lake/{self.table.schema}/{self.table.name}"
        return TableState(
            table=self.table,
            ref=self.ref,
            ref_hash=self.ref_hash,
            uuid="6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d",
            format_version=2,
            location=location,
            metadata_location=f"{location}/metadata/00007-2b1c.metadata.json",
            snapshot_id=8954597067493422955,
            columns=(
                Column(field_id=1, name="id", type="long", required=True),
                Column(field_id=2, name="ts", type="timestamptz"),
                Column(field_id=3, name="amount", type="decimal(12, 2)"),
            ),
            specs={0: self.spec},
            default_spec_id=0,
            sort_order=(),
            properties=self.properties,
            snapshots=(
                Snapshot(
                    snapshot_id=8954597067493422955,
                    parent_id=None,
                    sequence_number=7,
                    timestamp_ms=1767225600000,
                    manifest_list=f"{location}/metadata/snap.avro",
                    operation="append",
                    summary={},
                ),
            ),
            refs=(),
            files=Inventory(
                files=_files(self.files, location),
                partitions=self.partitions,
                manifests=_manifests(location, len(self.files)),
            ),
        )


def _files(files: tuple[File, ...], location: str) -> pa.Table:
    count = len(files)
    return pa.table(
        {
            "content": pa.array([f.content for f in files], pa.int8()),
            "path": pa.array(
                [f"{location}/data/{i:05}.parquet" for i in range(count)], pa.string()
            ),
            "format": pa.array(["parquet"] * count, pa.string()),
            "spec_id": pa.array([0] * count, pa.int32()),
            "partition": pa.array([f.partition for f in files], pa.int32()),
            "size": pa.array([f.size for f in files], pa.int64()),
            "rows": pa.array([f.size // 64 for f in files], pa.int64()),
            "data_sequence_number": pa.array([1 + i % 7 for i in range(count)], pa.int64()),
            "file_sequence_number": pa.array([1 + i % 7 for i in range(count)], pa.int64()),
            "added_snapshot_id": pa.array([1] * count, pa.int64()),
            "referenced_data_file": pa.nulls(count, pa.string()),
            "content_offset": pa.nulls(count, pa.int64()),
            "content_size": pa.nulls(count, pa.int64()),
            "equality_ids": pa.nulls(count, pa.list_(pa.int32())),
            "manifest": pa.array([f.content and 1 for f in files], pa.int32()),
            "deletes": pa.array([f.deletes for f in files], pa.int32()),
            "applies_to": pa.array([f.applies_to for f in files], pa.int32()),
        }
    )


def _manifests(location: str, live: int) -> pa.Table:
    return pa.table(
        {
            "path": [f"{location}/metadata/m0.avro", f"{location}/metadata/m1.avro"],
            "length": pa.array([7000, 7000], pa.int64()),
            "content": pa.array([0, 1], pa.int8()),
            "spec_id": pa.array([0, 0], pa.int32()),
            "sequence_number": pa.array([7, 7], pa.int64()),
            "added_snapshot_id": pa.array([1, 1], pa.int64()),
            "live_files": pa.array([live, live], pa.int64()),
        }
    )


def server(version: int) -> Server:
    session = {
        "expire_snapshots_min_retention": "7.00d",
        "remove_orphan_files_min_retention": "7.00d",
    }
    if version < 482:
        session["target_max_file_size"] = "1GB"
    return Server(
        version=version,
        version_text=str(version),
        catalog="iceberg",
        connector="iceberg",
        user="dba",
        workers=1,
        session=session,
        system_session={"task_max_writer_count": "4", "scale_writers": "true"},
    )


def small(count: int, size: int = MB // 2, partition: int = 0) -> tuple[File, ...]:
    return tuple(File(size=size, partition=partition) for _ in range(count))


POSITION = POSITION_DELETES
