"""Hive's spelling of types: what each becomes, and what that means."""

from __future__ import annotations

import pytest

from phlo_sql.compile.hive_types import mapped_hive


@pytest.mark.parametrize(
    ("kind", "target", "read"),
    [
        ("int", "integer", "integer"),
        ("bigint", "bigint", "bigint"),
        ("float", "real", "real"),
        ("string", "varchar", "varchar"),
        ("tinyint", "integer", "tinyint"),
        ("smallint", "integer", "smallint"),
        ("char(5)", "varchar", "varchar"),
        ("varchar(20)", "varchar", "varchar"),
        ("decimal(38,10)", "decimal(38,10)", "decimal(38,10)"),
        ("decimal", "decimal(10,0)", "decimal(10,0)"),
        ("timestamp", "timestamp(6)", "timestamp(6)"),
        ("array<int>", "array(integer)", "array(integer)"),
        ("map<string,array<date>>", "map(varchar, array(date))", "map(varchar, array(date))"),
        (
            "struct<a:tinyint,b:struct<c:decimal(5,2)>>",
            'row("a" integer, "b" row("c" decimal(5,2)))',
            'row("a" tinyint, "b" row("c" decimal(5,2)))',
        ),
        ("struct<we{ird:int>", 'row("we{ird" integer)', 'row("we{ird" integer)'),
    ],
)
def test_each_has_a_type_in_the_table_and_one_to_read_by(kind: str, target: str, read: str) -> None:
    found = mapped_hive(kind, "parquet")
    assert (found.target, found.read) == (target, read)


@pytest.mark.parametrize(
    "kind", ["uniontype<int,string>", "void", "array<", "map<int>", "struct<a>", "int int", "<", ""]
)
def test_what_has_none_says_so(kind: str) -> None:
    found = mapped_hive(kind, "parquet")
    assert found.target == ""
    assert found.meaning


def test_a_timestamp_is_in_doubt_where_only_the_files_know_its_unit() -> None:
    assert mapped_hive("timestamp", "parquet").doubt
    assert mapped_hive("array<timestamp>", "avro").doubt
    assert mapped_hive("timestamp", "orc").doubt is None


def test_what_is_lost_is_told() -> None:
    assert "spaces" in mapped_hive("char(5)", "parquet").meaning
    assert "integer" in mapped_hive("tinyint", "parquet").meaning
    assert mapped_hive("int", "parquet").meaning == ""
