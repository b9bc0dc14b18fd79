"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phlo_sql.audit.moments import parse_moment
from phlo_sql.errors import Code, PhloSqlError

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("now", "2026-03-01T12:30:00+00:00"),
        ("today", "2026-03-01T00:00:00+00:00"),
        ("Yesterday", "2026-02-28T00:00:00+00:00"),
        ("2h ago", "2026-03-01T10:30:00+00:00"),
        ("2 hours  ago", "2026-03-01T10:30:00+00:00"),
        ("1d 12h ago", "2026-02-28T00:30:00+00:00"),
        ("90m", "2026-03-01T11:00:00+00:00"),
        ("1.5h ago", "2026-03-01T11:00:00+00:00"),
        ("2 weeks ago", "2026-02-15T12:30:00+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("2026-01-02 03:04", "2026-01-02T03:04:00+00:00"),
        ("2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05+01:00"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
    ],
)
def test_moments(text: str, found: str) -> None:
    assert parse_moment(text, NOW).isoformat() == found


@pytest.mark.parametrize(
    "text", ["", "soon", "3 ago", "2 parsecs ago", "2026-13-01", "9" * 30 + "w"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(PhloSqlError) as caught:
        parse_moment(text, NOW)
    assert caught.value.code is Code.INVALID_ARGUMENTS
