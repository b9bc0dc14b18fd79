"""Sizes and durations: what Trino reads back is what was meant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import (
    Range,
    between,
    human_size,
    parse_duration,
    parse_size,
    trino_duration,
    trino_size,
)

MB = 1024**2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("128MB", 128 * MB),
        ("1.5GB", 1536 * MB),
        ("512KiB", 512 * 1024),
        ("1 gb", 1024 * MB),
        ("7B", 7),
        ("100m", 100 * MB),
    ],
)
def test_reads_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["12 parsecs", "128", "", "MB", "-1MB", "0MB", "99999999PB", "1e3MB"]
)
def test_refuses_sizes(text: str) -> None:
    with pytest.raises(PhloSqlError) as refused:
        parse_size(text)
    assert refused.value.code is Code.BAD_SIZE


@given(st.integers(min_value=1, max_value=2**62))
def test_a_size_survives_trinos_spelling(size: int) -> None:
    assert parse_size(trino_size(size)) == size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("7d", timedelta(days=7)),
        ("36h", timedelta(hours=36)),
        ("1.5m", timedelta(seconds=90)),
        ("250ms", timedelta(milliseconds=250)),
        ("2w", timedelta(days=14)),
        ("0s", timedelta(0)),
    ],
)
def test_reads_durations(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["7", "seven days", "7y", "", "-1d", "999999d"])
def test_refuses_durations(text: str) -> None:
    with pytest.raises(PhloSqlError) as refused:
        parse_duration(text)
    assert refused.value.code is Code.BAD_DURATION


@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_survives_trinos_spelling(millis: int) -> None:
    duration = timedelta(milliseconds=millis)
    assert parse_duration(trino_duration(duration)) == duration


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 kB"), (366 * MB, "366 MB")]
)
def test_writes_sizes_for_people(size: int, text: str) -> None:
    assert human_size(size) == text


def test_a_range_of_one_is_a_number() -> None:
    assert between(3, 3) == 3
    assert between(3, 4) == Range(3, 4)
    assert 4 in Range(3, 4)
    assert 5 not in Range(3, 4)
