"""Completion scripts of three shells, and what they are answered."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "phlo-sql"


def run(*words: str, **env: str) -> str:
    ran = subprocess.run(
        [str(PROGRAM), *words],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=True,
    )
    return ran.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_asks_this_program(shell: str) -> None:
    script = run("completion", shell)
    assert "_PHLO_SQL_COMPLETE" in script
    assert "phlo-sql" in script


def test_bash_accepts_its_script() -> None:
    script = run("completion", "bash")
    checked = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert checked.returncode == 0


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("phlo-sql ta", "table"),
        ("phlo-sql table opt", "optimize"),
        ("phlo-sql runbook ap", "apply"),
    ],
)
def test_words_are_completed(typed: str, expected: str) -> None:
    answer = run(
        _PHLO_SQL_COMPLETE="bash_complete",
        COMP_WORDS=typed,
        COMP_CWORD=str(typed.count(" ")),
    )
    assert f"plain,{expected}" in answer.splitlines()
