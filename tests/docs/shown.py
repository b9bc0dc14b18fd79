"""What pages show: commands in blocks ```` ```console ````, with what they print.

A block holds `$ …` lines, each followed by what it prints, both streams. `…` stands for any text,
alone on a line for any lines.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


def matches(shown: str, printed: str) -> bool:
    wanted = [line.rstrip() for line in shown.strip().splitlines()]
    parts = [
        r"(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", r"[^\n]*") + r" *\n"
        for line in wanted
    ]
    return re.fullmatch("".join(parts) + r"\s*", printed.strip() + "\n") is not None
