"""Predicates as users type them: read, refused with a reason, and taken apart."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql.dialect import (
    Comparison,
    Constant,
    all_of,
    any_of,
    columns_of,
    compare,
    comparison,
    conjuncts,
    in_paths,
    is_in,
    predicate,
    same,
    sql_of,
)
from phlo_sql.errors import Code, PhloSqlError
from tests.unit.dialect.predicates import READ, REFUSED


def test_there_are_enough_of_them() -> None:
    assert len(READ) >= 60
    assert len(REFUSED) >= 30


def _problem(text: str) -> str | None:
    try:
        predicate(text)
    except PhloSqlError as error:
        return error.problem
    return None


class TestReading:
    @pytest.mark.parametrize("text", READ)
    def test_is_a_fixed_point(self, text: str) -> None:
        tree = predicate(text)
        assert same(predicate(sql_of(tree)), tree)
        assert sql_of(predicate(sql_of(tree))) == sql_of(tree)

    @pytest.mark.parametrize("text", REFUSED)
    def test_is_refused_with_a_reason_of_one_line(self, text: str) -> None:
        with pytest.raises(PhloSqlError) as refusal:
            predicate(text)
        assert refusal.value.code is Code.BAD_PREDICATE
        assert REFUSED[text] in refusal.value.problem
        assert "\n" not in refusal.value.problem
        assert "\x1b" not in refusal.value.problem
        assert "sqlglot" not in refusal.value.problem

    @given(st.text(max_size=40))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        problem = _problem(text)
        if problem is None:
            tree = predicate(text)
            assert same(predicate(sql_of(tree)), tree)
        else:
            assert "\n" not in problem

    def test_names_are_folded_as_trino_does(self) -> None:
        assert sql_of(predicate('Day = 1 AND "Day" = 2')) == '"day" = 1 AND "Day" = 2'


class TestColumns:
    @pytest.mark.parametrize(
        ("text", "columns"),
        [
            ("a = 1", [("a",)]),
            ('A = 1 AND "B" = 2 AND a = 3', [("a",), ("b",)]),
            ("a.b.c = 1 OR CAST(ts AS date) = DATE '2024-01-01'", [("a", "b", "c"), ("ts",)]),
            ("a.b.c.d.e.f = 1", [("a", "b", "c", "d", "e", "f")]),
            ("\"$path\" IN ('x')", [("$path",)]),
            ("TRUE", []),
        ],
    )
    def test_each_once_in_order(self, text: str, columns: list[tuple[str, ...]]) -> None:
        assert columns_of(predicate(text)) == tuple(columns)


class TestConjuncts:
    def test_brackets_around_and_are_undone(self) -> None:
        found = conjuncts(predicate("a = 1 AND (b = 2 AND (c = 3 OR d = 4)) AND NOT (e AND f)"))
        assert [sql_of(condition) for condition in found] == [
            '"a" = 1',
            '"b" = 2',
            '("c" = 3 OR "d" = 4)',
            'NOT ("e" AND "f")',
        ]

    def test_together_they_are_the_whole(self) -> None:
        for text in READ:
            tree = predicate(text)
            again = all_of(conjuncts(tree))
            assert [sql_of(part) for part in conjuncts(again)] == [
                sql_of(part) for part in conjuncts(tree)
            ]

    def test_as_many_as_you_like(self) -> None:
        tree = all_of([compare("a", "=", number) for number in range(5_000)])
        assert len(conjuncts(tree)) == 5_000

    def test_of_none(self) -> None:
        assert sql_of(all_of([])) == "TRUE"
        assert sql_of(any_of([])) == "FALSE"
        assert sql_of(in_paths([])) == "FALSE"


D = date(2024, 1, 2)
SIMPLE = {
    "a = 1": ("=", (1,), None),
    "1 = a": ("=", (1,), None),
    "(a = 1)": ("=", (1,), None),
    "a <> -1.5": ("<>", (Decimal("-1.5"),), None),
    "a < 1e3": ("<", (1000.0,), None),
    "1 < a": (">", (1,), None),
    "1 >= a": ("<=", (1,), None),
    "a = 'x'": ("=", ("x",), None),
    "a = TRUE": ("=", (True,), None),
    "a": ("=", (True,), None),
    "NOT a": ("=", (False,), None),
    "a IN (1, 2)": ("IN", (1, 2), None),
    "a BETWEEN 1 AND 2": ("BETWEEN", (1, 2), None),
    "a IS NULL": ("IS NULL", (), None),
    "a IS NOT NULL": ("IS NOT NULL", (), None),
    "NOT (a IS NULL)": ("IS NOT NULL", (), None),
    "a = DATE '2024-01-02'": ("=", (D,), None),
    "a = CAST('2024-01-02' AS date)": ("=", (D,), None),
    "a = date('2024-01-02')": ("=", (D,), None),
    "a = DATE '2024-1-2'": ("=", (D,), None),
    "CAST(a AS date) >= DATE '2024-01-02'": (">=", (D,), "date"),
    "date(a) IN (DATE '2024-01-02')": ("IN", (D,), "date"),
    "DATE '2024-01-02' > date(a)": ("<", (D,), "date"),
    "date_trunc('MONTH', a) = DATE '2024-01-02'": ("=", (D,), "month"),
    "date_trunc('hour', a) = TIMESTAMP '2024-01-02 03:00:00'": (
        "=",
        (datetime(2024, 1, 2, 3),),  # noqa: DTZ001 - a TIMESTAMP without time zone
        "hour",
    ),
    "a = TIMESTAMP '2024-01-02 03:04:05.123456000 UTC'": (
        "=",
        (datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),),
        None,
    ),
    "a = TIMESTAMP '2024-01-02 03:00:00 +01:00'": (
        "=",
        (datetime(2024, 1, 2, 2, tzinfo=UTC),),
        None,
    ),
    "a = BIGINT '5'": ("=", (5,), None),
    "a = DECIMAL '1.50'": ("=", (Decimal("1.50"),), None),
    "a = DOUBLE '1.5'": ("=", (1.5,), None),
}
NOT_SIMPLE = (
    "a = b",
    "a = NULL",
    "a IN (1, NULL)",
    "a + 1 = 2",
    "a = 1 OR a = 2",
    "NOT a = 1",
    "a NOT IN (1)",
    "a NOT BETWEEN 1 AND 2",
    "a LIKE 'x%'",
    "a IS DISTINCT FROM 1",
    "year(a) = 2024",
    "CAST(a AS bigint) = 1",
    "TRY_CAST(a AS date) = DATE '2024-01-02'",
    "a = current_date",
    "a = DATE '2024-02-30'",
    "a = DATE '20240102'",
    "a = DATE '2024-01-02' - INTERVAL '1' DAY",
    "a = TIMESTAMP '2024-01-02 00:00:00.123456789'",
    "a = TIMESTAMP '2024-01-02 00:00:00 No/Where'",
    "a = BIGINT 'x'",
    "a = X'00'",
    "a = TIME '01:00:00'",
    "lower(a) = 'x'",
    "TRUE",
)


class TestComparison:
    @pytest.mark.parametrize("text", SIMPLE)
    def test_simple(self, text: str) -> None:
        operator, values, cut = SIMPLE[text]
        found = comparison(predicate(text))
        assert found is not None
        assert (found.column, found.operator, found.cut) == (("a",), operator, cut)
        assert found.values == values
        assert [type(value) for value in found.values] == [type(value) for value in values]

    @pytest.mark.parametrize("text", NOT_SIMPLE)
    def test_anything_else_is_none(self, text: str) -> None:
        assert comparison(predicate(text)) is None

    @given(
        st.integers(-(2**63), 2**63 - 1)
        | st.booleans()
        | st.text(st.characters(exclude_categories=["Cs"]))
        | st.dates()
        | st.datetimes()
        | st.datetimes(timezones=st.just(UTC))
        | st.floats(allow_nan=False)
        | st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**30)
    )
    def test_a_value_comes_back_as_it_went_in(self, value: Constant) -> None:
        text = sql_of(is_in("c", [value]))
        found = comparison(predicate(text))
        assert found == Comparison(column=("c",), operator="IN", values=(value,))
        assert found is not None
        assert type(found.values[0]) is type(value)
