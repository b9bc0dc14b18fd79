"""Options that every test folder shares."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.alone import alone

if TYPE_CHECKING:
    from collections.abc import Iterator

if threading.current_thread() is threading.main_thread():
    # A shell ignores SIGINT for what it starts in the background, and children inherit that: tests
    # of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files anew")


@pytest.fixture
def sales_alone() -> Iterator[None]:
    """One test at a time has the schema `iceberg.sales` that documents name."""
    with alone("sales"):
        yield
