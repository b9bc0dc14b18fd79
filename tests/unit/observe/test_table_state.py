"""A `TableState` out of a table that PyIceberg wrote, evolved and appended to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import NullOrder, SortDirection, SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    DateType,
    DecimalType,
    LongType,
    NestedField,
    StringType,
    StructType,
)

from phlo_sql.model import state
from phlo_sql.model.names import TableName
from phlo_sql.observe.files import read_inventory
from phlo_sql.observe.table import observe

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

NAME = TableName(catalog="lake", schema="sales", name="orders")
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True, doc="the key"),
    NestedField(2, "at", DateType()),
    NestedField(3, "price", DecimalType(10, 2)),
    NestedField(4, "who", StructType(NestedField(5, "name", StringType()))),
)


def orders(catalog: SqlCatalog) -> Table:
    spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "at"))
    sort = SortOrder(
        SortField(
            source_id=1,
            transform=IdentityTransform(),
            direction=SortDirection.DESC,
            null_order=NullOrder.NULLS_LAST,
        )
    )
    return catalog.create_table(
        ("sales", "orders"),
        SCHEMA,
        partition_spec=spec,
        sort_order=sort,
        properties={"nessie.commit.id": "c0ffee"},
    )


def rows(*ids: int) -> pa.Table:
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("at", pa.date32()),
            pa.field("price", pa.decimal128(10, 2)),
            pa.field("who", pa.struct([("name", pa.string())])),
        ]
    )
    columns = {"id": list(ids), "at": [date(2024, 1, 1 + each) for each in ids]}
    return pa.table(
        {**columns, "price": [None] * len(ids), "who": [None] * len(ids)}, schema=schema
    )


def test_a_new_table(catalog: SqlCatalog) -> None:
    seen = observe(orders(catalog), NAME)
    assert seen.snapshot_id is None
    assert seen.files.files.num_rows == 0
    assert seen.ref_hash == "c0ffee"
    assert seen.columns[0] == state.Column(
        field_id=1, name="id", type="long", required=True, doc="the key"
    )
    assert [each.type for each in seen.columns[1:3]] == ["date", "decimal(10, 2)"]
    assert seen.columns[3].type.startswith("struct<")
    field = state.PartitionField(source_id=2, field_id=1000, name="at", transform="identity")
    assert seen.specs == {0: state.PartitionSpec(spec_id=0, fields=(field,))}
    assert seen.sort_order == (
        state.SortField(source_id=1, transform="identity", direction="desc", nulls_first=False),
    )


def test_snapshots_and_refs(catalog: SqlCatalog) -> None:
    table = orders(catalog)
    table.append(rows(1))
    first = table.current_snapshot()
    assert first is not None
    table.manage_snapshots().create_tag(first.snapshot_id, "v1").commit()
    table.append(rows(2, 3))
    seen = observe(table, NAME, "dev", ref_hash="given")
    assert (seen.ref, seen.ref_hash) == ("dev", "given")
    assert [each.sequence_number for each in seen.snapshots] == [1, 2]
    assert [each.parent_id for each in seen.snapshots] == [None, first.snapshot_id]
    assert seen.snapshots[1].operation == "append"
    assert seen.snapshots[1].summary["added-data-files"] == "2"
    assert {(each.name, each.kind) for each in seen.refs} == {("main", "branch"), ("v1", "tag")}
    assert seen.metadata_location == table.metadata_location
    assert seen.files.files.num_rows == 3
    earlier = observe(table, NAME, snapshot_id=first.snapshot_id)
    assert earlier.snapshot_id == first.snapshot_id
    assert earlier.files.files.num_rows == 1


def test_the_inventory_is_what_pyiceberg_inspects(catalog: SqlCatalog) -> None:
    table = orders(catalog)
    for number in range(4):
        table.append(rows(number, number + 1))
    table.delete("id = 1")
    with table.update_spec() as update:
        update.add_field("id", IdentityTransform())
    table.append(rows(9))
    theirs = table.inspect.files().to_pylist()
    inventory = read_inventory(table)
    ours = inventory.files.to_pylist()
    assert {each["file_path"]: each["file_size_in_bytes"] for each in theirs} == {
        each["path"]: each["size"] for each in ours
    }
    for their, our in zip(
        sorted(theirs, key=lambda each: str(each["file_path"])),
        sorted(ours, key=lambda each: str(each["path"])),
        strict=True,
    ):
        assert their["spec_id"] == our["spec_id"]
        assert their["record_count"] == our["rows"]
        partition = inventory.partitions[our["partition"]]
        assert partition.values[0] == their["partition"]["at"]
