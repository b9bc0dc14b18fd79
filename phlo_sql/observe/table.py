"""One table as it is now: PyIceberg's metadata turned into a `TableState`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.model.state import Column, Snapshot, SnapshotRef, SortField, TableState
from phlo_sql.observe.files import read_inventory
from phlo_sql.observe.partitions import partition_specs

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

    from phlo_sql.model.names import TableName

_NESSIE_COMMIT = "nessie.commit.id"
"""Nessie's Iceberg REST writes the commit that a table's metadata is from into its properties."""


def observe(
    table: Table,
    name: TableName,
    ref: str | None = None,
    *,
    ref_hash: str | None = None,
    snapshot_id: int | None = None,
    engine: str | None = None,
) -> TableState:
    """The table's state with the files of its current snapshot, or of `snapshot_id`.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    metadata = table.metadata
    return TableState(
        table=name,
        ref=ref,
        ref_hash=ref_hash or metadata.properties.get(_NESSIE_COMMIT),
        uuid=str(metadata.table_uuid),
        format_version=metadata.format_version,
        location=metadata.location,
        metadata_location=table.metadata_location,
        snapshot_id=metadata.current_snapshot_id if snapshot_id is None else snapshot_id,
        columns=_columns(table),
        specs=partition_specs(metadata),
        default_spec_id=metadata.default_spec_id,
        sort_order=_sort_order(table),
        properties=dict(metadata.properties),
        snapshots=snapshots_of(metadata),
        refs=refs_of(metadata),
        files=read_inventory(table, snapshot_id=snapshot_id, engine=engine),
    )


def _columns(table: Table) -> tuple[Column, ...]:
    unread: dict[int, str] = getattr(table, "types", {})
    return tuple(
        Column(
            field_id=field.field_id,
            name=field.name,
            type=unread.get(field.field_id, str(field.field_type)),
            required=field.required,
            doc=field.doc,
        )
        for field in table.schema().fields
    )


def _sort_order(table: Table) -> tuple[SortField, ...]:
    return tuple(
        SortField(
            source_id=field.source_id,
            transform=str(field.transform),
            direction=field.direction.value,
            nulls_first=field.null_order.value == "nulls-first",
        )
        for field in table.sort_order().fields
    )


def snapshots_of(metadata: TableMetadata) -> tuple[Snapshot, ...]:
    found = []
    for snapshot in metadata.snapshots:
        summary = snapshot.summary
        found.append(
            Snapshot(
                snapshot_id=snapshot.snapshot_id,
                parent_id=snapshot.parent_snapshot_id,
                sequence_number=snapshot.sequence_number or 0,  # absent in v1
                timestamp_ms=snapshot.timestamp_ms,
                manifest_list=snapshot.manifest_list,
                operation=summary.operation.value if summary else None,
                schema_id=snapshot.schema_id,
                summary=dict(summary.additional_properties) if summary else {},
            )
        )
    return tuple(found)


def refs_of(metadata: TableMetadata) -> tuple[SnapshotRef, ...]:
    return tuple(
        SnapshotRef(
            name=name,
            kind=ref.snapshot_ref_type.value,
            snapshot_id=ref.snapshot_id,
            max_ref_age_ms=ref.max_ref_age_ms,
            max_snapshot_age_ms=ref.max_snapshot_age_ms,
            min_snapshots_to_keep=ref.min_snapshots_to_keep,
        )
        for name, ref in metadata.refs.items()
    )
