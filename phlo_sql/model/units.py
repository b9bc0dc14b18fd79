"""Sizes and durations, read as people write them and written as Trino reads them.

Trino's `DataSize` counts in powers of 1024 whatever the unit is called (airlift `DataSize.Unit`),
so `128MB` and `128MiB` are the same number here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from phlo_sql.errors import Code, PhloSqlError

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(i?b)?\s*\Z", re.IGNORECASE)
_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)\s*\Z", re.IGNORECASE)
_SECONDS = {
    unit: Decimal(seconds)
    for unit, seconds in (
        ("ms", "0.001"),
        ("s", "1"),
        ("m", "60"),
        ("h", "3600"),
        ("d", "86400"),
        ("w", "604800"),
    )
}


def parse_size(text: str) -> int:
    """`128MB`, `1.5GB`, `512KiB` or `1048576B` in bytes. Raises PhloSqlError(BAD_SIZE)."""
    match = _SIZE.match(text)
    if match is None or not (match[2] or match[3]):
        raise PhloSqlError(
            Code.BAD_SIZE, f"{text!r} is not a size", "write a number and a unit: 128MB, 1.5GB"
        )
    power = "kmgtp".index(match[2].lower()) + 1 if match[2] else 0
    size = int(Decimal(match[1]) * 1024**power)
    if size <= 0 or size >= 2**63:
        raise PhloSqlError(
            Code.BAD_SIZE, f"size {text!r} is out of range", "write a size between 1B and 8191PB"
        )
    return size


def trino_size(size: int) -> str:
    """Bytes in the largest unit that is exact, so that Trino reads back the same number."""
    power = 0
    while power < len(_SIZE_UNITS) - 1 and size and size % 1024 == 0:
        size, power = size // 1024, power + 1
    return f"{size}{_SIZE_UNITS[power]}"


def human_size(size: float) -> str:
    """Bytes for people, three digits: `366 MB`."""
    power = 0
    while power < len(_SIZE_UNITS) - 1 and size >= 1024:
        size, power = size / 1024, power + 1
    digits = 0 if power == 0 or size >= 100 else 1
    return f"{size:.{digits}f} {_SIZE_UNITS[power]}"


def parse_duration(text: str) -> timedelta:
    """`7d`, `36h`, `30m` or `45s`. Raises PhloSqlError(BAD_DURATION)."""
    match = _DURATION.match(text)
    if match is None:
        raise PhloSqlError(
            Code.BAD_DURATION, f"{text!r} is not a duration", "write a number and a unit: 7d, 36h"
        )
    seconds = Decimal(match[1]) * _SECONDS[match[2].lower()]
    if seconds > 86400 * 36500:
        raise PhloSqlError(
            Code.BAD_DURATION, f"duration {text!r} is over 100 years", "write a shorter one: 7d"
        )
    return timedelta(microseconds=int(seconds * 1_000_000))


def trino_duration(duration: timedelta) -> str:
    """A duration in the largest of Trino's units that is exact: `7d`, `36h`, `1500ms`."""
    micros = duration // timedelta(microseconds=1)
    for unit, size in (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000)):
        if micros and micros % size == 0:
            return f"{micros // size}{unit}"
    if micros % 1_000_000 == 0:
        return f"{micros // 1_000_000}s"
    return f"{micros // 1000}ms"


@dataclass(frozen=True, slots=True)
class Range:
    """A predicted quantity that is known only within bounds, both included."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low}..{self.high}" if self.low != self.high else str(self.low)


def between(low: int, high: int) -> int | Range:
    """A range, or the number itself where both ends are the same."""
    return low if low == high else Range(low, high)
