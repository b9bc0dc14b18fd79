"""The real servers of the live tests: found, or started once for all workers of all test runs.

In this order:

1. An address in the environment: every variable of `phlo-sql stack up`, each with the prefix
   `PHLO_SQL_TEST_` (Trino 483), `PHLO_SQL_TEST476_` (Trino 476) or `PHLO_SQL_TESTHIVE_` (483 with
   Hive and Glue). Nothing is started or stopped.
2. `docker-compose.yml` through testcontainers, when a Docker engine answers.
3. The local stack.

What is started is shared by a list of leases: the first that needs it starts it, the last that
leaves stops it and removes its data. A run that was killed leaves a lease of a dead process, which
the next run strikes off.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Protocol

import pytest

from phlo_sql import stack
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import cache, process
from phlo_sql.stack.info import data_home
from tests.live.compose import Compose, engine_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PREFIXES = {483: "PHLO_SQL_TEST_", 476: "PHLO_SQL_TEST476_"}
HIVE_PREFIX = "PHLO_SQL_TESTHIVE_"
# It runs beside the two others: a third of their memory less, for small tables.
_SMALL_TRINO = {
    "query.max-memory": "900MB",
    "query.max-memory-per-node": "900MB",
    "memory.heap-headroom-per-node": "500MB",
}


class Provider(Protocol):
    """`up` answers with the environment, also when it is up already."""

    def up(self) -> Mapping[str, str]: ...

    def down(self) -> None: ...


class LocalStack:
    def __init__(self, request: stack.StackRequest) -> None:
        self.request = request

    def up(self) -> Mapping[str, str]:
        return stack.up(self.request).env

    def down(self) -> None:
        stack.down(self.request, purge=True)


@contextmanager
def served(version: int) -> Iterator[Mapping[str, str]]:
    """The environment of a running stack of that Trino version, with Nessie and S3."""
    request = stack.StackRequest(
        name=f"tests-{version}",
        trino=version,
        services=frozenset({"nessie"}),
        directory=_home(str(version)),
    )
    with _served(PREFIXES[version], request) as env:
        yield env


@contextmanager
def served_hive() -> Iterator[Mapping[str, str]]:
    """The environment of a running stack of Trino 483 with Nessie, Hive's metastore and Glue."""
    request = stack.StackRequest(
        name="tests-hive",
        services=frozenset({"nessie", "hive", "glue"}),
        directory=_home("hive"),
        trino_settings=_SMALL_TRINO,
        trino_heap="2G",
    )
    with _served(HIVE_PREFIX, request) as env:
        yield env


def _home(name: str) -> Path:
    return data_home() / "phlo-sql" / "tests" / name


@contextmanager
def _served(prefix: str, request: stack.StackRequest) -> Iterator[Mapping[str, str]]:
    if f"{prefix}TRINO_HOST" in os.environ:
        yield {
            name.removeprefix(prefix): value
            for name, value in os.environ.items()
            if name.startswith(prefix)
        }
        return
    provider: Provider
    provider = Compose(request) if engine_answers() else LocalStack(request)
    with _leased(request.home, provider) as env:
        yield env


@contextmanager
def _leased(home: Path, provider: Provider) -> Iterator[Mapping[str, str]]:
    leases = home.with_name(f"{home.name}.leases")
    lock = home.with_name(f"{home.name}.leases.lock")
    mine = (os.getpid(), process.birth(os.getpid()) or "")
    with cache.locked(lock):
        try:
            env = provider.up()
        except PhloSqlError as error:
            _skip_or_fail(error)
        _write(leases, [*_living(leases), mine])
    try:
        yield env
    finally:
        with cache.locked(lock):
            left = [lease for lease in _living(leases) if lease != mine]
            _write(leases, left)
            if not left:
                provider.down()


def _living(leases: Path) -> list[tuple[int, str]]:
    if not leases.exists():
        return []
    return [(pid, born) for pid, born in json.loads(leases.read_text()) if process.alive(pid, born)]


def _write(leases: Path, lines: list[tuple[int, str]]) -> None:
    leases.write_text(json.dumps(lines))


def _skip_or_fail(error: PhloSqlError) -> NoReturn:
    """Only a machine that lacks programs is a reason to skip, and nowhere where all must run."""
    required = os.environ.get("PHLO_SQL_REQUIRE_STACK") == "1" or os.environ.get("CI") == "true"
    if error.code is Code.MACHINE_INCOMPLETE and not required:
        pytest.skip(f"{error.problem}; {error.hint}")
    raise error
