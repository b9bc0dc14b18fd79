"""Independent steps: several at once, tried again after a conflict, none undone by another."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from tenacity import (
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    wait_random_exponential,
)

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute.steps import Run, Session, StepFailure, StepOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from phlo_sql.plan import Step

_ATTEMPTS = 8
_LONGEST_WAIT = 20.0
"""Seconds. A writer that commits every second leaves a gap between two of its commits."""


class Hand(Session, Protocol):
    """A session that can be stopped from another thread."""

    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How independent steps run.

    `open` gives a session for each of `size` steps that run at once. `again` plans a step anew on
    the table as it is now, None where nothing is left to do for it.
    """

    size: int = 1
    open: Callable[[], AbstractContextManager[Hand]] | None = None
    again: Callable[[Step], Step | None] | None = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """What became of each step; those in neither list were not begun, or had nothing to do."""

    steps: Sequence[Step]
    settings: Sequence[Step]
    """Session properties set so far: every session of the crew has them too."""
    run: Run
    crew: Crew
    done: list[tuple[Step, StepOutcome]] = field(default_factory=list)
    failed: list[StepFailure] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    """Steps for which nothing was left to do when they were planned again."""
    _stop: threading.Event = field(default_factory=threading.Event)

    def work(self, session: Session) -> None:
        """Run all steps. Raises PhloSqlError(INTERRUPTED) when stopped, and whatever makes going
        on senseless; other failures stand in `failed`."""
        left: SimpleQueue[Step] = SimpleQueue()
        for step in self.steps:
            left.put(step)
        size = min(self.crew.size, len(self.steps))
        if size < 2 or self.crew.open is None:
            self._hand(session, left)
            return
        with ExitStack() as stack:
            hands = [stack.enter_context(self.crew.open()) for _ in range(size)]
            for hand in hands:
                for setting in self.settings:
                    hand.run(setting.statement)
            self._together(hands, left)

    def _together(self, hands: Sequence[Hand], left: SimpleQueue[Step]) -> None:
        with ThreadPoolExecutor(max_workers=len(hands), thread_name_prefix="slice") as pool:
            waiting = {pool.submit(self._hand, hand, left) for hand in hands}
            try:
                while waiting:
                    ended, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                    for each in ended:
                        each.result()
            except BaseException as error:
                self._stop.set()
                for hand in hands:
                    hand.cancel()
                if isinstance(error, KeyboardInterrupt):
                    raise PhloSqlError(
                        Code.INTERRUPTED,
                        "the queries were cancelled on the server",
                        "run it again; what was committed stays",
                    ) from None
                raise

    def _hand(self, session: Session, left: SimpleQueue[Step]) -> None:
        """Take one step after the other until none is left."""
        while not self._stop.is_set():
            try:
                step = left.get_nowait()
            except Empty:
                return
            self.run.watch.step_started(step)
            try:
                self._tried(step, session)
            except PhloSqlError as error:
                if error.code in _ENDING:
                    raise
                self.failed.append(StepFailure(step=step, error=error))
                self.run.watch.note(f"step {step.id} failed: {error.problem}")
            self.run.watch.batch(
                len(self.done) + len(self.failed) + len(self.gone), len(self.steps)
            )

    def _tried(self, step: Step, session: Session) -> None:
        retrying = Retrying(
            retry=retry_if_exception(_is_conflict),
            stop=stop_after_attempt(_ATTEMPTS if self.crew.again else 1),
            wait=wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT),
            sleep=sleep_using_event(self._stop),
            reraise=True,
        )
        asked = step.predicts
        for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number > 1 and self.crew.again is not None:
                    found = self._again(step, self.crew.again)
                    if found is None:
                        self.gone.append(step.id)
                        return
                    step = found
                outcome = self.run.step(step, session)
                if step.predicts != asked:
                    outcome = replace(outcome, replanned=step.predicts)
                self.done.append((step, outcome))

    def _again(self, step: Step, plan: Callable[[Step], Step | None]) -> Step | None:
        self.run.watch.note(f"step {step.id}: another writer committed first; planning it again")
        found = plan(step)
        self.run.journal.write("step planned again", step=step.id, needed=found is not None)
        return found


_ENDING = (Code.INTERRUPTED, Code.STALE_PLAN, Code.SERVER_DOWN, Code.NOT_AUTHENTICATED)
"""After these the next step would fare no better."""


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, PhloSqlError) and error.code is Code.CONFLICT
