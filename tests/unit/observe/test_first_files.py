"""Which columns of a file are a reason to copy a metastore's table."""

from __future__ import annotations

import pyarrow as pa
import pytest

from phlo_sql.compile.hive_types import mapped_hive
from phlo_sql.model.migration import Format, SourceColumn, SourceKind, SourcePartition, SourceTable
from phlo_sql.observe.first_files import held_against


def source(columns: dict[str, str], form: Format = "parquet") -> SourceTable:
    found = []
    for name, kind in columns.items():
        told = mapped_hive(kind, form)
        found.append(
            SourceColumn(
                name=name, type=kind, target_type=told.target, read_type=told.read, doubt=told.doubt
            )
        )
    partition = SourcePartition(location="s3://lake/t", format=form)
    return SourceTable(
        kind=SourceKind.HIVE,
        name=None,
        location="s3://lake/t",
        format=form,
        columns=tuple(found),
        partitions=(partition,),
    )


@pytest.mark.parametrize(
    ("hive", "stored"),
    [
        ("string", pa.string()),
        ("varchar(5)", pa.large_string()),
        ("char(5)", pa.dictionary(pa.int32(), pa.string())),
        ("tinyint", pa.int32()),
        ("tinyint", pa.int8()),
        ("bigint", pa.int32()),
        ("double", pa.float32()),
        ("decimal(12,2)", pa.decimal128(10, 2)),
        ("array<map<string,int>>", pa.list_(pa.map_(pa.string(), pa.int32()))),
        (
            "struct<a:int,b_c:array<date>>",
            pa.struct({"a": pa.int32(), "b_c": pa.list_(pa.date32())}),
        ),
    ],
)
def test_stays_in_place(hive: str, stored: pa.DataType) -> None:
    found = held_against(source({"Id": hive}), pa.schema({"id": stored}), "a")
    assert [each.doubt for each in found.columns] == [None]


@pytest.mark.parametrize(
    ("hive", "stored"),
    [
        ("string", pa.binary()),
        ("binary", pa.string()),
        ("int", pa.int64()),
        ("float", pa.float64()),
        ("string", pa.int32()),
        ("decimal(10,2)", pa.decimal128(12, 2)),
        ("decimal(12,3)", pa.decimal128(12, 2)),
        ("struct<a:int>", pa.struct({"A": pa.int32()})),
        ("string", pa.null()),
    ],
)
def test_is_copied(hive: str, stored: pa.DataType) -> None:
    found = held_against(source({"id": hive}), pa.schema({"ID": stored}), "s3://lake/t/a")
    assert found.columns[0].doubt == f"it is {stored} in s3://lake/t/a"


def test_a_column_that_came_later_or_went_is_no_doubt_but_in_orc() -> None:
    columns, stored = {"id": "int", "later": "string"}, pa.schema({"id": pa.int32()})
    assert not any(each.doubt for each in held_against(source(columns), stored, "a").columns)
    gone = pa.schema({"id": pa.int32(), "gone": pa.string()})
    assert not any(each.doubt for each in held_against(source(columns), gone, "a").columns)
    assert not any(each.doubt for each in held_against(source(columns, "orc"), stored, "a").columns)
    found = held_against(source(columns, "orc"), gone, "a")
    assert found.columns[0].doubt == "a has a column gone, which the table has not"


def test_orc_without_names_is_left_alone() -> None:
    found = held_against(source({"id": "int"}, "orc"), pa.schema({"_col0": pa.int32()}), "a")
    assert (found.kind, "_col0" in found.why_left_alone) == (SourceKind.OTHER, True)
    named = held_against(source({"_col0": "int"}), pa.schema({"_col0": pa.int32()}), "a")
    assert named.why_left_alone == ""
