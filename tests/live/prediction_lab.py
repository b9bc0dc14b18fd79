"""A table made for one case on one Trino, predicted, optimised and measured."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestWriterV2,
)
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.types import IcebergType, IntegerType, ListType, StructType
from trino.dbapi import connect as connect_trino

from phlo_sql.compile.outputs import Outputs, gains, predict_outputs
from phlo_sql.compile.selection import Fate, Restriction, Selection, select
from phlo_sql.config.catalogs import catalog_properties
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.state import DATA
from phlo_sql.observe.catalog import load_table, open_catalog
from phlo_sql.observe.footers import sample_of
from phlo_sql.observe.partly import load_partly
from phlo_sql.observe.server import read_server
from phlo_sql.observe.table import observe
from phlo_sql.observe.trino import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table
    from pyiceberg.typedef import Record, TableVersion

    from phlo_sql.config import Settings
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

Key = tuple[str, int | None]
"""A file; deletion vectors of one Puffin file differ by their offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    rewritten: frozenset[Key]
    rewritten_bytes: int
    removed_deletes: frozenset[Key]
    added_data_files: int
    added_bytes: int
    metrics: dict[str, int]
    """What the server says of itself, from 481 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    state: TableState
    selection: Selection
    outputs: Outputs
    worthwhile: bool

    def keys(self, fate: Fate) -> frozenset[Key]:
        mask = [each == fate for each in self.selection.fates.to_pylist()]
        return _keys(self.selection.files.filter(pa.array(mask, pa.bool_())))


class Lab:
    """One server; `table` names the table of the case that runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = connect_trino(
            host=settings.trino_host.value, port=settings.trino_port.value, user="prediction"
        )
        with connect(settings) as session:
            self.server: Server = read_server(session)
        self.catalog = self.server.catalog
        self.schema = f"selection_{uuid.uuid4().hex[:8]}"
        self.name = "t"
        self.sql(f"CREATE SCHEMA {self.catalog}.{self.schema}")

    def close(self) -> None:
        for (name,) in self.sql(f"SHOW TABLES FROM {self.catalog}.{self.schema}"):
            self.sql(f"DROP TABLE {self.catalog}.{self.schema}.{name}")
        self.sql(f"DROP SCHEMA {self.catalog}.{self.schema}")
        self._connection.close()

    def sql(self, text: str) -> list[list[Any]]:
        cursor = self._connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()  # type: ignore[no-any-return]

    @property
    def table(self) -> str:
        return f"{self.catalog}.{self.schema}.{self.name}"

    def create(self, columns: str, properties: str = "") -> None:
        self.name = f"t_{uuid.uuid4().hex[:8]}"
        suffix = f" WITH ({properties})" if properties else ""
        self.sql(f"CREATE TABLE {self.table} ({columns}){suffix}")

    def insert(self, *statements: str) -> None:
        """One data file per statement and partition: `VALUES …` or `SELECT …`."""
        for statement in statements:
            self.sql(f"INSERT INTO {self.table} {statement}")

    def load(self) -> Table:
        """The table as PyIceberg has it."""
        catalog = open_catalog(self.catalog, catalog_properties(self._settings, self.catalog))
        name = TableName(schema=self.schema, name=self.name)
        with closing(catalog):
            try:
                return load_table(catalog, name)
            except PhloSqlError as error:
                if error.code is not Code.UNSUPPORTED_TYPE:
                    raise
                return load_partly(catalog, name, self.newest_metadata)

    def newest_metadata(self) -> str:
        entries = f'{self.catalog}.{self.schema}."{self.name}$metadata_log_entries"'
        return str(self.sql(f"SELECT file FROM {entries} ORDER BY timestamp DESC LIMIT 1")[0][0])

    def delete_equal(self, column: str, values: Sequence[object], partition: Record) -> None:
        """Commit an equality delete file, which Trino and PyIceberg read but never write."""
        catalog = open_catalog(self.catalog, catalog_properties(self._settings, self.catalog))
        with closing(catalog):
            table = load_table(catalog, TableName(schema=self.schema, name=self.name))
            with table.transaction() as transaction:
                producer = _AppendDeletes(
                    operation=Operation.DELETE, transaction=transaction, io=table.io
                )
                with producer as snapshot:
                    snapshot.append_data_file(_equality_deletes(table, column, values, partition))

    def state(self) -> TableState:
        table = self.load()
        found = observe(table, TableName(schema=self.schema, name=self.name))
        return replace(found, sample=sample_of(table.io, found.files.files))

    def predict(
        self, threshold: int, target: int = 1024**3, where: Restriction | None = None
    ) -> Predicted:
        state = self.state()
        selection = select(state, self.server.version, threshold, where)
        outputs = predict_outputs(selection, state, self.server, target)
        return Predicted(
            state=state,
            selection=selection,
            outputs=outputs,
            worthwhile=gains(selection, outputs),
        )

    def optimize(self, before: TableState, threshold: int, where: str = "") -> Measured:
        metrics = self.sql(
            f"ALTER TABLE {self.table} EXECUTE optimize"
            f"(file_size_threshold => '{threshold}B'){where and f' WHERE {where}'}"
        )
        then, now = before.files.files, self.state().files.files
        gone = _without(then, _keys(now))
        new = _without(now, _keys(then))
        gone_data = _content(gone, deletes=False)
        new_data = _content(new, deletes=False)
        return Measured(
            rewritten=_keys(gone_data),
            rewritten_bytes=sum(gone_data["size"].to_pylist()),
            removed_deletes=_keys(_content(gone, deletes=True)),
            added_data_files=new_data.num_rows,
            added_bytes=sum(new_data["size"].to_pylist()),
            metrics={row[0]: int(row[1]) for row in metrics if len(row) == 2},
        )


