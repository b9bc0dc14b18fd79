"""`table optimize` on a branch of Nessie that no Trino catalog shows: made for the run, dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from phlo_sql.stack.clients import catalog_properties
from tests.live.optimizing import document, files, ran
from tests.live.stopping import events, killed
from tests.live.two_refs import branched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyiceberg.table import Table

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A table of three small files on main, and a branch where it is the same."""

    stack: Clients
    table: str
    name: str

    @property
    def catalog(self) -> str:
        return f"nessie_{self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        return ("table", "optimize", f"{self.table}@{self.name}", "--create-catalog")

    def shown(self) -> bool:
        return (self.catalog,) in self.stack.rows("SHOW CATALOGS")

    def loaded(self) -> Table:
        """The table on the branch."""
        from pyiceberg.catalog import load_catalog

        own = catalog_properties(self.stack.env)["nessie"]
        uri = own["uri"].rsplit("/", 1)[0] + f"/{self.name}"
        return load_catalog(self.name, **{**own, "uri": uri}).load_table(self.table[7:])

    def data_files(self) -> int:
        return int(self.loaded().inspect.data_files().num_rows)


@pytest.fixture
def branch(each_stack: Clients, make_schema: Callable[..., str]) -> Iterator[Branch]:
    stack = each_stack
    table = f"{make_schema(stack, 'nessie')}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint, note varchar)")
    for number in range(3):
        stack.rows(f"INSERT INTO {table} VALUES ({number}, 'x')")
    with branched(stack) as name:
        made = Branch(stack=stack, table=table, name=name)
        yield made
        if made.shown():
            stack.rows(f"DROP CATALOG {made.catalog}")


def test_made_used_dropped(branch: Branch, tmp_path: Path) -> None:
    """Also from a saved runbook; main is not touched, and no secret stands anywhere."""
    stack = branch.stack
    main = files(stack, branch.table)
    refused = document(stack, *branch.words[:-1], "--dry-run")
    assert refused["reason_code"] == "unknown_catalog"
    assert "--create-catalog" in refused["data"]["error"]["hint"]
    assert "${ENV:AWS_SECRET_ACCESS_KEY}" in refused["data"]["error"]["hint"]

    book = tmp_path / "book.sql"
    saved = document(stack, *branch.words, "--out", str(book))
    assert saved["status"] == "planned", saved
    assert not branch.shown()
    steps = saved["data"]["plan"]["steps"]
    assert steps[0]["sql"].startswith(f'CREATE CATALOG "{branch.catalog}" USING iceberg')
    assert steps[-1]["sql"] == f'DROP CATALOG "{branch.catalog}"'
    assert stack.env["ICEBERG_S3_SECRET_KEY"] not in book.read_text()

    done = document(stack, "runbook", "apply", str(book), "--yes")
    assert done["status"] == "success", done
    assert done["data"]["result"]["rewritten_data_files"] == 3
    assert not branch.shown()
    assert branch.data_files() == 1
    assert files(stack, branch.table) == main
    assert document(stack, *branch.words, "--yes")["status"] == "noop"
    assert not branch.shown()


def test_dropped_when_a_step_is_refused(branch: Branch, tmp_path: Path) -> None:
    """The branch moved since the plan was made: nothing runs, and the catalog goes again."""
    book = tmp_path / "book.sql"
    document(branch.stack, *branch.words, "--out", str(book))
    with branch.loaded().transaction() as moved:
        moved.set_properties({"comment": "moved"})
    refused = document(branch.stack, "runbook", "apply", str(book), "--yes")
    assert (refused["reason_code"], refused["exit_code"]) == ("stale_plan", 3)
    assert not branch.shown()
    assert branch.data_files() == 3


@pytest.mark.parametrize("again", [(), ("--resume",)], ids=["anew", "resumed"])
def test_a_killed_run_leaves_a_catalog_and_the_next_drops_it(
    again: tuple[str, ...], branch: Branch, tmp_path: Path
) -> None:
    killed(branch.stack, tmp_path, "step finished", 1, *branch.words)
    assert branch.shown()
    assert branch.data_files() == 3
    done = ran(branch.stack, tmp_path, *branch.words, *again, "--yes")
    assert done["status"] == "success", done
    assert branch.data_files() == 1
    assert not branch.shown()
    dropped = [e["sql"] for e in events(tmp_path) if str(e.get("sql", "")).startswith("DROP CAT")]
    assert dropped
