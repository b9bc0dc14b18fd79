"""A stack of one's own for one run: started, lent and removed again, however the run ends."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.telling import doing
from phlo_sql import TESTED_TRINO_VERSIONS
from phlo_sql.cli.output import fail
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import StackRequest, down, up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import IO

    from rich.console import Console

PHLO_SQL = str(Path(sys.executable).with_name("phlo-sql"))
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OTHERS = ("TRINO_", "ICEBERG_", "PYICEBERG_", "NESSIE_", "POSTGRES_", "PHLO", "AWS_")
"""Settings of another stack must not lead a run away from its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """A running stack: what clients need to find it, and a folder for what a run writes."""

    env: Mapping[str, str]
    folder: Path

    def phlo_sql(self, *words: str, output: IO[bytes] | None = None) -> int:
        """Run phlo-sql on this stack; its exit code."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(_OTHERS)}
        env = {**own, **self.env, "XDG_STATE_HOME": str(self.folder / "state")}
        child = subprocess.Popen(
            [PHLO_SQL, *words], env=env, cwd=self.folder, stdout=output, stderr=output
        )
        try:
            return child.wait()
        except KeyboardInterrupt:
            _leave(child)
            raise


@contextmanager
def lent(
    name: str,
    out: Console,
    trino: int = max(TESTED_TRINO_VERSIONS),
    services: frozenset[str] = frozenset(),
) -> Iterator[Lent]:
    """Start a stack by this name, and remove it with its data at the end.

    Raises PhloSqlError: a stack that somebody else started by this name is left alone.
    """
    home = StackRequest(name=name).home
    with _claimed(name, home), tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
        if home.exists():
            with doing(out, "removing what a killed run left"):
                _remove(name, home)
        try:
            with doing(out, "starting Trino and PostgreSQL") as say:
                running = up(StackRequest(name=name, trino=trino, services=services, progress=say))
        except BaseException:
            with _unhurried():
                _remove(name, home)
            raise
        try:
            yield Lent(env=running.env, folder=Path(folder))
        finally:
            with _unhurried(), doing(out, "stopping what was started, removing its data"):
                _remove(name, home)


def exit_code(run: Callable[[], int]) -> int:
    """Run to the end; an error is told in two lines, being stopped in one."""
    for number in _ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish
            signal.signal(number, _interrupt)
    try:
        return run()
    except PhloSqlError as error:
        return fail(error, as_json=False)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130


def _remove(name: str, home: Path) -> None:
    down(StackRequest(name=name), purge=True)
    with suppress(OSError):
        home.rmdir()  # empty where the start had not come far enough to be purged
    home.with_name(f"{name}.lock").unlink(missing_ok=True)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _leave(child: subprocess.Popen[bytes]) -> None:
    """A terminal's Ctrl-C reached the child too, and it cancels its query; others reach it here."""
    for number, patience in ((None, 3), (signal.SIGINT, 20), (signal.SIGKILL, 5)):
        if number is not None:
            child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(patience)
            return


@contextmanager
def _unhurried() -> Iterator[None]:
    """Nothing ends the run while it cleans up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _claimed(name: str, home: Path) -> Iterator[None]:
    """A file beside the stack tells that it is a run's own, also after a run was killed."""
    mark = home.with_name(f"{name}.benchmark")
    if home.exists() and not mark.exists():
        raise PhloSqlError(
            Code.STACK_FAILED,
            f"there is a stack named {name} already, and no benchmark made it",
            f"remove it with `phlo-sql stack down --name {name} --purge` if nobody needs it",
        )
    mark.parent.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            problem, hint = f"stack {name} is in use by another run", "wait until that has ended"
            raise PhloSqlError(Code.STACK_FAILED, problem, hint) from error
        try:
            yield
        finally:
            if not home.exists():
                mark.unlink(missing_ok=True)
