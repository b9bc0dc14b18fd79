"""The program in a process of its own that dies at a chosen event, as a machine would take it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

_DYING = """
import os, signal, sys
from phlo_sql.audit.journal import Journal

event, left, write = sys.argv[1], int(sys.argv[2]), Journal.write

def dying(journal, name, **facts):
    global left
    write(journal, name, **facts)
    left -= name == event
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.write = dying
from phlo_sql.cli import main
sys.argv = ["phlo-sql", *sys.argv[3:]]
main()
"""
"""No statement runs after the event was recorded: the order is certain."""


def killed(stack: Clients, state: Path, event: str, count: int, *words: str) -> None:
    """Run phlo-sql until its journal has so many events of this name, then SIGKILL."""
    ran = subprocess.run(
        [sys.executable, "-c", _DYING, event, str(count), *words, "--yes", "--quiet"],
        env={**stack.subprocess_env, "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == -signal.SIGKILL, ran.stdout + ran.stderr


def events(state: Path) -> list[dict[str, Any]]:
    """The journal under this XDG_STATE_HOME."""
    lines = (state / "phlo-sql" / "operations.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
