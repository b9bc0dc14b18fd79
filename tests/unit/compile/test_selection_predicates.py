"""Which partitions a WHERE selects, when it is widened and when it is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from phlo_sql import dialect
from phlo_sql.compile.predicates import Enforced, enforce
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.state import (
    Column,
    Inventory,
    Partition,
    PartitionField,
    PartitionSpec,
    TableState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

PATHS = ("a", "b", "c")


def table(kind: str, *specs: tuple[str, Sequence[object]], live: str = "all") -> TableState:
    """Column `c` of this type; each spec is a transform (or "" for none) and partition values."""
    made = {
        number: PartitionSpec(
            spec_id=number,
            fields=(PartitionField(source_id=1, field_id=1000, name="c_p", transform=transform),)
            if transform
            else (),
        )
        for number, (transform, _) in enumerate(specs)
    }
    partitions = tuple(
        Partition(spec_id=number, values=(value,) if specs[number][0] else ())
        for number, (_, values) in enumerate(specs)
        for value in values
    )
    alive = list(made) if live == "all" else [len(specs) - 1]
    return TableState(
        table=TableName(schema="s", name="t"),
        ref=None,
        ref_hash=None,
        uuid="u",
        format_version=2,
        location="file:///t",
        metadata_location="file:///t/m.json",
        snapshot_id=1,
        columns=(
            Column(field_id=1, name="c", type=kind),
            Column(field_id=2, name="other", type="long"),
        ),
        specs=made,
        default_spec_id=len(specs) - 1,
        sort_order=(),
        properties={},
        snapshots=(),
        refs=(),
        files=Inventory(
            files=pa.table({"content": pa.array([0, 0, 1], pa.int8()), "path": list(PATHS)}),
            partitions=partitions,
            manifests=pa.table(
                {
                    "spec_id": pa.array(alive, pa.int32()),
                    "content": pa.array([0] * len(alive), pa.int8()),
                }
            ),
        ),
    )


def read(text: str, state: TableState, version: int = 483) -> Enforced:
    return enforce(dialect.predicate(text), state, version)


def selected(text: str, state: TableState) -> list[object]:
    chosen = read(text, state).restriction.partitions
    assert chosen is not None
    return [state.files.partitions[each].values[0] for each in sorted(chosen)]


def refusal(text: str, state: TableState, version: int = 483) -> PhloSqlError:
    with pytest.raises(PhloSqlError) as caught:
        read(text, state, version)
    assert caught.value.code is Code.WHERE_NOT_ENFORCEABLE
    assert "\n" not in caught.value.problem + caught.value.hint
    return caught.value


DAYS = (date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2), None)
BY_DAY = table("timestamp", ("day", DAYS))
BY_MONTH = table("date", ("month", (648, 649, 650, None)))
"""2024-01, 2024-02, 2024-03."""


class TestIdentity:
    STATE = table("string", ("identity", ("a", "b", "c", None)))

    @pytest.mark.parametrize(
        ("text", "chosen"),
        [
            ("c = 'b'", ["b"]),
            ("c IN ('a', 'c', 'z')", ["a", "c"]),
            ("c <> 'b'", ["a", "c"]),
            ("c > 'a'", ["b", "c"]),
            ("'b' >= c", ["a", "b"]),
            ("c BETWEEN 'b' AND 'c'", ["b", "c"]),
            ("c IS NULL", [None]),
            ("c IS NOT NULL", ["a", "b", "c"]),
            ("c > 'a' AND c < 'c'", ["b"]),
            ("c > 'b' AND c < 'b'", []),
            ("c = 'a' OR c > 'b'", ["a", "c"]),
            ("c IS NULL OR (c >= 'b' AND c < 'c')", ["b", None]),
            ("(c <= 'b' OR c = 'c') AND c <> 'a'", ["b", "c"]),
        ],
    )
    def test_is_taken_as_it_stands(self, text: str, chosen: list[object]) -> None:
        assert selected(text, self.STATE) == chosen
        assert read(text, self.STATE).widened == ()

    def test_numbers_and_truth(self) -> None:
        assert selected("c <= 2", table("long", ("identity", (1, 2, 3, None)))) == [1, 2]
        assert selected("c", table("boolean", ("identity", (True, False, None)))) == [True]


class TestTimes:
    @pytest.mark.parametrize(
        "text",
        [
            "c >= TIMESTAMP '2024-02-01 00:00:00'",
            "c > TIMESTAMP '2024-01-31 23:59:59.999999'",
            "CAST(c AS date) >= DATE '2024-02-01'",
            "CAST(c AS date) > DATE '2024-01-31'",
            "date_trunc('month', c) = TIMESTAMP '2024-02-01 00:00:00'",
        ],
    )
    def test_on_an_edge(self, text: str) -> None:
        assert selected(text, BY_DAY) == [date(2024, 2, 1), date(2024, 2, 2)]
        assert read(text, BY_DAY).widened == ()

    def test_inside_a_partition_is_widened_and_said_so(self) -> None:
        found = read("c >= TIMESTAMP '2024-02-01 10:00:00'", BY_DAY)
        assert dialect.sql_of(found.predicate) == "\"c\" >= TIMESTAMP '2024-02-01 00:00:00.000000'"
        assert "ends inside a partition" in found.widened[0]
        assert found.restriction.partitions == frozenset({1, 2})

    def test_a_day_becomes_its_month(self) -> None:
        found = read("c = DATE '2024-02-10'", BY_MONTH)
        expected = dialect.predicate("c >= DATE '2024-02-01' AND c < DATE '2024-03-01'")
        assert dialect.same(found.predicate, expected)
        assert found.restriction.partitions == frozenset({1})

    def test_months_that_meet_become_one_range(self) -> None:
        found = read("c IN (DATE '2024-01-10', DATE '2024-02-20')", BY_MONTH)
        expected = dialect.predicate("c >= DATE '2024-01-01' AND c < DATE '2024-03-01'")
        assert dialect.same(found.predicate, expected)

    def test_null_stays_with_what_is_widened_only_where_it_was_asked_for(self) -> None:
        assert selected("c <= DATE '2024-02-10'", BY_MONTH) == [648, 649]
        assert selected("c IS NULL", BY_MONTH) == [None]

    def test_two_specs_are_widened_to_the_coarser(self) -> None:
        state = table("date", ("month", (648, 649)), ("day", (date(2024, 2, 10),)))
        found = read("c = DATE '2024-02-10'", state)
        assert found.widened
        assert found.restriction.partitions == frozenset({1, 2})

    def test_the_last_year_has_no_end(self) -> None:
        state = table("date", ("year", (54, 8029)))
        assert selected("c > DATE '9999-06-01'", state) == [8029]

    def test_hours_and_zones(self) -> None:
        hour = int(datetime(2024, 1, 1, 5, tzinfo=UTC).timestamp()) // 3600
        state = table("timestamptz", ("hour", (hour, hour + 1)))
        assert selected("c < TIMESTAMP '2024-01-01 08:00:00 +02:00'", state) == [hour]

    def test_a_date_is_no_moment_of_a_zoned_column(self) -> None:
        state = table("timestamptz", ("day", DAYS))
        assert "time zone" in refusal("c >= DATE '2024-02-01'", state).problem
        assert "time zone" in refusal("c >= TIMESTAMP '2024-02-01 00:00:00'", state).problem


class TestTruncateAndBucket:
    NUMBERS = table("long", ("truncate[10]", (-10, 0, 10, None)))

    def test_whole_numbers(self) -> None:
        assert selected("c >= 0 AND c < 10", self.NUMBERS) == [0]
        assert not read("c >= 0 AND c < 10", self.NUMBERS).widened
        found = read("c = -3", self.NUMBERS)
        assert dialect.same(found.predicate, dialect.predicate("c >= -10 AND c < 0"))
        assert found.restriction.partitions == frozenset({0})

    @pytest.mark.parametrize("transform", ["bucket[4]", "truncate[2]"])
    def test_equality_is_refused_as_trino_does(self, transform: str) -> None:
        state = table("string", (transform, ("aa", None)))
        assert transform in refusal("c = 'aa'", state).problem
        assert selected("c IS NULL", state) == [None]

    def test_not_null_goes_with_truncate_and_not_with_bucket(self) -> None:
        assert selected("c IS NOT NULL", table("string", ("truncate[2]", ("aa", None)))) == ["aa"]
        refusal("c IS NOT NULL", table("long", ("bucket[4]", (1, None))))


class TestRefusals:
    def test_a_column_that_is_no_partition(self) -> None:
        error = refusal("other = 1", BY_DAY)
        assert "not partitioned by other" in error.problem
        assert error.hint == "its partition columns are c"

    def test_an_unknown_column(self) -> None:
        assert "no column nope" in refusal("nope = 1", BY_DAY).problem

    def test_older_files_without_the_field(self) -> None:
        state = table("long", ("", (None,)), ("identity", (1,)))
        assert "older files" in refusal("c = 1", state).problem

    def test_an_older_spec_that_no_manifest_names(self) -> None:
        state = table("long", ("", (None,)), ("identity", (1, 2)), live="current")
        chosen = read("c = 2", replace(state, files=state.files)).restriction.partitions
        assert chosen is not None
        assert 2 in chosen

    def test_or_between_columns(self) -> None:
        assert "several columns" in refusal("c IS NULL OR other = 1", BY_DAY).problem

    @pytest.mark.parametrize("text", ["c + 1 = 2", "lower(c) = 'a'", "c IS NULL OR c + 1 = 2"])
    def test_what_is_no_comparison(self, text: str) -> None:
        assert "not a comparison" in refusal(text, BY_DAY).problem

    def test_a_value_of_another_type(self) -> None:
        assert "c is timestamp" in refusal("c = 5", BY_DAY).problem

    @pytest.mark.parametrize("name", ["$partition", "$file_modified_time"])
    def test_hidden_columns_that_are_not_predicted(self, name: str) -> None:
        assert "not predicted" in refusal(f"\"{name}\" = 'x'", BY_DAY).problem


def test_paths() -> None:
    found = read("\"$path\" IN ('a', 'c', 'z')", BY_DAY)
    assert found.restriction.paths == frozenset({"a"})
    assert found.restriction.partitions is None
