"""How long a rewriting will take, from what is recorded."""

from __future__ import annotations

import pytest

from phlo_sql.compile.optimize_warnings import Pace, duration

MB = 1024**2


def test_a_start_and_a_time_per_byte() -> None:
    pace = Pace(samples=((100 * MB, 12.0), (200 * MB, 22.0), (300 * MB, 32.0)))
    assert pace.seconds(1000 * MB) == 102


def test_one_operation_tells_a_rate() -> None:
    assert Pace(samples=((100 * MB, 10.0),)).seconds(300 * MB) == 30


def test_what_is_far_larger_than_anything_recorded_is_not_guessed() -> None:
    assert Pace(samples=((10_000, 1.0),)).seconds(100 * MB) is None


def test_small_operations_do_not_make_large_ones_slow() -> None:
    pace = Pace(samples=((1000, 1.0), (2000, 1.0), (500 * MB, 20.0)))
    assert pace.seconds(500 * MB) == pytest.approx(20, abs=2)


def test_never_faster_than_nothing() -> None:
    assert Pace(samples=((100, 9.0), (200, 1.0))).seconds(200) >= 1  # type: ignore[operator]


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (600, "10 min"), (12_000, "3 h 20 min")]
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
