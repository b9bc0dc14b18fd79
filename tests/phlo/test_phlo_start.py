"""phlo's quick start: a project of `phlo init` on the whole stack, as its page tells."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from phlo_sql.stack.info import data_home
from tests.docs import shown
from tests.docs.conftest import policies
from tests.phlo.conftest import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from phlo_sql.stack.clients import Clients
    from tests.phlo.conftest import Phlo

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("phlo")]
__all__ = ["policies"]
PAGES = [page for page in shown.pages() if shown.of_phlo(page)]


@pytest.fixture
def beginner(
    stack: Clients, policies: Mapping[str, str], tmp_path: Path
) -> Iterator[Mapping[str, str]]:
    """Somebody whose `stack up` finds the servers of these tests running, as their own."""
    stacks = tmp_path / "data" / "phlo-sql" / "stacks"
    stacks.mkdir(parents=True)
    running = data_home() / "phlo-sql" / "tests" / "483"
    if (running / "stack.json").exists():
        (stacks / "trino483").symlink_to(running)
    stack.rows("DROP SCHEMA IF EXISTS nessie.shop CASCADE")
    yield {"XDG_DATA_HOME": str(tmp_path / "data"), **policies}
    stack.rows("DROP SCHEMA IF EXISTS nessie.shop CASCADE")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_phlo_prints(
    phlo: Phlo, page: Path, beginner: Mapping[str, str], tmp_path: Path
) -> None:
    where = tmp_path
    env = environment(beginner, tmp_path)
    env["PATH"] = f"{phlo.home / 'bin'}{os.pathsep}{env['PATH']}"
    for line, expected in shown.commands(page):
        if line.startswith("cd "):
            where = where / line.removeprefix("cd ")
            for name, text in shown.files(page).items():
                (where / name).write_text(text)
            continue
        ran = shown.run(line, cwd=where, env=env)
        assert shown.holds(expected, ran), f"$ {line}\n{ran.stdout}[{ran.returncode}]"


def test_there_is_a_quick_start() -> None:
    assert [page.stem for page in PAGES] == ["phlo-start"]
