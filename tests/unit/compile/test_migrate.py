"""What a type becomes, what is taken in place, and how differences are told; asks nobody."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pytest

from phlo_sql import dialect
from phlo_sql.compile.migrate_choice import choose
from phlo_sql.compile.migrate_names import Staging
from phlo_sql.compile.migrate_reading import value_of
from phlo_sql.compile.migrate_types import mapped
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute.comparing import told
from phlo_sql.model.migration import (
    Convert,
    Mode,
    SourceColumn,
    SourceFile,
    SourceKind,
    SourcePartition,
    SourceTable,
)
from phlo_sql.model.names import TableName

TABLE = TableName(catalog="iceberg", schema="s", name="t")
LAKE = "s3://lake/s/t-0123456789ab"
ID = SourceColumn(name="id", type="int64", target_type="bigint", read_type="bigint")
KEY = SourceColumn(name="k", type="folder name", target_type="varchar", read_type="varchar")


@pytest.mark.parametrize(
    ("kind", "target", "doubted"),
    [
        (pa.int8(), "integer", False),
        (pa.uint16(), "integer", False),
        (pa.uint32(), "bigint", True),
        (pa.uint64(), "decimal(20,0)", True),
        (pa.timestamp("us"), "timestamp(6)", False),
        (pa.timestamp("us", "UTC"), "timestamp(6) with time zone", False),
        (pa.timestamp("ms"), "timestamp(6)", True),
        (pa.timestamp("ns", "UTC"), "timestamp(6) with time zone", True),
        (pa.dictionary(pa.int32(), pa.string()), "varchar", False),
        (pa.list_(pa.timestamp("ms")), "array(timestamp(6))", True),
        (pa.struct([("É b.c$1", pa.int16())]), 'row("É b.c$1" integer)', False),
        (pa.struct([("a-b", pa.int16())]), "", False),
        (pa.list_(pa.struct([("", pa.int16())])), "", False),
        (pa.map_(pa.string(), pa.list_(pa.date32())), "map(varchar, array(date))", False),
        (pa.decimal128(38, 38), "decimal(38,38)", False),
        (pa.time64("us"), "time(6)", False),
        (pa.duration("s"), "bigint", False),
        (pa.list_(pa.float32(), 3), "array(real)", False),
        (pa.list_view(pa.string_view()), "array(varchar)", False),
        (pa.binary_view(), "varbinary", False),
        (pa.uuid(), "uuid", False),
        (pa.struct([("u", pa.uuid())]), 'row("u" uuid)', False),
        (pa.json_(), "varchar", True),
        (pa.opaque(pa.null(), "geometry", "postgis"), "", False),
        (pa.decimal256(39, 2), "", False),
        (pa.null(), "", False),
        (pa.float16(), "", False),
        (pa.list_(pa.uint64()), "", False),
    ],
)
def test_a_type_becomes(kind: pa.DataType, target: str, *, doubted: bool) -> None:
    found = mapped(kind)
    assert (found.target, found.doubt is not None) == (target, doubted)
    assert found.target or found.meaning
    if found.target:
        dialect.data_type(found.target)


def source(location: str = "s3://raw/t", *raws: str) -> SourceTable:
    partitions = tuple(
        SourcePartition(
            values=(raw.partition("=")[2],) if raw else (),
            raw=raw,
            location=f"{location}/{raw}",
            format="parquet",
            files=(SourceFile(path=f"{location}/{raw}/a.parquet", bytes=1, rows=1),),
        )
        for raw in raws or ("",)
    )
    return SourceTable(
        kind=SourceKind.FILES,
        name=None,
        location=location,
        format="parquet",
        columns=(ID,),
        partition_columns=(KEY,) if raws else (),
        partitions=partitions,
    )


def intent(mode: Mode = "auto") -> Convert:
    return Convert(path="s3://raw/t", format="parquet", table=TABLE, mode=mode)


@pytest.mark.parametrize(
    "value", ["x", "a b", "1.5-2_(3)+&,;", "__HIVE_DEFAULT_PARTITION__", "2026-01-01"]
)
def test_a_plain_folder_name_is_taken_in_place(value: str) -> None:
    assert choose(source("s3://raw/t", f"k={value}"), intent(), LAKE)[0].mode == "in-place"


@pytest.mark.parametrize("value", ["a%2Fb", "it's", 'a"b', "é", "a#b", "", "a:b"])
def test_any_other_folder_name_is_copied(value: str) -> None:
    found = choose(source("s3://raw/t", f"k={value}"), intent(), LAKE)[0]
    assert (found.mode, "folder name" in found.reason) == ("copy", True)


@pytest.mark.parametrize(
    ("location", "target"),
    [("/data/t", LAKE), ("file:///data/t", "file:///w/t"), ("s3://raw/t", "file:///w/t")],
)
def test_other_storage_is_copied_and_refused_in_place(location: str, target: str) -> None:
    assert choose(source(location), intent(), target)[0].mode == "copy"
    with pytest.raises(PhloSqlError, match="can't be taken in place") as error:
        choose(source(location), intent("in-place"), target)
    assert error.value.code is Code.NOT_MIGRATABLE


def test_what_is_no_hive_table_is_left_alone() -> None:
    view = replace(source(), kind=SourceKind.VIEW, name=TABLE, why_left_alone="it is a view")
    with pytest.raises(PhloSqlError, match="left alone: it is a view"):
        choose(view, intent(), LAKE)


def test_an_unsigned_number_is_put_right() -> None:
    column = replace(ID, target_type="decimal(20,0)", unsigned=64)
    assert "18446744073709551616" in dialect.sql_of(value_of(column))


def test_local_files_are_spelt_as_the_servers_file_system_has_them() -> None:
    staging = Staging(
        run="0" * 12, target=TABLE, location=LAKE, folder=LAKE, storage={"local.location": "/mnt"}
    )
    assert staging.reached("file:///mnt/a b/c") == "local:///a b/c"
    assert staging.reached("/mnt/x") == "local:///x"
    assert staging.reached("s3://b/x") == "s3://b/x"


def test_differences_are_told_by_what_differs() -> None:
    columns = (copying.SIDE, "k", copying.ROWS, "id", "v")
    rows = [
        ("source", "x", 2, b"1", b"1"),
        ("target", "x", 2, b"1", b"2"),
        ("source", "y", 2, b"1", b"1"),
        ("target", "y", 3, b"1", b"1"),
        ("source", None, 7, b"1", b"1"),
    ]
    assert told(columns, rows) == [
        "k = x: column v has other content",
        "k = y: 2 rows in the source, 3 in the target",
        "k = None: 7 rows in the source only",
    ]


def test_a_comparison_without_partitions_or_columns_still_counts() -> None:
    side = copying.Side(table=TABLE, keys=[], values=[])
    text = dialect.render(copying.differences([side], side, [], []))
    assert re.search(r"HAVING COUNT\(\*\) <> 2$", text)
