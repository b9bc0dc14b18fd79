"""Trino reads every statement we build, and finds each value in exactly the slot it was put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from phlo_sql.dialect import render
from phlo_sql.errors import Code, PhloSqlError
from tests.unit.dialect.cases import CASES, FILLED, HOSTILE, MARKS, NAMES, TEXTS, Slots

if TYPE_CHECKING:
    from tests.oracle.trino_parser import TrinoParser

NEEDS_NEWER = {"add_column clauses", "set_default", "drop_default"}
"""What 476 has no grammar for: `render` must know, and Trino must agree."""


def _filled(tree: Any, slots: Slots) -> Any:
    """The tree of the marks, with what fills the slots in the places of the marks."""
    if isinstance(tree, dict):
        # `drop_not_null` writes plain names bare: whether one is delimited is no part of the slot
        left_out = {"length", "delimited"} if "delimited" in tree else {"length"}
        return {key: _filled(value, slots) for key, value in tree.items() if key not in left_out}
    if isinstance(tree, list):
        return [_filled(item, slots) for item in tree]
    return slots.replace(tree) if isinstance(tree, str) else tree


def test_there_are_cases() -> None:
    assert len(CASES) >= 43
    assert set(CASES) >= NEEDS_NEWER


@pytest.mark.parametrize("case", CASES)
class TestEveryBuilder:
    def test_each_hostile_value_everywhere(
        self, case: str, parsers: dict[int, TrinoParser]
    ) -> None:
        able = [484] if case in NEEDS_NEWER else [476, 484]
        for parser in [parsers[version] for version in able]:
            plain = parser.statement(render(CASES[case](MARKS), version=parser.version))
            for hostile in HOSTILE:
                names = (hostile, *(f"{hostile}{number}" for number in range(1, NAMES)))
                slots = Slots(names, (hostile,) * TEXTS)
                for pretty in (False, True):
                    sql = render(CASES[case](slots), pretty=pretty)
                    assert _filled(parser.statement(sql), MARKS) == _filled(plain, slots)

    @settings(
        deadline=None,
        max_examples=40,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(slots=FILLED)
    def test_only_the_slots_change(self, case: str, newest: TrinoParser, slots: Slots) -> None:
        plain = newest.statement(render(CASES[case](MARKS)))
        found = newest.statement(render(CASES[case](slots)))
        assert _filled(found, MARKS) == _filled(plain, slots)


@pytest.mark.parametrize("case", sorted(NEEDS_NEWER))
def test_what_the_oldest_lacks_is_refused(case: str, oldest: TrinoParser) -> None:
    tree = CASES[case](MARKS)
    assert not oldest.accepts(render(tree))
    with pytest.raises(PhloSqlError) as refusal:
        render(tree, version=476)
    assert refusal.value.code is Code.UNSUPPORTED_VERSION
