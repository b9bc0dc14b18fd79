"""Delete files per data file: the rules of Iceberg Java, case by case and at random."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phlo_sql.observe.files import read_inventory
from tests.unit.observe.delete_index import FILE_PATH, Column, File, applies
from tests.unit.observe.manifest_maker import Json, TableMaker, entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.model.state import Inventory

PARTITION: list[Json] = [{"name": "p", "type": ["null", "long"], "default": None, "field-id": 1000}]
SPECS: list[Json] = [
    {
        "spec-id": 0,
        "fields": [{"source-id": 1, "field-id": 1000, "name": "p", "transform": "identity"}],
    },
    {"spec-id": 1, "fields": []},
    {
        "spec-id": 2,
        "fields": [{"source-id": 1, "field-id": 1000, "name": "p", "transform": "void"}],
    },
]
COLUMNS = {
    1: Column(1, "long", required=False),
    2: Column(2, "string", required=False),
    3: Column(3, "double", required=False),
    4: Column(4, "decimal(20, 2)", required=False),
    5: Column(5, "int", required=True),
}


def scene(folder: Path, *manifests: tuple[int, int, list[Json]]) -> Inventory:
    """A v3 table; a manifest is (spec id, content, entries)."""
    maker = TableMaker(folder, version=3, specs=SPECS)
    maker.columns = [
        {"id": each.field_id, "name": f"c{each.field_id}", "type": each.kind}
        | {"required": each.required}
        for each in COLUMNS.values()
    ]
    for spec_id, content, entries in manifests:
        partition = [] if spec_id == 1 else PARTITION
        maker.manifest(entries, partition_spec_id=spec_id, content=content, partition=partition)
    return read_inventory(maker.table())


def deletes(inventory: Inventory) -> dict[str, int]:
    rows = inventory.files.select(["path", "content", "deletes"]).to_pylist()
    return {each["path"]: each["deletes"] for each in rows if each["content"] == 0}


def applied(inventory: Inventory) -> dict[str, int]:
    rows = inventory.files.select(["path", "content", "applies_to"]).to_pylist()
    return {each["path"]: each["applies_to"] for each in rows if each["content"] != 0}


def file(path: str, sequence: int, partition: int | None = 1, **given: Any) -> Json:
    values = {} if given.pop("whole", False) else {"p": partition}
    return entry(path, sequence_number=sequence, partition=values, **given)


def position(path: str, sequence: int, partition: int | None = 1, **given: Any) -> Json:
    return file(path, sequence, partition, content=1, **given)


def equality(path: str, sequence: int, partition: int | None = 1, **given: Any) -> Json:
    return file(path, sequence, partition, content=2, equality_ids=[1], **given)


def vector(path: str, sequence: int, of: str, partition: int | None = 1) -> Json:
    return position(path, sequence, partition, file_format="PUFFIN", referenced_data_file=of)


def bounded(path: str) -> Json:
    bounds = {FILE_PATH: path.encode()}
    return {"lower_bounds": bounds, "upper_bounds": bounds}


def long(value: int) -> bytes:
    return struct.pack("<q", value)


def test_a_position_delete_reaches_its_own_commit_and_older(tmp_path: Path) -> None:
    data = [file("old", 1), file("same", 2), file("new", 3)]
    inventory = scene(tmp_path, (0, 0, data), (0, 1, [position("d", 2)]))
    assert deletes(inventory) == {"old": 1, "same": 1, "new": 0}
    assert applied(inventory) == {"d": 2}


def test_an_equality_delete_reaches_only_older(tmp_path: Path) -> None:
    data = [file("old", 1), file("same", 2), file("new", 3)]
    inventory = scene(tmp_path, (0, 0, data), (0, 1, [equality("d", 2)]))
    assert deletes(inventory) == {"old": 1, "same": 0, "new": 0}


def test_deletes_stay_in_their_partition_and_spec(tmp_path: Path) -> None:
    data = [file("p1", 1), file("p2", 1, 2), file("null", 1, None)]
    wide = [position("d1", 5), equality("e2", 5, 2), position("dn", 5, None)]
    inventory = scene(tmp_path, (0, 0, data), (1, 0, [file("whole", 1, whole=True)]), (0, 1, wide))
    assert deletes(inventory) == {"p1": 1, "p2": 1, "null": 1, "whole": 0}


@pytest.mark.parametrize("spec_id", [1, 2])
def test_an_unpartitioned_equality_delete_is_global(tmp_path: Path, spec_id: int) -> None:
    """Void fields alone don't make a spec partitioned; position deletes never are global."""
    data = [file("p1", 1), file("p2", 1, 2)]
    whole = {"whole": True} if spec_id == 1 else {"partition": None}
    found = [equality("e", 5, **whole), position("d", 5, **whole)]
    inventory = scene(tmp_path, (0, 0, data), (spec_id, 1, found))
    assert deletes(inventory) == {"p1": 1, "p2": 1}
    assert applied(inventory) == {"e": 2, "d": 0}


