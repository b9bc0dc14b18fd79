"""Completion, asked in the three shells themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
TYPED = [
    ("table opt", "optimize"),
    ("runbook und", "undo"),
    ("table optimize --targ", "--target-file-size"),
]
BASH = """\
source <(phlo-sql completion bash)
for line in "$@"; do
  COMP_WORDS=(phlo-sql $line) COMP_CWORD=${#COMP_WORDS[@]}
  ((COMP_CWORD--))
  COMPREPLY=()
  _phlo_sql_completion phlo-sql
  echo "${COMPREPLY[*]}"
done
"""
FISH = """\
phlo-sql completion fish | source
for line in $argv
  complete --do-complete "phlo-sql $line" | string split --fields 1 \\t | string join " "
end
"""
ZSH = """\
PS1= RPS1=; unset zle_bracketed_paste; autoload -U compinit; compinit -u -D
source <(phlo-sql completion zsh)
show() { print -r -- "<$BUFFER>"; BUFFER= }
zle -N show; bindkey '^X' show; bindkey '^I' complete-word; print -r -- "rea"dy
"""


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None and not os.environ.get("PHLO_SQL_REQUIRE_STACK"):
        pytest.skip(f"{name} is not installed")
    assert found, f"needed: apt-get install {name}"
    return found


def environment(home: Path) -> dict[str, str]:
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}


@pytest.mark.parametrize(("name", "script"), [("bash", BASH), ("fish", FISH)])
def test_words_are_completed(name: str, script: str, tmp_path: Path) -> None:
    lines = [line for line, _ in TYPED]
    words = [shell(name), "-c", script, *(["bash"] if name == "bash" else []), *lines]
    ran = subprocess.run(
        words, capture_output=True, text=True, env=environment(tmp_path), timeout=60, check=False
    )
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [word for _, word in TYPED]


def test_zsh_completes_at_the_tab_key(tmp_path: Path) -> None:
    """zsh completes in its line editor only, which needs a terminal."""
    here, there = pty.openpty()
    started = subprocess.Popen(
        [shell("zsh"), "-f", "-i"],
        stdin=there,
        stdout=there,
        stderr=there,
        env=environment(tmp_path),
        start_new_session=True,
    )
    os.close(there)
    try:
        os.write(here, ZSH.encode())
        until(here, "ready")
        for line, word in TYPED:
            os.write(here, f"phlo-sql {line}\t\x18".encode())
            done = until(here, r"<(phlo-sql [^<>]*)>")
            assert done.split() == ["phlo-sql", *line.split()[:-1], word]
    finally:
        os.close(here)
        started.kill()
        started.wait()


def until(terminal: int, pattern: str) -> str:
    """What the terminal shows, up to that pattern; its first group."""
    seen, end = "", time.monotonic() + 60
    while (found := re.search(pattern, seen)) is None:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, f"zsh shows no {pattern}: {seen!r}"
        seen += os.read(terminal, 65536).decode()
    return found.group(found.re.groups)


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_shell_accepts_its_script(name: str, tmp_path: Path) -> None:
    script = subprocess.run(
        [str(PROGRAMS / "phlo-sql"), "completion", name],
        capture_output=True,
        env=environment(tmp_path),
        check=True,
    ).stdout
    checked = subprocess.run(
        [shell(name), "-n", "/dev/stdin"], input=script, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
