"""Every command that README and docs show, with its output, does print that.

A block ```` ```console ```` holds `$ phlo-sql …` lines, each followed by what it prints, both
streams. `…` stands for any text, alone on a line for any lines. Blocks of one page run in order, on
a table `sales.orders` of twelve small files that no other test touches.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trino.exceptions import TrinoExternalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("shown")]
ROOT = Path(__file__).parent.parent.parent
PROGRAM = Path(sys.executable).parent / "phlo-sql"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if _BLOCK.search(page.read_text())
]


@pytest.fixture
def orders(stack: Clients, sales_alone: None) -> Iterator[None]:
    """`iceberg.sales.orders`, twelve files of TPC-H's orders."""
    stack.rows("DROP SCHEMA IF EXISTS iceberg.sales CASCADE")
    try:
        stack.rows("CREATE SCHEMA iceberg.sales")
    except TrinoExternalError:  # a JDBC catalog's very first statements, on a busy machine
        time.sleep(3)
        stack.rows("CREATE SCHEMA IF NOT EXISTS iceberg.sales")
    stack.rows("CREATE TABLE iceberg.sales.orders AS SELECT * FROM tpch.tiny.orders WHERE false")
    for part in range(12):
        stack.rows(
            "INSERT INTO iceberg.sales.orders "
            f"SELECT * FROM tpch.tiny.orders WHERE orderkey % 12 = {part}"
        )
    yield
    stack.rows("DROP SCHEMA iceberg.sales CASCADE")


def commands(page: Path) -> list[tuple[str, str]]:
    """(command, what it prints), in the page's order."""
    found = []
    for block in _BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            found.append((line, shown))
    return found


def matches(shown: str, printed: str) -> bool:
    wanted = [line.rstrip() for line in shown.strip().splitlines()]
    parts = [
        r"(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", r"[^\n]*") + r" *\n"
        for line in wanted
    ]
    return re.fullmatch("".join(parts) + r"\s*", printed.strip() + "\n") is not None


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(page: Path, stack: Clients, tmp_path: Path) -> None:
    for line, shown in commands(page):
        words = shlex.split(line, comments=True)
        assert words[0] == "phlo-sql", line
        ran = subprocess.run(
            [str(PROGRAM), *words[1:]],
            cwd=tmp_path,
            env={**stack.subprocess_env, "XDG_STATE_HOME": str(tmp_path), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert matches(shown, ran.stdout), f"$ {line}\n{ran.stdout}"


def test_there_are_pages() -> None:
    assert ROOT / "README.md" in PAGES


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a … c", "a b c\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
    ],
)
def test_what_counts_as_the_same(shown: str, printed: str, *, same: bool) -> None:
    assert matches(shown, printed) is same
