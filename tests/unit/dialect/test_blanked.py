"""Statements without their values, by their characters alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql.dialect import blank, without


@pytest.mark.parametrize(
    ("text", "shape", "values"),
    [
        ("SELECT 'it''s', 1.5e-3", "SELECT ?, ?", ("it's", "1.5e-3")),
        ("x = X'1F' AND y = U&'\\0041'", "x = ? AND y = ?", ("1F", "\\0041")),
        ("SELECT t2.c3, \"n'q 5\" FROM a1", "SELECT t2.c3, \"n'q 5\" FROM a1", ()),
        ("SELECT a -- 'secret'\nFROM b /* 5 */", "SELECT a  \nFROM b", ()),
        ("SELECT 'never closed", "SELECT ?", ("never closed",)),
        ('SELECT "never closed 1', "SELECT ?", ('"never closed 1',)),
        ("WITH FUNCTION f() AS $$ code 7 $$ SELECT f()", "WITH FUNCTION f() AS ? SELECT f()",
         (" code 7 ",)),
        ("é1 = 0xFF", "é1 = ?", ("0xFF",)),
    ],
)  # fmt: skip
def test_shape_and_values(text: str, shape: str, values: tuple[str, ...]) -> None:
    assert blank(text) == (shape, values)


@given(st.text(alphabet="ab'\"-/*$\n ?1", max_size=40))
def test_any_text_has_a_shape_without_quotes_of_a_literal(text: str) -> None:
    shape, _ = blank(text)
    outside = [part for number, part in enumerate(shape.split('"')) if number % 2 == 0]
    assert not any("'" in part for part in outside)


def test_a_message_without_the_values() -> None:
    assert without("Cannot cast 'x 10' to 10", ("x 10", "10")) == "Cannot cast '?' to ?"
    assert (
        without("Cannot cast 'ALGERIAsecret' to BIGINT", ("secret",)) == "Cannot cast '?' to BIGINT"
    )
    assert without("bad date: ALGERIAsecret1", ("secret",)) == "bad date: ALGERIA?1"
    assert without("column a10 of t", ("10", "")) == "column a10 of t"
