"""A table's whole history: each snapshot's manifest list, manifests and files, read once each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.history import History, Reach, SizedFile, StatisticsFile
from phlo_sql.observe.files import CONTENT, ENTRY_SNAPSHOT, PATH, SIZE, STATUS
from phlo_sql.observe.manifests import DATA_MANIFEST, Manifest, read_sized_list
from phlo_sql.observe.manifests_avro import column
from phlo_sql.observe.manifests_read import INDEX
from phlo_sql.observe.manifests_scan import scan
from phlo_sql.observe.table import refs_of, snapshots_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from pyiceberg.io import FileIO
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata

    from phlo_sql.model.names import TableName

_FETCHERS = 16
_NESSIE_COMMIT = "nessie.commit.id"


def read_history(table: Table, name: TableName, ref: str | None = None) -> History:
    """Everything that the table's metadata keeps alive at this ref.

    Raises PhloSqlError(STORAGE_UNREADABLE), and UNSUPPORTED_VERSION for snapshots of format 1 whose
    manifests stand in the metadata itself.
    """
    return history_of(table.metadata, table.metadata_location, table.io, name, ref)


def history_of(
    metadata: TableMetadata, location: str, io: FileIO, name: TableName, ref: str | None
) -> History:
    """The same, of metadata that was read otherwise."""
    return History(
        table=name,
        ref=ref,
        ref_hash=metadata.properties.get(_NESSIE_COMMIT),
        uuid=str(metadata.table_uuid),
        format_version=metadata.format_version,
        location=metadata.location,
        metadata_location=location,
        snapshot_id=metadata.current_snapshot_id,
        properties=dict(metadata.properties),
        snapshots=snapshots_of(metadata),
        refs=refs_of(metadata),
        metadata_files=(location, *(entry.metadata_file for entry in metadata.metadata_log)),
        statistics=_statistics(metadata),
        reach=_reach(metadata, io, name),
    )


def _statistics(metadata: TableMetadata) -> tuple[StatisticsFile, ...]:
    both = (*metadata.statistics, *metadata.partition_statistics)
    return tuple(
        StatisticsFile(
            snapshot_id=each.snapshot_id,
            path=each.statistics_path,
            size=each.file_size_in_bytes,
        )
        for each in both
    )


def _reach(metadata: TableMetadata, io: FileIO, name: TableName) -> Reach:
    import pyarrow as pa

    for snapshot in metadata.snapshots:
        if not snapshot.manifest_list:
            raise PhloSqlError(
                Code.UNSUPPORTED_VERSION,
                f"{name}: snapshot {snapshot.snapshot_id} keeps its manifests in the metadata "
                "itself (an early writer of format 1)",
                "rewrite the table with a current engine first",
            )
    with ThreadPoolExecutor(_FETCHERS) as pool:
        read = list(
            pool.map(lambda each: read_sized_list(io, each.manifest_list), metadata.snapshots)
        )
    places: dict[str, int] = {}
    manifests: list[Manifest] = []
    lists: dict[int, SizedFile] = {}
    of_snapshot: dict[int, tuple[int, ...]] = {}
    for snapshot, (listed, size) in zip(metadata.snapshots, read, strict=True):
        lists[snapshot.snapshot_id] = SizedFile(path=snapshot.manifest_list, size=size)
        for manifest in listed:
            if manifest.path not in places:
                places[manifest.path] = len(manifests)
                manifests.append(manifest)
        of_snapshot[snapshot.snapshot_id] = tuple(places[manifest.path] for manifest in listed)
    added_by = tuple(each.added_snapshot_id for each in manifests)
    parts = scan(io, list(enumerate(manifests)), _fields)
    chunks = [_entries(part.table, part.content, added_by) for part in parts]
    return Reach(
        lists=lists,
        of_snapshot=of_snapshot,
        manifests=tuple(SizedFile(path=each.path, size=each.length) for each in manifests),
        added_by=added_by,
        entries=pa.concat_tables([_schema().empty_table(), *chunks]),
    )


def _fields(content: int) -> tuple[int, ...]:
    always = (STATUS, ENTRY_SNAPSHOT, PATH, SIZE)
    return always if content == DATA_MANIFEST else (*always, CONTENT)


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("manifest", pa.int32()),
            ("path", pa.string()),
            ("size", pa.int64()),
            ("content", pa.int8()),
            ("status", pa.int8()),
            ("snapshot_id", pa.int64()),
        ]
    )


def _entries(rows: pa.Table, content: int, added_by: Sequence[int | None]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    places = rows.column(INDEX)
    kinds = (
        pa.array([0] * rows.num_rows, pa.int8())
        if content == DATA_MANIFEST
        else rows.column(column(CONTENT)).cast(pa.int8())
    )
    # an entry without a snapshot has its manifest's (spec, "Manifest inheritance")
    inherited = pc.take(pa.array(added_by, pa.int64()), places.combine_chunks())
    return pa.table(
        [
            places.cast(pa.int32()),
            rows.column(column(PATH)).cast(pa.string()),
            rows.column(column(SIZE)).cast(pa.int64()),
            kinds,
            rows.column(column(STATUS)).cast(pa.int8()),
            pc.coalesce(rows.column(column(ENTRY_SNAPSHOT)).cast(pa.int64()), inherited),
        ],
        schema=_schema(),
    )
