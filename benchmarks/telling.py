"""What a long run says while it goes: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Say = Callable[[str], None]

_PLAIN_EVERY = 5.0
"""Seconds between plain lines: enough to see life in a log."""
_WORTH_A_LINE = 2.0


def console() -> Console:
    """Standard output, 100 columns wide where it is no terminal."""
    width = None if sys.stdout.isatty() else 100
    return Console(highlight=False, markup=False, width=width)


@contextmanager
def doing(out: Console, text: str) -> Iterator[Say]:
    """Tell what goes on and for how long; the value takes how far it is."""
    started = time.monotonic()
    with (_spinner if out.is_terminal else _lines)(out, text) as say:
        yield say
    out.print(f"{text}: {time.monotonic() - started:.0f} s", soft_wrap=True)


@contextmanager
def _spinner(out: Console, text: str) -> Iterator[Say]:
    columns = (SpinnerColumn("line"), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=out, transient=True) as progress, _ticking(0.5) as state:
        task = progress.add_task(text)

        def show(seconds: float) -> None:
            progress.update(task, description=_line(text, state.far, seconds))

        state.show = show
        yield state.say


@contextmanager
def _lines(out: Console, text: str) -> Iterator[Say]:
    with _ticking(_PLAIN_EVERY) as state:
        state.show = lambda seconds: out.print(_line(text, state.far, seconds), soft_wrap=True)
        yield state.say


def _line(text: str, far: str, seconds: float) -> str:
    return f"{text} … {seconds:.0f} s" + (f", {far}" if far else "")


class _State:
    def __init__(self) -> None:
        self.far = ""
        self.show: Callable[[float], None] = lambda _seconds: None

    def say(self, far: str) -> None:
        self.far = far


@contextmanager
def _ticking(every: float) -> Iterator[_State]:
    state, ended, started = _State(), threading.Event(), time.monotonic()

    def tick() -> None:
        wait = min(every, _WORTH_A_LINE)
        while not ended.wait(wait):
            state.show(time.monotonic() - started)
            wait = every

    ticker = threading.Thread(target=tick, name="telling", daemon=True)
    ticker.start()
    try:
        yield state
    finally:
        ended.set()
        ticker.join()