def test_a_delete_that_names_one_file(tmp_path: Path) -> None:
    data = [file("a", 1), file("b", 1), file("c", 9)]
    named = [
        position("by name", 5, referenced_data_file="a"),
        position("by bounds", 5, **bounded("b")),
        position("too old", 5, **bounded("c")),
        position("dangling", 5, **bounded("gone")),
        position("other partition", 5, 2, **bounded("b")),
    ]
    inventory = scene(tmp_path, (0, 0, data), (0, 1, named))
    assert deletes(inventory) == {"a": 1, "b": 2, "c": 0}
    assert applied(inventory) == {
        "by name": 1, "by bounds": 1, "too old": 0, "dangling": 0, "other partition": 1,
    }  # fmt: skip


def test_bounds_that_differ_name_no_file(tmp_path: Path) -> None:
    wide = position("d", 5, lower_bounds={FILE_PATH: b"a"}, upper_bounds={FILE_PATH: b"b"})
    inventory = scene(tmp_path, (0, 0, [file("a", 1), file("z", 1)]), (0, 1, [wide]))
    assert deletes(inventory) == {"a": 1, "z": 1}


def test_a_deletion_vector_replaces_position_deletes(tmp_path: Path) -> None:
    data = [file("a", 1), file("b", 1)]
    found = [
        vector("v", 6, "a"),
        position("wide", 5),
        position("named", 5, referenced_data_file="a"),
        equality("e", 5),
    ]
    inventory = scene(tmp_path, (0, 0, data), (0, 1, found))
    assert deletes(inventory) == {"a": 2, "b": 2}
    assert applied(inventory) == {"v": 1, "wide": 1, "named": 0, "e": 2}


def test_a_vector_without_its_data_file_applies_to_nothing(tmp_path: Path) -> None:
    inventory = scene(tmp_path, (0, 0, [file("a", 1)]), (0, 1, [vector("v", 6, "gone")]))
    assert deletes(inventory) == {"a": 0}
    assert applied(inventory) == {"v": 0}


class TestStatisticsOfEqualityDeletes:
    def test_ranges_that_do_not_meet(self, tmp_path: Path) -> None:
        data = [
            file("below", 1, lower_bounds={1: long(0)}, upper_bounds={1: long(9)}),
            file("meets", 1, lower_bounds={1: long(0)}, upper_bounds={1: long(10)}),
            file("above", 1, lower_bounds={1: long(21)}, upper_bounds={1: long(30)}),
            file("unknown", 1),
        ]
        for each in data:
            each["data_file"]["null_value_counts"] = [{"key": 1, "value": 0}]
        own = equality(
            "e",
            5,
            lower_bounds={1: long(10)},
            upper_bounds={1: long(20)},
            null_value_counts={1: 0},
        )
        inventory = scene(tmp_path, (0, 0, data), (0, 1, [own]))
        assert deletes(inventory) == {"below": 0, "meets": 1, "above": 0, "unknown": 1}

    def test_nulls_on_both_sides_always_meet(self, tmp_path: Path) -> None:
        data = file("a", 1, lower_bounds={1: long(0)}, upper_bounds={1: long(9)})
        own = equality("e", 5, lower_bounds={1: long(10)}, upper_bounds={1: long(20)})
        assert deletes(scene(tmp_path, (0, 0, [data]), (0, 1, [own]))) == {"a": 1}

    def test_only_nulls_against_no_nulls(self, tmp_path: Path) -> None:
        data = [
            file("only nulls", 1, null_value_counts={1: 10}, value_counts={1: 10}),
            file("no nulls", 1, null_value_counts={1: 0}, value_counts={1: 10}),
        ]
        no_nulls = equality("e", 5, null_value_counts={1: 0}, value_counts={1: 3})
        nulls = equality("n", 5, null_value_counts={1: 3}, value_counts={1: 3})
        inventory = scene(tmp_path, (0, 0, data), (0, 1, [no_nulls, nulls]))
        assert deletes(inventory) == {"only nulls": 1, "no nulls": 1}
        assert applied(inventory) == {"e": 1, "n": 1}

    def test_an_int_bound_of_a_column_that_became_long(self, tmp_path: Path) -> None:
        narrow = {1: struct.pack("<i", -5)}
        data = file("a", 1, lower_bounds=narrow, upper_bounds=narrow, null_value_counts={1: 0})
        own = equality("e", 5, lower_bounds={1: long(-5)}, upper_bounds={1: long(-5)})
        assert deletes(scene(tmp_path, (0, 0, [data]), (0, 1, [own]))) == {"a": 1}

    def test_deleted_entries_do_not_shift_the_statistics(self, tmp_path: Path) -> None:
        def data(path: str, value: int, **given: Any) -> Json:
            bounds = {1: long(value)}
            given |= {"lower_bounds": bounds, "upper_bounds": bounds}
            return file(path, 1, null_value_counts={1: 0}, **given)

        first = [data("gone", 10, status=2), data("a", 99), data("b", 10)]
        second = [data("c", 10), data("gone too", 99, status=2), data("d", 99)]
        own = equality("e", 5, lower_bounds={1: long(10)}, upper_bounds={1: long(10)})
        inventory = scene(tmp_path, (0, 0, first), (0, 0, second), (0, 1, [own]))
        assert deletes(inventory) == {"a": 0, "b": 1, "c": 1, "d": 0}


