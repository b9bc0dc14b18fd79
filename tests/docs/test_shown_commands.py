"""Every command that README and docs show, with its output, does print that.

`shown.py` says how a page shows them. Blocks of one page run in order, on a table `sales.orders` of
twelve small files that no other test touches. Pages that show phlo are run in `tests/phlo/`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from phlo_sql.stack.clients import Clients

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("shown")]
PROGRAMS = Path(sys.executable).parent
PAGES = [page for page in shown.pages() if not shown.of_phlo(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(
    page: Path,
    stack: Clients,
    orders: Callable[[str, int], None],
    policies: Mapping[str, str],
    tmp_path: Path,
) -> None:
    orders("iceberg", 12)
    if "nessie.sales.orders" in page.read_text():
        orders("nessie", 3)
    env = {**stack.subprocess_env, **policies, "XDG_STATE_HOME": str(tmp_path)}
    env["PATH"] = f"{PROGRAMS}{os.pathsep}{env['PATH']}"
    for name, text in shown.files(page).items():
        (tmp_path / name).write_text(text)
    for line, expected in shown.commands(page):
        ran = shown.run(line, cwd=tmp_path, env=env)
        assert shown.holds(expected, ran), f"$ {line}\n{ran.stdout}[{ran.returncode}]"


def test_there_are_pages() -> None:
    assert shown.ROOT / "README.md" in PAGES


@pytest.mark.parametrize(
    ("text", "printed", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd\n", True),
        ("a … c", "a b c\n", True),
        ("a\nb", "a\nc\n", False),
        ("a", "a\nb\n", False),
        ("a  b", "a      b\n", True),
        ("a  b", "a b\n", False),
    ],
)
def test_what_counts_as_the_same(text: str, printed: str, *, same: bool) -> None:
    assert shown.matches(text, printed) is same
