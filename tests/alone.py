"""One test at a time: of all workers and all runs, for they share their servers."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phlo_sql.stack.info import data_home

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD: set[str] = set()


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Nobody else has `name` meanwhile; who has it already may ask again."""
    if name in _HELD:
        yield
        return
    path = data_home() / "phlo-sql" / "tests" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _HELD.add(name)
        try:
            yield
        finally:
            _HELD.discard(name)
