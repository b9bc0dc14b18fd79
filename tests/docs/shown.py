"""What pages show: commands in blocks ```` ```console ````, with what they print.

A block holds `$ …` lines, each followed by what it prints, both streams. `…` stands for any text,
alone on a line for any lines. Two spaces between columns stand for any width: it is the values'.
A command fails only where its `error[…]` is shown.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SAYS_ERROR = re.compile(r"^error", re.MULTILINE)
_GAP = re.compile(r"(?<=\S) {2,}(?=\S)")
_FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """README and every page of the documentation that shows commands."""
    every = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    return [page for page in every if commands(page)]


def of_phlo(page: Path) -> bool:
    """Whether it shows phlo's own command line, which other environments run."""
    return any(line.startswith("phlo ") for line, _ in commands(page))


def commands(page: Path) -> list[tuple[str, str]]:
    """(command, what it prints), in the page's order."""
    found = []
    for block in _BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append((line, shown))
    return found


def files(page: Path) -> dict[str, str]:
    """Files that the page tells the reader to write, by name."""
    return dict(_FILE.findall(page.read_text()))


def run(line: str, *, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """As somebody pastes it into a shell."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=cwd,
        env={**env, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def holds(expected: str, ran: subprocess.CompletedProcess[str]) -> bool:
    """Whether it ended and printed as the page shows."""
    fails = _SAYS_ERROR.search(expected) is not None
    return matches(expected, ran.stdout) and (ran.returncode != 0) is fails


def matches(shown: str, printed: str) -> bool:
    wanted = [_GAP.sub("  ", line.rstrip()) for line in shown.strip().splitlines()]
    parts = [
        r"(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", r"[^\n]*") + r" *\n"
        for line in wanted
    ]
    found = _GAP.sub("  ", printed.strip()) + "\n"
    return re.fullmatch("".join(parts) + r"\s*", found) is not None
