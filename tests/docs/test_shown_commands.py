"""Every command that README and docs show, with its output, does print that.

`shown.py` says how a page shows them. Blocks of one page run in order, on a table `sales.orders` of
twelve small files that no other test touches. Pages that show phlo are run in `tests/phlo/`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from trino.exceptions import TrinoExternalError

from tests.docs import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("shown")]
PROGRAM = Path(sys.executable).parent / "phlo-sql"
PAGES = [page for page in shown.pages() if not shown.of_phlo(page)]


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


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(page: Path, stack: Clients, tmp_path: Path) -> None:
    for line, expected in shown.commands(page):
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
        assert shown.matches(expected, ran.stdout), f"$ {line}\n{ran.stdout}"


def test_there_are_pages() -> None:
    assert shown.ROOT / "README.md" in PAGES


@pytest.mark.parametrize(
    ("text", "printed", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a … c", "a b c\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
    ],
)
def test_what_counts_as_the_same(text: str, printed: str, *, same: bool) -> None:
    assert shown.matches(text, printed) is same
