"""Imports what reading a table needs while a server is waited for: PyIceberg takes half a second.

Nobody else imports meanwhile: PyIceberg's packages import each other, and two threads in such a
circle would see halves of modules.
"""

from __future__ import annotations

import importlib
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = ("pyiceberg.utils.config", "pyiceberg.catalog", "pyarrow.compute", "datafusion")


@contextmanager
def importing() -> Iterator[None]:
    """Import beside what is done inside, which imports none of it; at the end all is there."""
    missing = [name for name in MODULES if name not in sys.modules]
    stopped = threading.Event()
    beside = threading.Thread(target=_import, args=(missing, stopped), name="imports")
    beside.start()
    try:
        yield
    except BaseException:
        stopped.set()
        raise
    finally:
        beside.join()


def _import(missing: list[str], stopped: threading.Event) -> None:
    for name in missing:
        if stopped.is_set():
            return
        with suppress(Exception):  # whoever needs it meets the fault again, and tells it
            importlib.import_module(name)
