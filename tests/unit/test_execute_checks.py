"""Answers before and after: what is told where partitions differ."""

from __future__ import annotations

from phlo_sql.execute.steps import answer_of, compared
from phlo_sql.verify import failures

BEFORE = "day=2026-01-01 | 5\nday=2026-01-02 | 7\nday=2026-01-03 | 9"
AFTER = "day=2026-01-01 | 5\nday=2026-01-02 | 6\nday=2026-01-03 | 9"


def test_the_partition_that_differs_is_named() -> None:
    found = compared("rows", 2, BEFORE, AFTER)
    assert not found.ok
    assert failures([found], ()) == [
        "check rows of step 2: expected day=2026-01-02 | 7, found day=2026-01-02 | 6"
    ]


def test_a_partition_that_is_gone() -> None:
    found = compared("rows", 1, BEFORE, BEFORE.rsplit("\n", 1)[0])
    assert (found.expected, found.actual) == ("day=2026-01-03 | 9", "no such partition")


def test_what_agrees_is_short() -> None:
    many = "\n".join(f"day={number} | 1" for number in range(5000))
    found = compared("content", 1, many, many)
    assert found.ok
    assert found.actual.startswith("5,000 lines alike, ")


def test_many_differences_are_cut() -> None:
    left, right = ("\n".join(f"p={n} | {count}" for n in range(100)) for count in (1, 2))
    assert compared("rows", 1, left, right).expected.endswith("and 80 more")


def test_bytes_are_readable() -> None:
    assert answer_of([["p=1", 3, b"\x00\xff"]]) == "p=1 | 3 | 00ff"