def _keys(files: pa.Table) -> frozenset[Key]:
    paths, offsets = files["path"].to_pylist(), files["content_offset"].to_pylist()
    return frozenset(zip(paths, offsets, strict=True))


def _without(files: pa.Table, known: frozenset[Key]) -> pa.Table:
    pairs = zip(files["path"].to_pylist(), files["content_offset"].to_pylist(), strict=True)
    return files.filter(pa.array([pair not in known for pair in pairs], pa.bool_()))


def _content(files: pa.Table, *, deletes: bool) -> pa.Table:
    kinds = [(kind != DATA) == deletes for kind in files["content"].to_pylist()]
    return files.filter(pa.array(kinds, pa.bool_()))


class _DeletesWriter(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}

    def _with_partition(self, format_version: TableVersion) -> Schema:
        """PyIceberg 0.12 writes `equality_ids` as longs, which Iceberg's Java cannot read."""
        found = super()._with_partition(format_version)
        fields = [
            each.model_copy(update={"field_type": _with_int_ids(each.field_type)})
            for each in found.fields
        ]
        return Schema(*fields)


def _with_int_ids(kind: IcebergType) -> IcebergType:
    if not isinstance(kind, StructType):
        return kind
    ids = ListType(element_id=136, element_type=IntegerType(), element_required=True)
    return StructType(
        *(
            each.model_copy(update={"field_type": ids}) if each.field_id == 135 else each
            for each in kind.fields
        )
    )


class _AppendDeletes(_FastAppendFiles):
    def new_manifest_writer(self, spec: Any) -> ManifestWriterV2:
        return _DeletesWriter(
            spec, self.schema(), self.new_manifest_output(), self._snapshot_id, self._compression
        )

    def schema(self) -> Any:
        return self._transaction.table_metadata.schema()


def _equality_deletes(
    table: Table, column: str, values: Sequence[object], partition: Record
) -> DataFile:
    field = table.schema().find_field(column)
    kind = table.schema().as_arrow().field(column).type
    metadata = {"PARQUET:field_id": str(field.field_id)}
    schema = pa.schema([pa.field(column, kind, metadata=metadata)])
    content = pa.table({column: pa.array(values, kind)}, schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(content, sink)
    data = sink.getvalue().to_pybytes()
    path = f"{table.location()}/data/{uuid.uuid4()}-deletes.parquet"
    with table.io.new_output(path).create() as stream:
        stream.write(data)
    file = DataFile.from_args(
        content=DataFileContent.EQUALITY_DELETES,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=partition,
        record_count=len(values),
        file_size_in_bytes=len(data),
        equality_ids=[field.field_id],
    )
    file.spec_id = table.spec().spec_id
    return file
