"""A metastore's words and a storage's files, put together: what each table is, and what is refused
rather than lost."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.migration import SourceFile, SourceKind
from phlo_sql.observe.metastore import Described, Field, Partition, Storage, chosen, kind_of
from phlo_sql.observe.source_tables import Listed, read_sources, source_of

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "s3://lake/db/t"
PARQUET = Storage(location=ROOT, input_format="x.MapredParquetInputFormat", serde="")
TABLE = Described(
    name="t",
    type="EXTERNAL_TABLE",
    owner="ann",
    parameters={"comment": "what it is", "numRows": "7", "team": "x"},
    storage=PARQUET,
    columns=(Field(name="id", type="bigint", comment="key"),),
    partition_columns=(Field(name="Region", type="string"), Field(name="day", type="date")),
)


def partition(*values: str, location: str, serde: str = "parquet") -> Partition:
    storage = Storage(location=location, input_format="", serde=serde)
    return Partition(values=values, storage=storage)


def listing(*paths: str) -> Listed:
    found: Listed = {}
    for path in paths:
        found.setdefault(path.rpartition("/")[0], []).append(SourceFile(path=path, bytes=10))
    return found


WITHOUT_THRIFT = """
import sys
sys.modules["thrift"] = None
from phlo_sql.flow.sources import completed
from phlo_sql.model.migration import FromTable, HiveTable, SourceKind, SourceTable
from phlo_sql.model.names import TableName

