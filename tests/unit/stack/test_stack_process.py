"""Processes: found again, never confused, stopped with all they started. Real ones, tiny."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from phlo_sql.stack import process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A parent that ignores SIGTERM, with a child in a session of its own: as hard as it gets.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
    start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def eventually(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestStartAndStop:
    def test_what_was_started_is_alive_until_stopped(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        pid, born = process.start(["sleep", "600"], log=log, cwd=tmp_path)
        assert process.alive(pid, born)
        assert os.getsid(pid) == pid
        process.stop(pid, born, signals=(signal.SIGTERM,), grace=10)
        assert not process.alive(pid, born)
        process.stop(pid, born, signals=(signal.SIGTERM,), grace=10)

    def test_children_in_other_sessions_go_too(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        pid, born = process.start([sys.executable, "-c", STUBBORN], log=log, cwd=tmp_path)
        eventually(lambda: log.read_text().strip())
        child = int(log.read_text())
        child_born = process.birth(child)
        assert child_born
        process.stop(pid, born, signals=(signal.SIGTERM,), grace=0.3)
        assert not process.alive(pid, born)
        assert not process.alive(child, child_born)

    def test_a_process_that_ended_by_itself_is_not_alive(self, tmp_path: Path) -> None:
        pid, born = process.start(["true"], log=tmp_path / "log", cwd=tmp_path)
        eventually(lambda: not process.alive(pid, born))
        assert process.birth(pid) is None

    def test_another_process_with_the_same_number_is_let_alone(self, tmp_path: Path) -> None:
        pid, born = process.start(["sleep", "600"], log=tmp_path / "log", cwd=tmp_path)
        stale = f"{born}0"
        assert not process.alive(pid, stale)
        process.stop(pid, stale, signals=(signal.SIGTERM,), grace=0.1)
        assert process.alive(pid, born)
        process.stop(pid, born, signals=(signal.SIGTERM,), grace=10)

    def test_it_outlives_the_program_that_started_it(self, tmp_path: Path) -> None:
        program = (
            "import sys; from pathlib import Path; from phlo_sql.stack import process; "
            "here = Path(sys.argv[1]); "
            "print(*process.start(['sleep', '600'], log=here / 'log', cwd=here))"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, tmp_path],
            capture_output=True,
            text=True,
            check=True,
        )
        pid, born = done.stdout.split()
        assert done.stderr == ""
        assert process.alive(int(pid), born)
        process.stop(int(pid), born, signals=(signal.SIGTERM,), grace=10)
        assert not process.alive(int(pid), born)


class TestTellingLine:
    @pytest.mark.parametrize(
        ("log", "line"),
        [
            (
                (
                    "INFO start\n\x1b[31mERROR main\x1b[0m boom\nErrors:\n\n"
                    "1) Configuration property 'x' was not used\n\n1 error\n"
                ),
                "1) Configuration property 'x' was not used",
            ),
            (
                "LOG: hello\nFATAL: could not create lock file\nLOG: shut down\n",
                "FATAL: could not create lock file",
            ),
            ("a\nlisten tcp :1: bind: address already in use\nb\n", None),
            ("first\nlast\n\n", "last"),
            ("", "it wrote nothing to its log"),
        ],
    )
    def test_the_reason_is_found(self, tmp_path: Path, log: str, line: str | None) -> None:
        path = tmp_path / "log"
        path.write_text(log)
        assert process.telling_line(path) == (line or "listen tcp :1: bind: address already in use")

    def test_no_log_at_all(self, tmp_path: Path) -> None:
        assert process.telling_line(tmp_path / "log") == "it wrote no log"
