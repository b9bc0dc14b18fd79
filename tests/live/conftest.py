"""Fixtures of the live tests. Mark a module `pytestmark = pytest.mark.live` and ask for:

- `stack`: Trino 483, `stack_476`: Trino 476, `each_stack`: the test runs on both. All are
  `phlo_sql.stack.clients.Clients`: `.env`, `.version`, `.rows(sql)`, `.trino(**driver_options)` (a
  context manager), `.pyiceberg(catalog)`, `.postgres()`, `.subprocess_env` for a started command.
  Catalogs: `iceberg` (JDBC, local files), `iceberg_s3` (JDBC, S3), `nessie` (REST, branch main,
  S3), `nessie_dev` (branch dev), `tpch`, `memory`.
- `hive_stack`: Trino 483 with Hive's metastore and Glue (catalogs `hive`, `iceberg_hive`, `glue`,
  `iceberg_glue` besides). Mark such a module `xdist_group("hive")`: one worker then starts it.
- `stack_settings`, `stack_476_settings`: `phlo_sql.config.Settings` that find that stack, from its
  environment only (no file, nothing of this process's own environment).
- `make_schema(stack, catalog="iceberg")`: a schema of the test's own, `catalog.schema` unquoted;
  dropped afterwards with all that is in it.
- `opa`: Trino 476 behind OPA, its events collected; for modules of the xdist group "opa".
- `bench` (`each_bench`: on both versions, `hive_bench`: on the `hive_stack`, `bench_on(name)`: on
  any): files to migrate, the command line in this process.
- `source`: a database of Hive's metastore, `target`: a schema of Nessie; both emptied afterwards.
- `desk`: the command line in this process, with policies and an audit trail of the test's own.

Servers are shared by all tests, workers and concurrent runs: never touch what another test made,
never assume that a schema or the list of queries is empty. `servers.py` says where they come from.
"""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from phlo_sql.config import Settings, load
from phlo_sql.observe.hive_client import connected
from phlo_sql.stack.clients import Clients, catalog_properties
from tests.live.access_desk import Desk
from tests.live.access_stack import Guarded, guarded
from tests.live.glue_copies import GlueCopies
from tests.live.migrating import Bench, new_folder
from tests.live.servers import served, served_hive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def stack() -> Iterator[Clients]:
    with served(483) as env, closing(Clients(env=env)) as clients:
        yield clients


@pytest.fixture(scope="session")
def stack_476() -> Iterator[Clients]:
    with served(476) as env, closing(Clients(env=env)) as clients:
        yield clients


@pytest.fixture(scope="session")
def hive_stack() -> Iterator[Clients]:
    with served_hive() as env, closing(Clients(env=env)) as clients:
        yield clients


@pytest.fixture(scope="session")
def hive_stack_settings(hive_stack: Clients, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _settings(hive_stack, tmp_path_factory)


@pytest.fixture
def glue(hive_stack: Clients) -> Iterator[GlueCopies]:
    made = GlueCopies(hive_stack)
    yield made
    made.clear()


@pytest.fixture(params=[483, 476])
def each_stack(request: pytest.FixtureRequest) -> Clients:
    found: Clients = request.getfixturevalue("stack" if request.param == 483 else "stack_476")
    return found


@pytest.fixture(scope="session")
def stack_settings(stack: Clients, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _settings(stack, tmp_path_factory)


@pytest.fixture(scope="session")
def stack_476_settings(stack_476: Clients, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return _settings(stack_476, tmp_path_factory)


def _settings(clients: Clients, folders: pytest.TempPathFactory) -> Settings:
    found = load(environ=clients.env, cwd=folders.mktemp("project"))
    # PyIceberg reads its variables from this process, which serves two stacks at once.
    return replace(found, catalogs=catalog_properties(clients.env))


@pytest.fixture
def make_schema() -> Iterator[Callable[..., str]]:
    made: list[tuple[Clients, str]] = []

    def make(clients: Clients, catalog: str = "iceberg") -> str:
        name = f"{catalog}.t{uuid.uuid4().hex[:12]}"
        clients.rows(f"CREATE SCHEMA {name}")
        made.append((clients, name))
        return name

    yield make
    for clients, name in reversed(made):
        clients.rows(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@pytest.fixture(scope="session")
def opa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("opa")) as found:
        yield found


@pytest.fixture
def desk(
    stack: Clients,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    schema = f"a{uuid.uuid4().hex[:12]}"
    made = Desk(stack=stack, schema=schema, folder=tmp_path, monkeypatch=monkeypatch, capsys=capsys)
    yield made
    made.clear()


@pytest.fixture
def bench_on(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[str], Bench]:
    def make(stack: str) -> Bench:
        return Bench(
            stack=request.getfixturevalue(stack),
            state=tmp_path,
            folder=new_folder(),
            monkeypatch=monkeypatch,
            capsys=capsys,
        )

    return make


@pytest.fixture
def bench(bench_on: Callable[[str], Bench]) -> Bench:
    return bench_on("stack")


@pytest.fixture(params=["stack", "stack_476"])
def each_bench(request: pytest.FixtureRequest, bench_on: Callable[[str], Bench]) -> Bench:
    return bench_on(request.param)


@pytest.fixture
def hive_bench(bench_on: Callable[[str], Bench]) -> Bench:
    return bench_on("hive_stack")


@pytest.fixture
def target(hive_stack: Clients) -> Iterator[str]:
    """A schema whose tables are unregistered rather than dropped: they read the source's files."""
    name = f"m{uuid.uuid4().hex[:12]}"
    hive_stack.rows(f"CREATE SCHEMA nessie.{name}")
    yield f"nessie.{name}"
    for (table,) in hive_stack.rows(f"SHOW TABLES FROM nessie.{name}"):
        hive_stack.rows(f"CALL nessie.system.unregister_table('{name}', '{table}')")
    hive_stack.rows(f"DROP SCHEMA nessie.{name}")


@pytest.fixture
def source(hive_stack: Clients, make_schema: Callable[..., str]) -> Iterator[str]:
    """It is emptied by the metastore itself: Trino drops no Delta or Iceberg there."""
    name = make_schema(hive_stack, "hive").partition(".")[2]
    yield name
    with connected(hive_stack.env["HIVE_METASTORE_URI"]) as client:
        for table in client.get_all_tables(name):
            client.drop_table(name, table, True)