source = SourceTable(kind=SourceKind.GLUE, name=None, location="s3://l/t", format="orc", columns=())
hive = HiveTable(uri="thrift://h:9083", database="d", name="t") if sys.argv[1] == "hive" else None
target = TableName(catalog="nessie", schema="s", name="t")
table = FromTable(source=source, table=target, command_line="", hive=hive)
print(completed(table, None) == source)
"""


def test_a_table_of_glue_is_planned_where_thrift_is_not_installed() -> None:
    def ran(kind: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", WITHOUT_THRIFT, kind]
        return subprocess.run(program, capture_output=True, text=True, check=False)

    assert ran("glue").stdout == "True\n"
    assert "ModuleNotFoundError" in ran("hive").stderr, "or it is tried with thrift"


def test_files_stand_in_their_partitions() -> None:
    table = replace(
        TABLE,
        storage=replace(PARQUET, location="s3a://lake/db/t/"),
        partitions=(
            partition("a/b", "2026-01-01", location=f"{ROOT}/region=a%2Fb/day=2026-01-01"),
            partition(
                "__HIVE_DEFAULT_PARTITION__",
                "2026-01-01",
                location=f"{ROOT}/region=__HIVE_DEFAULT_PARTITION__/day=2026-01-01",
            ),
        ),
    )
    files = listing(
        f"{ROOT}/region=a%2Fb/day=2026-01-01/1",
        f"{ROOT}/region=a%2Fb/day=2026-01-01/2",
        f"{ROOT}/region=__HIVE_DEFAULT_PARTITION__/day=2026-01-01/3",
    )
    found = source_of(table, SourceKind.HIVE, lambda _location: files, list)
    assert found.kind is SourceKind.HIVE
    assert [each.values for each in found.partitions] == [
        ("a/b", "2026-01-01"),
        (None, "2026-01-01"),
    ]
    assert [len(each.files) for each in found.partitions] == [2, 1]
    assert found.partitions[0].raw == "region=a%2Fb/day=2026-01-01"
    assert not any(each.custom_location or each.missing for each in found.partitions)
    assert (found.bytes, found.owner, found.comment) == (30, "ann", "what it is")
    assert found.properties == {"team": "x"}
    assert found.columns[0].comment == "key"


class TestNothingIsLostSilently:
    def test_a_folder_that_is_gone_is_missing(self) -> None:
        place = f"{ROOT}/region=a/day=2026-01-01"
        table = replace(TABLE, partitions=(partition("a", "2026-01-01", location=place),))
        (found,) = source_of(table, SourceKind.HIVE, lambda _location: {}, list).partitions
        assert found.missing
        none = source_of(table, SourceKind.HIVE, lambda _location: {}, lambda _folders: [])
        assert none.partitions == ()

    @pytest.mark.parametrize("place", ["s3://lake/elsewhere/x", f"{ROOT}/other"])
    def test_a_partition_outside_of_its_folder_is_at_its_own_place(self, place: str) -> None:
        table = replace(TABLE, partitions=(partition("a/b", "2026-01-01", location=place),))
        found = source_of(table, SourceKind.HIVE, lambda _location: listing(f"{place}/1"), list)
        (told,) = found.partitions
        assert (found.kind, told.custom_location, told.location) == (SourceKind.HIVE, True, place)
        assert told.raw == "region=a%2Fb/day=2026-01-01"
        assert [each.path for each in told.files] == [f"{place}/1"]

    def test_a_folder_that_the_metastore_does_not_know(self) -> None:
        place = f"{ROOT}/region=a/day=2026-01-01"
        moved = f"{ROOT}/region=c/day=2026-01-01"
        table = replace(
            TABLE,
            partitions=(
                partition("a", "2026-01-01", location=place),
                partition("b", "2026-01-01", location=moved),
            ),
        )
        files = listing(
            f"{place}/1", f"{moved}/2", f"{ROOT}/Region=d/day=2026-01-01/x/3", f"{ROOT}/e"
        )
        found = source_of(table, SourceKind.HIVE, lambda _location: files, list)
        assert found.kind is SourceKind.HIVE
        assert found.strangers == ("Region=d/day=2026-01-01", "region=c/day=2026-01-01")

    def test_partitions_of_two_formats(self) -> None:
        places = [f"{ROOT}/region={name}/day=2026-01-01" for name in "ab"]
        table = replace(
            TABLE,
            partitions=(
                partition("a", "2026-01-01", location=places[0]),
                partition("b", "2026-01-01", location=places[1], serde="OrcSerde"),
            ),
        )
        files = listing(*(f"{place}/1" for place in places))
        found = source_of(table, SourceKind.HIVE, lambda _location: files, list)
        assert [each.format for each in found.partitions] == ["parquet", "orc"]

    def test_a_partition_that_none_of_the_three_readers_reads(self) -> None:
        place = f"{ROOT}/region=a/day=2026-01-01"
        told = partition("a", "2026-01-01", location=place, serde="x.LazySimpleSerDe")
        table = replace(TABLE, partitions=(told,))
        found = source_of(table, SourceKind.HIVE, lambda _location: listing(f"{place}/1"), list)
        assert found.kind is SourceKind.OTHER
        assert "partition a/2026-01-01 is read by LazySimpleSerDe" in found.why_left_alone

    def test_a_folder_of_two_partitions_is_not_taken_in_place_twice(self) -> None:
        place = "s3://lake/shared"
        table = replace(
            TABLE,
            partitions=tuple(partition(name, "2026-01-01", location=place) for name in "ab"),
        )
        found = source_of(table, SourceKind.HIVE, lambda _location: listing(f"{place}/1"), list)
        assert all(each.doubt for each in found.partitions)

    def test_files_below_the_folder_are_not_hives(self) -> None:
        table = replace(TABLE, partition_columns=())
        files = listing(f"{ROOT}/1", f"{ROOT}/deeper/2")
        (found,) = source_of(table, SourceKind.HIVE, lambda _location: files, list).partitions
        assert [each.path for each in found.files] == [f"{ROOT}/1"]
        assert found.doubt

    def test_a_type_that_iceberg_has_not(self) -> None:
        table = replace(TABLE, columns=(Field(name="u", type="uniontype<int,string>"),))
        found = source_of(table, SourceKind.HIVE, lambda _location: {}, list)
        assert found.why_left_alone.startswith("column u: ")


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"type": "VIRTUAL_VIEW"}, SourceKind.VIEW),
        ({"type": "MATERIALIZED_VIEW"}, SourceKind.VIEW),
        ({"parameters": {"table_type": "ICEBERG"}}, SourceKind.ICEBERG),
        ({"parameters": {"spark.sql.sources.provider": "delta"}}, SourceKind.DELTA),
        ({"parameters": {"transactional": "TRUE"}}, SourceKind.ACID),
        (
            {"storage": replace(PARQUET, input_format="org.apache.hudi.hadoop.HoodieParquet")},
            SourceKind.HUDI,
        ),
        ({"storage": replace(PARQUET, input_format="TextInputFormat")}, SourceKind.OTHER),
        ({}, SourceKind.GLUE),
    ],
)
def test_what_is_left_alone(changed: dict[str, object], kind: SourceKind) -> None:
    found, why = kind_of(replace(TABLE, **changed), SourceKind.GLUE)  # type: ignore[arg-type]
    assert found is kind
    assert bool(why) is found.left_alone


def test_patterns_choose_and_a_wrong_one_is_told_with_near_names() -> None:
    names = ["orders", "orders_old", "items"]
    assert chosen(names, ["ORD*"], "db") == ("orders", "orders_old")
    assert chosen(names, [], "db") == ("items", "orders", "orders_old")
    with pytest.raises(PhloSqlError) as caught:
        chosen(names, ["order"], "db")
    assert caught.value.code is Code.UNKNOWN_TABLE
    assert "orders" in caught.value.hint


def at(location: str, name: str) -> Described:
    storage = replace(PARQUET, location=location)
    return replace(TABLE, name=name, storage=storage, partition_columns=())


def test_a_table_whose_files_are_not_seen_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "1.parquet").write_bytes(b"x")
    good, bad = at(f"file://{tmp_path}", "good"), at("nowhere://old/t", "bad")
    found = read_sources([bad, bad, good, bad, bad], SourceKind.HIVE, {})
    assert [bool(each.refused) for each in found] == [True, True, False, True, True]
    assert "nowhere://old/t cannot be listed" in found[0].refused
    assert found[2].files == 1


@pytest.mark.parametrize("count", [1, 2, 9])
def test_where_none_is_seen_it_is_the_storage(count: int) -> None:
    with pytest.raises(PhloSqlError, match="nowhere://old/t cannot be listed") as error:
        read_sources([at("nowhere://old/t", "bad")] * count, SourceKind.HIVE, {})
    assert error.value.code is Code.STORAGE_UNREADABLE


@pytest.mark.parametrize(("form", "doubted"), [("parquet", True), ("orc", False)])
def test_a_file_without_a_byte_is_skipped_by_hive_alone(form: str, *, doubted: bool) -> None:
    storage = replace(PARQUET, input_format="", serde=form)
    table = replace(TABLE, storage=storage, partition_columns=())
    files = {ROOT: [SourceFile(path=f"{ROOT}/{n}", bytes=n) for n in range(2)]}
    found = source_of(table, SourceKind.HIVE, lambda _: files, lambda _: ())
    assert (found.format, bool(found.partitions[0].doubt)) == (form, doubted)
