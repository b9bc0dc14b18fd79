"""Progress over many tables at once: tables, partitions, bytes, the rate and the remaining time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from phlo_sql.execute import Watch
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from phlo_sql.plan import Step

_PLAIN_EVERY = 2.0
"""Seconds between plain lines: a log should show life without being flooded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    tables: int = 0
    partitions: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            tables=self.tables + other.tables,
            partitions=self.partitions + other.partitions,
            bytes=self.bytes + other.bytes,
        )


def describe(done: Amount, total: Amount, seconds: float) -> str:
    """`tables 3 of 20 · partitions 120 of 400 · 12 GB of 40 GB · 85 MB/s · about 300 s left`."""
    parts = [
        f"tables {done.tables:,} of {total.tables:,}",
        f"partitions {done.partitions:,} of {total.partitions:,}",
        f"{human_size(done.bytes)} of {human_size(total.bytes)}",
    ]
    if done.bytes and seconds > 1:
        rate = done.bytes / seconds
        parts.append(f"{human_size(round(rate))}/s")
        if done.bytes < total.bytes:
            parts.append(f"about {(total.bytes - done.bytes) / rate:.0f} s left")
    return " · ".join(parts)


class Together:
    """Told by the threads of several tables; what a table has done of itself counts at once."""

    def __init__(self, total: Mapping[str, Amount], show: Callable[[Amount, float, str], None]):
        self._total, self._show = total, show
        self._done = {name: Amount() for name in total}
        self._lock = Lock()
        self._began = monotonic()

    def watch(self, table: str, steps: Mapping[int, Amount]) -> Watch:
        """A watch for one table's run; `steps`: what is done when a step has ended."""

        def finished(step: Step) -> None:
            if step.id in steps:
                self._told(table, self._done[table] + steps[step.id], "")

        return Watch(
            step_finished=finished,
            progress=lambda _progress: self._told(table, self._done[table], ""),
        )

    def ended(self, table: str, line: str) -> None:
        """All of it is done, or nothing more will be."""
        self._told(table, self._total[table], f"{table}: {line}")

    def _told(self, table: str, done: Amount, line: str) -> None:
        with self._lock:
            self._done[table] = done
            whole = sum(self._done.values(), Amount())
            self._show(whole, monotonic() - self._began, line)


@contextmanager
def together(total: Mapping[str, Amount], *, quiet: bool) -> Iterator[Together]:
    whole = sum(total.values(), Amount())
    if quiet:
        yield Together(total, lambda _done, _seconds, _line: None)
    elif sys.stderr.isatty():
        with _bar(whole) as show:
            yield Together(total, show)
    else:
        yield Together(total, _plain(whole))


def _plain(whole: Amount) -> Callable[[Amount, float, str], None]:
    last = 0.0

    def show(done: Amount, seconds: float, line: str) -> None:
        nonlocal last
        if line:
            sys.stderr.write(f"{line}\n")
        if line or monotonic() - last >= _PLAIN_EVERY:
            last = monotonic()
            sys.stderr.write(f"  {describe(done, whole, seconds)}\n")
            sys.stderr.flush()

    return show


@contextmanager
def _bar(whole: Amount) -> Iterator[Callable[[Amount, float, str], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (rich.BarColumn(), rich.TextColumn("{task.description}", markup=False))
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=max(1, whole.bytes))

        def show(done: Amount, seconds: float, line: str) -> None:
            if line:
                bar.console.print(line, markup=False, highlight=False)
            bar.update(task, completed=done.bytes, description=describe(done, whole, seconds))

        yield show
