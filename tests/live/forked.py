"""phlo-sql in a process of its own, forked from one that has imported everything once.

Imports are most of what a short command costs, and live tests start it a thousand times. A fork has
the environment, folder, streams, exit code and signals of a process that was started anew; what a
start from nothing does is held by `test_refused_by_server`, `test_stack` and the package's tests.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADED = (
    "phlo_sql.access.guard",
    "phlo_sql.access.store",
    "phlo_sql.cli.applying",
    "phlo_sql.cli.change",
    "phlo_sql.cli.root",
    "phlo_sql.cli.run",
    "phlo_sql.flow",
    "datafusion",
    "fastavro",
    "pyiceberg.catalog.rest",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "trino.dbapi",
)
_STREAMS = 3
_LONGEST = 1 << 20


class _Server:
    """The process that is forked; one for each worker, made when it is first asked."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.forked", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=Path(__file__).parent.parent.parent,
        )
        theirs.close()
        self.asking = ours
        self.lock = threading.Lock()
        atexit.register(self.stop)

    def stop(self) -> None:
        self.asking.close()
        self.process.wait(60)

    def start(self, request: Mapping[str, object], streams: list[int]) -> socket.socket:
        """What tells the process's id, and its exit code when it ends."""
        ours, theirs = socket.socketpair()
        with theirs, self.lock:
            socket.send_fds(
                self.asking, [json.dumps(request).encode()], [*streams, theirs.fileno()]
            )
        return ours


_made: list[_Server] = []
_making = threading.Lock()


def run(
    words: list[str],
    *,
    env: Mapping[str, str],
    text: str | None = None,
    cwd: Path | None = None,
    timeout: float = 300,
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` of phlo-sql with captured text.

    Raises subprocess.TimeoutExpired; the process is killed then.
    """
    with _making:
        if not _made:
            _made.append(_Server())
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as given,
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as error,
    ):
        given.write(text or "")
        given.seek(0)
        request = {"words": words, "env": dict(env), "cwd": str(cwd or Path.cwd())}
        streams = [each.fileno() for each in (given, out, error)]
        with _made[0].start(request, streams) as answers, answers.makefile("r") as lines:
            answers.settimeout(timeout)
            process = int(lines.readline())
            try:
                code = int(lines.readline())
            except TimeoutError:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(words, timeout) from None
        out.seek(0)
        error.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), error.read())


def _serve(asked: socket.socket) -> None:
    for name in _LOADED:
        __import__(name)
    while True:
        body, fds, _flags, _address = socket.recv_fds(asked, _LONGEST, _STREAMS + 1)
        if not body:
            return
        if os.fork() == 0:
            _attend(json.loads(body), fds)
        for each in fds:
            os.close(each)
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _attend(request: Mapping[str, object], fds: list[int]) -> NoReturn:
    """In a fork of its own: the program in another one, whose end is told."""
    answer = fds[_STREAMS]
    process = os.fork()
    if process == 0:
        os.close(answer)
        _become(request, fds)
    os.write(answer, b"%d\n" % process)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    try:
        os.write(answer, b"%d\n" % code)
    finally:
        os._exit(0)


def _become(request: Mapping[str, object], fds: list[int]) -> NoReturn:
    import pyiceberg.catalog
    from pyiceberg.utils.config import Config

    from phlo_sql.cli import main

    for number, each in enumerate(fds[:_STREAMS]):
        os.dup2(each, number)
    os.closerange(_STREAMS, max(fds) + 1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]  # it was JSON
    os.chdir(str(request["cwd"]))
    pyiceberg.catalog._ENV_CONFIG = Config()  # read at import, of another environment
    code = 1
    try:
        main(request["words"])  # type: ignore[arg-type]  # it was JSON
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
