"""Progress of a run: a bar on a terminal, plain lines elsewhere, on standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING

from phlo_sql.execute import Watch
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.observe.trino import Progress
    from phlo_sql.plan import Step

_PLAIN_EVERY = 2.0
"""Seconds between plain lines: a log should show life without being flooded."""
_WIDE = 70
"""Characters of a step's summary beside its bar."""


_INSTEAD: ContextVar[Watch | None] = ContextVar("phlo_sql_watch", default=None)


@contextmanager
def instead(watch: Watch) -> Iterator[None]:
    """What runs inside is shown by this watch: a run over many tables shows them together."""
    token = _INSTEAD.set(watch)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


@contextmanager
def watching(*, quiet: bool) -> Iterator[Watch]:
    """A watch for the executor that shows what it is told."""
    if (other := _INSTEAD.get()) is not None:
        yield other
    elif quiet:
        yield Watch()
    elif sys.stderr.isatty():
        with _bar() as watch:
            yield watch
    else:
        yield _plain()


def _plain() -> Watch:
    last = monotonic()

    def line(text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def progress(now: Progress) -> None:
        nonlocal last
        if monotonic() - last >= _PLAIN_EVERY:
            last = monotonic()
            line(f"  {describe(now)}")

    def started(step: Step) -> None:
        nonlocal last
        last = monotonic()
        line(f"step {step.id}: {step.summary}")

    def batch(done: int, steps: int) -> None:
        if steps > 1:
            line(f"{done} of {steps} slices")

    return Watch(
        step_started=started,
        progress=progress,
        note=line,
        batch=batch,
    )


def describe(now: Progress) -> str:
    """`37% · 74/199 splits · 120 MB read · 4 s · about 7 s left`."""
    parts = [f"{now.percent:.0f}%" if now.percent is not None else now.state.lower()]
    if now.total_splits:
        parts.append(f"{now.completed_splits}/{now.total_splits} splits")
    if now.bytes:
        parts.append(f"{human_size(now.bytes)} read")
    parts.append(f"{now.elapsed:.0f} s")
    if now.percent and now.elapsed > 1 and now.percent < 100:
        parts.append(f"about {now.elapsed * (100 - now.percent) / now.percent:.0f} s left")
    return " · ".join(parts)


@contextmanager
def _bar() -> Iterator[Watch]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.TextColumn("{task.fields[state]}", markup=False),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        current: list[rich.TaskID] = []
        slices: list[rich.TaskID] = []

        def started(step: Step) -> None:
            for task in current:
                bar.remove_task(task)
            text = f"step {step.id}: {step.summary}"
            current[:] = [bar.add_task(text[:_WIDE], total=100, state="")]

        def progress(now: Progress) -> None:
            for task in current:
                bar.update(task, completed=now.percent or 0, state=describe(now))

        def batch(done: int, steps: int) -> None:
            if steps < 2:
                return
            if not slices:
                slices.append(bar.add_task("slices", total=steps, state=""))
            bar.update(slices[0], completed=done, state=f"{done} of {steps}")

        yield Watch(step_started=started, progress=progress, note=bar.console.print, batch=batch)
