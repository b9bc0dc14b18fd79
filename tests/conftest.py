"""Options that every test folder shares."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

if threading.current_thread() is threading.main_thread():
    # A shell ignores SIGINT for what it starts in the background, and children inherit that: tests
    # of Ctrl-C would wait for ever.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write golden files anew")
