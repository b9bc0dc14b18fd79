"""Moments as people write them: `2h ago`, `yesterday`, `2026-11-01`, `2026-11-01T10:00+01:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from phlo_sql.errors import Code, PhloSqlError

_UNITS = {
    "s": 1, "sec": 1, "second": 1,
    "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600,
    "d": 86400, "day": 86400,
    "w": 604800, "week": 604800,
}  # fmt: skip
_AGO = re.compile(r"((?:\d+(?:\.\d+)?\s*[a-z]+\s*)+?)\s*ago\Z|((?:\d+(?:\.\d+)?[a-z]+)+)\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def parse_moment(text: str, now: datetime) -> datetime:
    """A moment in UTC. A day is its first moment in UTC, and what has no zone is in UTC.

    Raises PhloSqlError(INVALID_ARGUMENTS).
    """
    word = " ".join(text.lower().split())
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    known = {"now": now, "today": today, "yesterday": today - timedelta(days=1)}
    if word in known:
        return known[word]
    try:
        if found := _AGO.match(word):
            return now - sum(map(_length, _PART.findall(found[1] or found[2])), timedelta())
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, KeyError, OverflowError) as error:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"{text!r} is no moment in time",
            "write it as 2h ago, yesterday, 2026-11-01 or 2026-11-01T10:00:00+01:00",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _length(part: tuple[str, str]) -> timedelta:
    number, unit = part
    name = unit if unit in _UNITS else unit.removesuffix("s")
    return timedelta(seconds=float(number) * _UNITS[name])
