"""What must come out of manifests, by both engines, against the Iceberg spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.files import read_inventory
from tests.unit.observe.manifest_maker import TableMaker, entry

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.model.state import Inventory

pytestmark = pytest.mark.parametrize("engine", ["datafusion", "fastavro", None])


def column(inventory: Inventory, name: str) -> list[Any]:
    return inventory.files.column(name).to_pylist()  # type: ignore[no-any-return]


def test_an_empty_table_has_no_files(maker: TableMaker, engine: str | None) -> None:
    inventory = read_inventory(maker.table(), engine=engine)
    assert inventory.files.num_rows == 0
    assert inventory.manifests.num_rows == 0
    assert inventory.partitions == ()


def test_only_added_entries_inherit_a_sequence_number(
    maker: TableMaker, engine: str | None
) -> None:
    maker.manifest(
        [
            entry("added"),
            entry("numbered", sequence_number=3, snapshot_id=30),
            entry("existing", status=0, sequence_number=2, file_sequence_number=1, snapshot_id=20),
        ]
    )
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "path") == ["added", "numbered", "existing"]
    assert column(inventory, "data_sequence_number") == [7, 3, 2]
    assert column(inventory, "file_sequence_number") == [7, 3, 1]
    assert column(inventory, "added_snapshot_id") == [100, 30, 20]


def test_an_existing_entry_without_a_number_does_not_inherit(
    maker: TableMaker, engine: str | None
) -> None:
    maker.manifest([entry("existing", status=0, snapshot_id=20)])
    assert column(read_inventory(maker.table(), engine=engine), "data_sequence_number") == [None]


def test_a_v1_manifest_has_sequence_number_zero(tmp_path: Path, engine: str | None) -> None:
    maker = TableMaker(tmp_path, version=1)
    maker.manifest([entry("a", snapshot_id=9), entry("b", status=0, snapshot_id=8)])
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "content") == [0, 0]
    assert column(inventory, "data_sequence_number") == [0, 0]
    assert column(inventory, "added_snapshot_id") == [9, 8]
    assert inventory.manifests.column("sequence_number").to_pylist() == [0]


def test_a_v1_manifest_in_a_table_that_became_v2(maker: TableMaker, engine: str | None) -> None:
    maker.manifest([entry("new")])
    maker.manifest([entry("old", status=0, snapshot_id=9)], version=1, sequence_number=0)
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "path") == ["new", "old"]
    assert column(inventory, "data_sequence_number") == [7, 0]
    assert column(inventory, "manifest") == [0, 1]


def test_a_manifest_from_before_file_sequence_numbers(
    maker: TableMaker, engine: str | None
) -> None:
    entries = [entry("a", sequence_number=3), entry("b", status=0, sequence_number=2)]
    maker.manifest(entries, without=("file_sequence_number",))
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "data_sequence_number") == [3, 2]
    assert column(inventory, "file_sequence_number") == [7, None]


def test_deleted_entries_are_dropped(maker: TableMaker, engine: str | None) -> None:
    maker.manifest([entry("kept"), entry("gone", status=2, sequence_number=1)])
    maker.manifest([entry("all gone", status=2, sequence_number=1)])
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "path") == ["kept"]
    assert inventory.manifests.column("live_files").to_pylist() == [1, 0]


def test_a_deletion_vector_keeps_where_it_lies(tmp_path: Path, engine: str | None) -> None:
    maker = TableMaker(tmp_path, version=3)
    maker.manifest([entry("data", sequence_number=1)])
    vector = entry(
        "vectors.puffin",
        content=1,
        file_format="PUFFIN",
        referenced_data_file="data",
        content_offset=4,
        content_size_in_bytes=44,
    )
    maker.manifest([vector], content=1)
    files = read_inventory(maker.table(), engine=engine).files.to_pylist()
    assert files[1]["format"] == "puffin"
    assert (files[1]["referenced_data_file"], files[1]["content_offset"]) == ("data", 4)
    assert files[1]["content_size"] == 44
    assert [each["deletes"] for each in files] == [1, 0]
    assert [each["applies_to"] for each in files] == [0, 1]


def test_equality_ids_are_kept(maker: TableMaker, engine: str | None) -> None:
    maker.manifest([entry("d", content=2, equality_ids=[1])], content=1)
    assert column(read_inventory(maker.table(), engine=engine), "equality_ids") == [[1]]


def test_forty_columns_of_statistics_change_nothing(maker: TableMaker, engine: str | None) -> None:
    counts = dict.fromkeys(range(40), 10)
    bounds = dict.fromkeys(range(40), b"0123456789abcdef")
    maker.manifest(
        [
            entry(
                f"f{number}",
                value_counts=counts,
                null_value_counts=counts,
                lower_bounds=bounds,
                upper_bounds=bounds,
            )
            for number in range(2000)
        ]
    )
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "path") == [f"f{number}" for number in range(2000)]


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("block", [1, 64_000])
def test_blocks_of_java_and_of_pyiceberg(
    maker: TableMaker, engine: str | None, codec: str, block: int
) -> None:
    """Java fills blocks of 64,000 bytes; PyIceberg writes one entry into each."""
    maker.manifest(
        [entry(f"f{number}") for number in range(300)],
        avro={"codec": codec, "sync_interval": block},
    )
    assert len(set(column(read_inventory(maker.table(), engine=engine), "path"))) == 300


def test_more_rows_than_either_engine_reads_at_once(maker: TableMaker, engine: str | None) -> None:
    for start in (0, 20_000):
        maker.manifest([entry(f"f{number}") for number in range(start, start + 20_000)])
    inventory = read_inventory(maker.table(), engine=engine)
    assert column(inventory, "path") == [f"f{number}" for number in range(40_000)]


def test_paths_stay_as_they_are(maker: TableMaker, engine: str | None) -> None:
    odd = ["s3://b/a=b c/é%20%C3%A9.parquet", "file:///x#y?z", "/plain", "s3://b/雪/🦆"]
    maker.manifest([entry(path) for path in odd])
    assert column(read_inventory(maker.table(), engine=engine), "path") == odd


def test_many_manifests_stay_in_order(maker: TableMaker, engine: str | None) -> None:
    for number in range(30):
        maker.manifest([entry(f"{number}-{each}") for each in range(3)])
    inventory = read_inventory(maker.table(), engine=engine)
    expected = [f"{number}-{each}" for number in range(30) for each in range(3)]
    assert column(inventory, "path") == expected
    assert column(inventory, "manifest") == [number for number in range(30) for _ in range(3)]


def test_a_manifest_listed_twice_is_read_once(maker: TableMaker, engine: str | None) -> None:
    maker.manifest([entry("a")])
    maker.manifests.append(dict(maker.manifests[0]))
    assert column(read_inventory(maker.table(), engine=engine), "path") == ["a"]


class TestBrokenStorage:
    def refused(self, maker: TableMaker, engine: str | None) -> PhloSqlError:
        with pytest.raises(PhloSqlError) as caught:
            read_inventory(maker.table(), engine=engine)
        assert caught.value.code is Code.STORAGE_UNREADABLE
        assert "\n" not in caught.value.problem
        return caught.value

    def test_a_missing_manifest_is_named(self, maker: TableMaker, engine: str | None) -> None:
        path = maker.manifest([entry("a")])
        maker.manifest([entry("b")])
        path.unlink()
        problem = self.refused(maker, engine).problem
        assert str(path) in problem
        assert "does not exist" in problem

    @pytest.mark.parametrize("kept", [0, 3, 50, 0.5, 0.9, 0.999])
    def test_a_cut_off_manifest_is_named(
        self, maker: TableMaker, engine: str | None, kept: float
    ) -> None:
        maker.manifest([entry("fine")])
        path = maker.manifest([entry(f"f{number}") for number in range(5000)])
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data)) if kept < 1 else int(kept)])
        # DataFusion alone raises a plain exception; in use, fastavro then names the file
        chosen = "fastavro" if engine == "fastavro" else None
        assert str(path) in self.refused(maker, chosen).problem

    def test_a_manifest_cut_between_two_blocks(self, maker: TableMaker, engine: str | None) -> None:
        path = maker.manifest([entry(f"f{number}") for number in range(5000)])
        data = path.read_bytes()
        sync = data[-16:]
        path.write_bytes(data[: data.index(sync, data.index(sync) + 16) + 16])
        assert "5000 were written" in self.refused(maker, engine).problem

    def test_a_missing_manifest_list_is_named(
        self, maker: TableMaker, engine: str | None, tmp_path: Path
    ) -> None:
        table = maker.table()
        (tmp_path / "snap.avro").unlink()
        with pytest.raises(PhloSqlError, match=r"snap\.avro"):
            read_inventory(table, engine=engine)
