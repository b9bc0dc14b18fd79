"""Partition values of every type, from manifests by hand and from PyIceberg's own writer."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestEntry,
    ManifestEntryStatus,
    write_manifest,
)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.typedef import Record
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from phlo_sql.model.state import Partition
from phlo_sql.observe.files import read_inventory
from tests.unit.observe.manifest_maker import Json, TableMaker, entry

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.model.state import Inventory

ENGINES = pytest.mark.parametrize("engine", ["datafusion", "fastavro"])

TYPES = [
    LongType(),
    StringType(),
    DateType(),
    UUIDType(),
    UUIDType(),
    DecimalType(10, 2),
    DecimalType(10, 2),
    DecimalType(38, 10),
    TimestampType(),
    TimestamptzType(),
    FixedType(5),
    TimeType(),
    BooleanType(),
    FloatType(),
    DoubleType(),
    BinaryType(),
    IntegerType(),
]
NAMES = [f"c{place}" for place in range(len(TYPES))]
NAMES[1] = "my col-é/雪"
SCHEMA = Schema(
    *(
        NestedField(place + 1, name, kind)
        for place, (name, kind) in enumerate(zip(NAMES, TYPES, strict=True))
    )
)
TRANSFORMS = ["identity"] * len(TYPES)
EXTRA = [(1, "bucket[4]"), (1, "truncate[10]"), (2, "truncate[2]"), (3, "month"), (3, "year")]
EXTRA += [(9, "day"), (9, "hour"), (1, "void")]
SPEC = PartitionSpec(
    *(
        PartitionField(place + 1, 1000 + place, parse_transform(transform), NAMES[place])
        for place, transform in enumerate(TRANSFORMS)
    ),
    *(
        PartitionField(source, 1050 + place, parse_transform(transform), f"{transform} {source}")
        for place, (source, transform) in enumerate(EXTRA)
    ),
)
WIDE = Decimal("-1234567890123456789012345678.0123456789")
VALUES = (
    5,
    "a b/é",
    date(2024, 2, 29),
    UUID(int=7),
    UUID(int=2**127 + 9),
    Decimal("12.34"),
    Decimal("-0.01"),
    WIDE,
    datetime(2024, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - Iceberg's `timestamp` has no zone
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    b"12345",
    time(1, 2, 3, 4),
    True,
    1.5,
    -2.5,
    b"\x00\xff",
    -7,
    3,
    0,
    "a ",
    649,
    54,
    date(2024, 1, 2),
    473355,
    None,
)
WIRE = (
    5, "a b/é", 19782, UUID(int=7), UUID(int=2**127 + 9), Decimal("12.34"), Decimal("-0.01"), WIDE,
    1704164645000006, -1, b"12345", 3723000004, True, 1.5, -2.5, b"\x00\xff", -7,
    3, 0, "a ", 649, 54, 19724, 473355, None,
)  # fmt: skip


def written_by_pyiceberg(maker: TableMaker, rows: list[tuple[Any, ...]]) -> None:
    """A manifest of PyIceberg's own writer, listed in the maker's table."""
    maker.columns = SCHEMA.model_dump()["fields"]
    maker.specs = [SPEC.model_dump()]
    path = maker.folder / "pyiceberg.avro"
    output = PyArrowFileIO().new_output(f"file://{path}")
    with write_manifest(2, SPEC, SCHEMA, output, 100, "deflate") as writer:
        for number, row in enumerate(rows):
            data_file = DataFile.from_args(
                content=DataFileContent.DATA,
                file_path=f"f{number}",
                file_format=FileFormat.PARQUET,
                partition=Record(*row),
                record_count=1,
                file_size_in_bytes=1,
            )
            status = ManifestEntryStatus.ADDED
            writer.add_entry(
                ManifestEntry.from_args(status=status, snapshot_id=100, data_file=data_file)
            )
    maker.manifests.append(
        {
            "manifest_path": f"file://{path}",
            "manifest_length": path.stat().st_size,
            "partition_spec_id": 0,
            "added_snapshot_id": 100,
            "added_files_count": len(rows),
            "existing_files_count": 0,
            "deleted_files_count": 0,
            "content": 0,
            "sequence_number": 7,
        }
    )


@ENGINES
def test_every_type_and_transform_as_pyiceberg_writes_them(maker: TableMaker, engine: str) -> None:
    nothing = (None,) * len(WIRE)
    written_by_pyiceberg(maker, [WIRE, nothing, WIRE])
    inventory = read_inventory(maker.table(), engine=engine)
    assert inventory.files.column("partition").to_pylist() == [0, 1, 0]
    assert inventory.partitions[0].values == VALUES
    assert inventory.partitions[1].values == nothing
    assert [type(value) for value in inventory.partitions[0].values] == [
        type(value) for value in VALUES
    ]


def partitioned(
    maker: TableMaker, kind: Any, values: list[Any], transform: str = "identity"
) -> None:
    maker.specs = [
        {
            "spec-id": 0,
            "fields": [{"source-id": 1, "field-id": 1000, "name": "p", "transform": transform}],
        }
    ]
    avro: list[Json] = [{"name": "p", "type": ["null", kind], "default": None, "field-id": 1000}]
    maker.manifest(
        [entry(f"f{place}", partition={"p": value}) for place, value in enumerate(values)],
        partition=avro,
    )


def values_of(inventory: Inventory) -> list[object]:
    return [
        inventory.partitions[place].values[0]
        for place in inventory.files.column("partition").to_pylist()
    ]


@ENGINES
def test_a_day_that_is_a_plain_integer_is_a_date(maker: TableMaker, engine: str) -> None:
    partitioned(maker, "int", [19724, None], "day")
    assert values_of(read_inventory(maker.table(), engine=engine)) == [date(2024, 1, 2), None]


@ENGINES
def test_dates_beyond_python_stay_integers(maker: TableMaker, engine: str) -> None:
    partitioned(maker, "int", [2**31 - 1, -(2**31)], "day")
    assert values_of(read_inventory(maker.table(), engine=engine)) == [2**31 - 1, -(2**31)]


@ENGINES
def test_nanoseconds_are_not_rounded(maker: TableMaker, engine: str) -> None:
    kind = {"type": "long", "logicalType": "timestamp-nanos", "adjust-to-utc": True}
    partitioned(maker, kind, [1_000, 1_001])
    expected = [datetime(1970, 1, 1, microsecond=1, tzinfo=UTC), 1_001]
    assert values_of(read_inventory(maker.table(), engine=engine)) == expected


@ENGINES
def test_not_a_number_is_one_partition_and_zeros_are_two(maker: TableMaker, engine: str) -> None:
    for _ in range(2):
        partitioned(maker, "double", [math.nan, 0.0, -0.0, math.nan])
    inventory = read_inventory(maker.table(), engine=engine)
    assert inventory.files.column("partition").to_pylist() == [0, 1, 2, 0] * 2


@ENGINES
def test_a_source_column_that_grew_keeps_its_partitions(maker: TableMaker, engine: str) -> None:
    """Manifests of one spec differ in type once its source column went from int to long."""
    partitioned(maker, "int", [1, 2])
    partitioned(maker, "long", [2, 2**40])
    inventory = read_inventory(maker.table(), engine=engine)
    assert values_of(inventory) == [1, 2, 2, 2**40]
    assert len(inventory.partitions) == 3


@ENGINES
def test_the_source_column_may_be_gone(maker: TableMaker, engine: str) -> None:
    partitioned(maker, {"type": "int", "logicalType": "date"}, [date(2024, 1, 2)])
    maker.columns = [{"id": 2, "name": "other", "type": "long", "required": False}]
    inventory = read_inventory(maker.table(), engine=engine)
    assert values_of(inventory) == [date(2024, 1, 2)]


@ENGINES
def test_several_specs_in_one_table(maker: TableMaker, engine: str) -> None:
    partitioned(maker, "long", [1, 2])
    maker.specs.append({"spec-id": 1, "fields": []})
    maker.manifest([entry("whole")], partition_spec_id=1)
    field = {"source-id": 1, "field-id": 1001, "name": "b", "transform": "bucket[8]"}
    maker.specs.append({"spec-id": 2, "fields": [maker.specs[0]["fields"][0], field]})
    both = [
        {"name": "p", "type": ["null", "long"], "default": None, "field-id": 1000},
        {"name": "b", "type": ["null", "int"], "default": None, "field-id": 1001},
    ]
    maker.manifest([entry("both", partition={"p": 1, "b": 3})], partition_spec_id=2, partition=both)
    inventory = read_inventory(maker.table(), engine=engine)
    assert inventory.files.column("spec_id").to_pylist() == [0, 0, 1, 2]
    assert inventory.partitions == (
        Partition(spec_id=0, values=(1,)),
        Partition(spec_id=0, values=(2,)),
        Partition(spec_id=1, values=()),
        Partition(spec_id=2, values=(1, 3)),
    )


@ENGINES
def test_many_distinct_partitions_of_many_fields(maker: TableMaker, engine: str) -> None:
    names = [f"p{place}" for place in range(6)]
    fields = [
        {"source-id": 1, "field-id": 1000 + place, "name": name, "transform": "identity"}
        for place, name in enumerate(names)
    ]
    maker.specs = [{"spec-id": 0, "fields": fields}]
    avro = [
        {"name": name, "type": ["null", "long"], "default": None, "field-id": 1000 + place}
        for place, name in enumerate(names)
    ]
    rows = [tuple(number * (place + 3) % 997 for place in range(6)) for number in range(3000)]
    entries = [entry("f", partition=dict(zip(names, row, strict=True))) for row in rows]
    maker.manifest(entries, partition=avro)
    inventory = read_inventory(maker.table(), engine=engine)
    found = [
        inventory.partitions[n].values for n in inventory.files.column("partition").to_pylist()
    ]
    assert found == rows
    assert len(inventory.partitions) == len(set(rows))


def test_pyiceberg_reads_the_same(tmp_path: Path) -> None:
    maker = TableMaker(tmp_path)
    written_by_pyiceberg(maker, [WIRE])
    table = maker.table()
    snapshot = table.current_snapshot()
    assert snapshot is not None
    (manifest,) = snapshot.manifests(table.io)
    (found,) = manifest.fetch_manifest_entry(table.io)
    ours = read_inventory(table).files.to_pylist()[0]
    assert found.data_file.file_path == ours["path"]
    assert found.data_file.partition[7] == WIDE
    assert found.sequence_number == ours["data_sequence_number"]
