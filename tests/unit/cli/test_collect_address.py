"""Which addresses the collector takes for its own machine's."""

from __future__ import annotations

import pytest

from phlo_sql.cli.access_collect import is_loopback


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens there
        ("::", False),
        ("10.0.0.7", False),
        ("collector.example.org", False),
        ("", False),
    ],
)
def test_loopback(host: str, *, own: bool) -> None:
    assert is_loopback(host) is own
