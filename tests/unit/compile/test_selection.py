"""The rules of `compile.selection`, one by one, on inventories of a few rows.

That the rules are Trino's own is held by tests/live/test_prediction.py.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from phlo_sql.compile.selection import Fate, Restriction, Selection, select
from phlo_sql.model.names import TableName
from phlo_sql.model.state import (
    Inventory,
    Partition,
    PartitionField,
    PartitionSpec,
    Snapshot,
    TableState,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

THRESHOLD = 1000
DEFAULTS: Mapping[str, object] = {
    "content": 0,
    "path": None,
    "format": "parquet",
    "spec_id": 0,
    "partition": 0,
    "size": 100,
    "rows": 10,
    "data_sequence_number": 1,
    "referenced_data_file": None,
    "deletes": 0,
    "applies_to": 0,
    "manifest": 0,
}
FILES = pa.schema(
    [
        ("content", pa.int8()),
        ("path", pa.string()),
        ("format", pa.string()),
        ("spec_id", pa.int32()),
        ("partition", pa.int32()),
        ("size", pa.int64()),
        ("rows", pa.int64()),
        ("data_sequence_number", pa.int64()),
        ("referenced_data_file", pa.string()),
        ("deletes", pa.int32()),
        ("applies_to", pa.int32()),
        ("manifest", pa.int32()),
    ]
)
UNPARTITIONED = PartitionSpec(spec_id=0)
BY_DAY = PartitionSpec(
    spec_id=1,
    fields=(PartitionField(source_id=1, field_id=1000, name="d", transform="identity"),),
)


def state_of(files: pa.Table, *, last_sequence: int = 9, default_spec: int = 0) -> TableState:
    count = 1 + max(files["partition"].to_pylist(), default=0)
    manifests = 1 + max(files["manifest"].to_pylist(), default=0)
    return TableState(
        table=TableName(schema="s", name="t"),
        ref=None,
        ref_hash=None,
        uuid="u",
        format_version=2,
        location="file:///t",
        metadata_location="file:///t/metadata/1.json",
        snapshot_id=1,
        columns=(),
        specs={0: UNPARTITIONED, 1: BY_DAY},
        default_spec_id=default_spec,
        sort_order=(),
        properties={},
        snapshots=(
            Snapshot(
                snapshot_id=1,
                parent_id=None,
                sequence_number=last_sequence,
                timestamp_ms=0,
                manifest_list="m",
                summary={},
            ),
        ),
        refs=(),
        files=Inventory(
            files=files,
            partitions=tuple(Partition(spec_id=0) for _ in range(count)),
            manifests=pa.table(
                {
                    "content": pa.array([1] * manifests, pa.int8()),
                    "sequence_number": pa.array([1] * manifests, pa.int64()),
                    "live_files": pa.array([1] * manifests, pa.int64()),
                }
            ),
        ),
    )


def inventory(*rows: Mapping[str, object]) -> pa.Table:
    full = [{**DEFAULTS, "path": f"f{place}", **row} for place, row in enumerate(rows)]
    return pa.Table.from_pylist(full, schema=FILES)


def fates(selection: Selection) -> list[Fate]:
    return [Fate(each) for each in selection.fates.to_pylist()]


def choose(
    rows: Sequence[Mapping[str, object]],
    version: int = 483,
    where: Restriction | None = None,
    default_spec: int = 0,
    last_sequence: int = 9,
) -> Selection:
    state = state_of(inventory(*rows), default_spec=default_spec, last_sequence=last_sequence)
    return select(state, version, THRESHOLD, where)


class TestDataFiles:
    def test_equal_to_the_threshold_is_small_and_one_byte_more_is_not(self) -> None:
        found = choose([{"size": 999}, {"size": 1000}, {"size": 1001}])
        assert fates(found) == [Fate.REWRITTEN, Fate.REWRITTEN, Fate.TOO_LARGE]
        assert (found.rewritten_data_files, found.rewritten_bytes) == (2, 1999)
        assert found.rewritten_rows == 20

    def test_a_lone_small_file_stays(self) -> None:
        assert fates(choose([{}])) == [Fate.ALONE]

    def test_a_large_file_does_not_keep_a_small_one_company(self) -> None:
        assert fates(choose([{}, {"size": 5000}])) == [Fate.ALONE, Fate.TOO_LARGE]

    def test_alone_is_per_partition(self) -> None:
        rows = [{"partition": 0}, {"partition": 1}, {"partition": 1}]
        assert fates(choose(rows)) == [Fate.ALONE, Fate.REWRITTEN, Fate.REWRITTEN]

    def test_a_file_with_deletes_is_taken_large_or_alone(self) -> None:
        rows = [{"size": 5000, "deletes": 1}, {"partition": 1, "deletes": 2}]
        assert fates(choose(rows)) == [Fate.REWRITTEN, Fate.REWRITTEN]

    def test_an_older_spec_ends_the_rule_for_lone_files(self) -> None:
        rows = [{"spec_id": 1, "partition": 0}, {"spec_id": 0, "partition": 1}]
        found = choose(rows, default_spec=1)
        assert fates(found) == [Fate.REWRITTEN, Fate.REWRITTEN]
        assert found.foreign_specs

    def test_a_large_file_of_an_older_spec_does_not(self) -> None:
        rows = [{"spec_id": 1, "partition": 0}, {"spec_id": 0, "partition": 1, "size": 5000}]
        found = choose(rows, default_spec=1)
        assert fates(found) == [Fate.ALONE, Fate.TOO_LARGE]
        assert not found.foreign_specs

    def test_an_empty_table(self) -> None:
        found = choose([])
        assert found.rewritten_data_files == found.rewritten_bytes == 0
        assert found.by_partition.num_rows == 0

    def test_outside_where(self) -> None:
        rows = [{"partition": 0}, {"partition": 0}, {"partition": 1, "size": 5000}]
        found = choose(rows, where=Restriction(partitions=frozenset({1})))
        assert fates(found) == [Fate.OUTSIDE_WHERE, Fate.OUTSIDE_WHERE, Fate.TOO_LARGE]

    def test_paths(self) -> None:
        found = choose([{}, {}, {}], where=Restriction(paths=frozenset({"f0", "f2", "gone"})))
        assert found.paths() == ("f0", "f2")
        assert fates(found)[1] is Fate.OUTSIDE_WHERE

    def test_totals_per_partition(self) -> None:
        rows = [{"partition": 1}, {"partition": 1, "size": 5000}, {"partition": 1}, {}]
        lines = choose(rows).by_partition.to_pylist()
        assert lines[1] == {
            "partition": 1,
            "files": 3,
            "bytes": 5200,
            "rewritten_data_files": 2,
            "rewritten_bytes": 200,
            "rewritten_rows": 20,
            "rewritten_deletes": 0,
            "removed_delete_files": 0,
        }
        assert lines[0]["rewritten_data_files"] == 0


POSITION = {"content": 1, "applies_to": 1, "data_sequence_number": 5, "manifest": 1}
EQUALITY = {"content": 2, "applies_to": 1, "data_sequence_number": 5, "manifest": 1}
OTHER = {"partition": 1, "spec_id": 1}
FIRST = Restriction(partitions=frozenset({0}))


class TestDeleteFiles:
    def test_those_that_apply_go_and_others_stay(self) -> None:
        idle = {"content": 1, "applies_to": 0, "data_sequence_number": 9, "manifest": 2}
        found = choose([{"deletes": 1}, {"size": 5000}, POSITION, idle])
        assert fates(found)[2:] == [Fate.REMOVED, Fate.KEPT]
        assert found.applied_delete_files == found.removed_delete_files == 1

    @pytest.mark.parametrize("version", [476, 479, 480, 483])
    def test_position_deletes_under_where(self, version: int) -> None:
        found = choose([{"deletes": 1}, {"partition": 1}, POSITION], version, FIRST)
        assert fates(found) == [Fate.REWRITTEN, Fate.OUTSIDE_WHERE, Fate.REMOVED]

    @pytest.mark.parametrize(("version", "fate"), [(479, Fate.KEPT), (480, Fate.REMOVED)])
    def test_position_deletes_under_a_predicate_on_the_partition_column(
        self, version: int, fate: Fate
    ) -> None:
        where = Restriction(partitions=frozenset({0}), partition_column=True)
        assert fates(choose([{"deletes": 1}, POSITION, OTHER], version, where))[1] is fate

    @pytest.mark.parametrize(("version", "fate"), [(479, Fate.KEPT), (480, Fate.REMOVED)])
    def test_equality_deletes_of_a_partition_under_where(self, version: int, fate: Fate) -> None:
        rows = [{"deletes": 1, "spec_id": 1}, {**EQUALITY, "spec_id": 1}, OTHER]
        assert fates(choose(rows, version, FIRST, default_spec=1))[1] is fate

    def test_global_equality_deletes_stay_under_where(self) -> None:
        rows = [{"deletes": 1}, {"size": 5000, "data_sequence_number": 1}, EQUALITY]
        assert fates(choose(rows, 483, FIRST))[2] is Fate.KEPT
        assert fates(choose(rows, 483))[2] is Fate.REMOVED

    def test_no_delete_file_goes_when_paths_are_named(self) -> None:
        rows = [{"deletes": 1}, {"size": 5000}, POSITION]
        found = choose(rows, 483, Restriction(paths=frozenset({"f0"})))
        assert fates(found) == [Fate.REWRITTEN, Fate.OUTSIDE_WHERE, Fate.KEPT]


class TestWhatTheCommitDrops:
    """Rule 5: delete files older than all data that stays."""

    DANGLING: Mapping[str, object] = {
        "content": 1,
        "applies_to": 0,
        "data_sequence_number": 2,
        "manifest": 1,
    }

    @pytest.mark.parametrize(("version", "fate"), [(476, Fate.KEPT), (477, Fate.REMOVED)])
    def test_without_a_delete_that_applies(self, version: int, fate: Fate) -> None:
        found = choose([{}, {}, self.DANGLING], version)
        assert fates(found)[2] is fate
        assert found.applied_delete_files == 0

    @pytest.mark.parametrize("version", [476, 483])
    def test_only_in_manifests_that_hold_one_that_applies(self, version: int) -> None:
        elsewhere = {**self.DANGLING, "manifest": 2}
        found = choose([{"deletes": 1}, POSITION, self.DANGLING, elsewhere], version)
        assert fates(found)[1:] == [Fate.REMOVED, Fate.REMOVED, Fate.KEPT]
        assert (found.applied_delete_files, found.removed_delete_files) == (1, 2)

    def test_not_while_older_data_stays(self) -> None:
        rows = [{}, {}, {"size": 5000, "data_sequence_number": 2}, self.DANGLING]
        assert fates(choose(rows))[3] is Fate.KEPT

    def test_not_when_nothing_is_rewritten(self) -> None:
        assert fates(choose([{}, self.DANGLING]))[1] is Fate.KEPT

    def test_a_vector_of_a_file_that_goes(self) -> None:
        vector = {
            **POSITION,
            "format": "puffin",
            "applies_to": 0,
            "referenced_data_file": "f0",
            "data_sequence_number": 9,
        }
        assert fates(choose([{}, {}, vector], 483))[2] is Fate.REMOVED


def test_a_million_files_take_about_a_second() -> None:
    count = 1_000_000
    same = pa.Table.from_pylist([dict(DEFAULTS)], schema=FILES).take(pa.array([0] * count))
    numbers = pa.array(range(count), pa.int64())
    paths = pc.binary_join_element_wise("file:///warehouse/data/", pc.cast(numbers, "string"), "")
    for name, values in {
        "path": paths,
        "partition": pc.cast(pc.divide(numbers, 7), pa.int32()),
        "size": pc.subtract(numbers, pc.multiply(pc.divide(numbers, 1500), 1500)),
    }.items():
        same = same.set_column(same.column_names.index(name), name, values)
    state = replace(small := state_of(inventory({})), files=replace(small.files, files=same))
    began = time.process_time()
    found = select(state, 483, THRESHOLD)
    spent = time.process_time() - began
    assert found.rewritten_data_files > 600_000
    assert spent < 3