SERIAL: dict[int, Callable[[int], bytes]] = {
    1: long,
    2: lambda value: f"v{value:03d}".encode(),
    3: lambda value: struct.pack("<d", value / 2 - 3),
    4: lambda value: (value * 100 - 500).to_bytes(9, "big", signed=True),
    5: lambda value: struct.pack("<i", value - 4),
}


@st.composite
def statistics(draw: st.DrawFn) -> Json:
    given: Json = dict.fromkeys(("value_counts", "null_value_counts"))
    given |= {"lower_bounds": None, "upper_bounds": None}
    for name in list(given):
        if draw(st.booleans()):
            given[name] = {}
    for field_id, serial in SERIAL.items():
        low, width = draw(st.integers(0, 9)), draw(st.integers(0, 3))
        values, nulls = draw(st.sampled_from([(10, 0), (10, 10), (10, 3)]))
        known: Json = {"value_counts": values, "null_value_counts": nulls}
        known |= {"lower_bounds": serial(low), "upper_bounds": serial(low + width)}
        for name, value in known.items():
            if given[name] is not None and draw(st.integers(0, 3)):
                given[name][field_id] = value
    return given


@st.composite
def files(draw: st.DrawFn, kind: str, number: int) -> tuple[int, Json]:
    spec_id = draw(st.sampled_from([0, 0, 1, 2]))
    value = draw(st.sampled_from([1, 2, None])) if spec_id == 0 else None
    given: Json = {"sequence_number": draw(st.integers(0, 5))}
    given["partition"] = {} if spec_id == 1 else {"p": value}
    if kind == "equality":
        ids = draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=3, unique=True))
        given |= draw(statistics()) | {"content": 2, "equality_ids": ids}
    elif kind == "data":
        given |= draw(statistics())
    else:
        given["content"] = 1
        path = f"data{draw(st.integers(0, 7))}"
        named = draw(st.sampled_from([{}, {"referenced_data_file": path}, bounded(path)]))
        given |= named
    return spec_id, entry(f"{kind}{number}", **given)


@st.composite
def snapshots(draw: st.DrawFn) -> list[tuple[int, Json]]:
    found = [draw(files("data", number)) for number in range(draw(st.integers(1, 7)))]
    for kind in ("position", "equality"):
        found += [draw(files(kind, number)) for number in range(draw(st.integers(0, 4)))]
    for number in draw(st.lists(st.integers(0, 7), max_size=3, unique=True)):
        found.append((0, vector(f"vector{number}", 6, f"data{number}")))
    return found


@settings(max_examples=60, deadline=None)
@given(snapshots())
def test_counts_are_those_of_iceberg_java(found: list[tuple[int, Json]]) -> None:
    manifests = [
        (spec_id, content, chosen)
        for spec_id in (0, 1, 2)
        for content in (0, 1)
        if (
            chosen := [
                each
                for own, each in found
                if own == spec_id and (each["data_file"]["content"] > 0) == bool(content)
            ]
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        inventory = scene(Path(folder), *manifests)
    known = [
        File(each["data_file"]["file_path"], spec_id, each["sequence_number"], each["data_file"])
        for spec_id, each in found
    ]
    data = [each for each in known if each.data["content"] == 0]
    deleting = [each for each in known if each.data["content"] != 0]
    pairs = [
        (own.path, other.path)
        for own in data
        for other in deleting
        if applies(other, own, partitioned=other.spec_id == 0, columns=COLUMNS, deletes=deleting)
    ]
    assert deletes(inventory) == {
        each.path: sum(1 for own, _ in pairs if own == each.path) for each in data
    }
    assert applied(inventory) == {
        each.path: sum(1 for _, other in pairs if other == each.path) for each in deleting
    }
