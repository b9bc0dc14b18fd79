"""phlo's quick start: a project of `phlo init` on the whole stack, as its page tells."""

from __future__ import annotations

import os
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from phlo_sql.stack.info import data_home
from tests.docs import shown
from tests.phlo.conftest import environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from phlo_sql.stack.clients import Clients
    from tests.phlo.conftest import Phlo

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("phlo")]
PAGES = [page for page in shown.pages() if shown.of_phlo(page)]


@pytest.fixture
def beginner(stack: Clients, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Somebody whose `stack up` finds the servers of these tests running, as their own.

    Policies go to schemas of this test: the ones of the page would rule over every other test.
    """
    stacks = tmp_path / "data" / "phlo-sql" / "stacks"
    stacks.mkdir(parents=True)
    running = data_home() / "phlo-sql" / "tests" / "483"
    if (running / "stack.json").exists():
        (stacks / "trino483").symlink_to(running)
    schema = f"a{uuid.uuid4().hex[:12]}"
    stack.rows("DROP SCHEMA IF EXISTS nessie.shop CASCADE")
    yield {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PHLO_SQL_ACCESS_SCHEMA": schema,
        "PHLO_SQL_AUDIT_SCHEMA": f"{schema}_audit",
    }
    stack.rows("DROP SCHEMA IF EXISTS nessie.shop CASCADE")
    with stack.postgres(autocommit=True) as server:
        for name in (schema, f"{schema}_audit"):
            server.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))


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
        ran = subprocess.run(
            ["bash", "-ac", line],
            cwd=where,
            env={**env, "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert shown.matches(expected, ran.stdout), f"$ {line}\n{ran.stdout}"


def test_there_is_a_quick_start() -> None:
    assert [page.stem for page in PAGES] == ["phlo-start"]
