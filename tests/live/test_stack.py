"""The local stack as its users meet it: found again, told apart, failing with a reason, gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import stack as stacks
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import Service, StackInfo, StackRequest, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live

CATALOGS = ("iceberg", "iceberg_s3", "nessie", "nessie_dev")

# A program that knows nothing but the environment it is given.
STRANGER = """
import os, sys
import psycopg
from pyiceberg.catalog import load_catalog
name, table = sys.argv[1:]
print(load_catalog(name).load_table(table).scan().to_arrow().num_rows)
with psycopg.connect(
    host=os.environ["POSTGRES_HOST"], port=os.environ["POSTGRES_PORT"],
    user=os.environ["POSTGRES_USER"], password=os.environ["POSTGRES_PASSWORD"],
    dbname=os.environ["POSTGRES_DB"],
) as connection:
    print(connection.execute("SELECT current_database()").fetchone()[0])
"""


def processes_under(home: Path) -> list[str]:
    """Command lines of running processes that name the folder of a stack."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found


class TestSharedStack:
    def test_it_is_the_version_that_was_asked_for(self, each_stack: Clients) -> None:
        ((version,),) = each_stack.rows("SELECT version()")
        assert version == str(each_stack.version)

    def test_both_procedures_and_all_catalogs_are_there(self, each_stack: Clients) -> None:
        catalogs = {row[0] for row in each_stack.rows("SHOW CATALOGS")}
        assert {*CATALOGS, "tpch", "memory"} <= catalogs

    @pytest.mark.parametrize("catalog", CATALOGS)
    def test_pyiceberg_reads_what_trino_wrote(
        self, each_stack: Clients, make_schema: Callable[..., str], catalog: str
    ) -> None:
        schema = make_schema(each_stack, catalog)
        each_stack.rows(f"CREATE TABLE {schema}.t AS SELECT * FROM tpch.tiny.nation")
        table = f"{schema.partition('.')[2]}.t"
        assert each_stack.pyiceberg(catalog).load_table(table).scan().to_arrow().num_rows == 25

    @pytest.mark.parametrize("catalog", CATALOGS)
    def test_the_environment_is_enough_for_a_stranger(
        self, stack: Clients, make_schema: Callable[..., str], catalog: str
    ) -> None:
        schema = make_schema(stack, catalog)
        stack.rows(f"CREATE TABLE {schema}.t AS SELECT * FROM tpch.tiny.region")
        table = f"{schema.partition('.')[2]}.t"
        name = catalog if "PYICEBERG_HOME" in stack.env else catalog.replace("_", "-")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", STRANGER, name, table],
            env={"PATH": os.environ["PATH"], **stack.env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["5", stack.env["POSTGRES_DB"]], done.stderr

    def test_branches_are_apart(self, stack: Clients, make_schema: Callable[..., str]) -> None:
        schema = make_schema(stack, "nessie_dev").partition(".")[2]
        stack.rows(f"CREATE TABLE nessie_dev.{schema}.t (x integer)")
        assert (schema,) not in stack.rows("SHOW SCHEMAS FROM nessie")

    def test_a_retention_floor_can_be_lowered_for_a_session(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(each_stack)
        each_stack.rows(f"CREATE TABLE {schema}.t (x integer)")
        each_stack.rows(
            f"ALTER TABLE {schema}.t EXECUTE expire_snapshots(retention_threshold => '0s')",
            session_properties={"iceberg.expire_snapshots_min_retention": "0s"},
        )


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackRequest]:
    """A stack of this module's own, the smallest one; gone afterwards whatever happened."""
    home = tmp_path_factory.mktemp("stacks") / "own"
    request = StackRequest(name="own", directory=home)
    yield request
    stacks.down(request, purge=True)
    assert not home.exists()
    assert not processes_under(home)


class TestOwnStack:
    """In one test each, for a start takes long; the shared stack stands for everything else."""

    def test_a_port_that_is_taken_is_named_before_anything_starts(self, own: StackRequest) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(PhloSqlError) as caught:
                stacks.up(replace(own, ports={"trino": port}))
        assert caught.value.code is Code.STACK_FAILED
        assert f"port {port}, named for trino," in caught.value.problem
        assert not processes_under(own.home)

    @pytest.mark.slow
    def test_a_broken_setting_says_why_and_leaves_nothing(self, own: StackRequest) -> None:
        with pytest.raises(PhloSqlError) as caught:
            stacks.up(replace(own, trino_settings={"no.such.setting": "1"}))
        assert caught.value.code is Code.STACK_FAILED
        assert "'no.such.setting' was not used" in caught.value.problem
        assert str(own.home / "logs" / "trino.log") in caught.value.hint
        assert stacks.status(own.name, own.home) is None
        assert not processes_under(own.home)

    @pytest.mark.slow
    def test_up_twice_loss_and_down(self, own: StackRequest) -> None:
        first = stacks.up(own)
        assert first.ready
        assert {service.name for service in first.services} == {"postgres", "trino"}
        assert stacks.up(own) == first == stacks.status(own.name, own.home)
        self._refuses_what_does_not_fit(own, first)

        trino = first.service("trino")
        os.kill(trino.pid, signal.SIGKILL)
        self._wait_for_the_end_of(trino)
        again = stacks.up(own)
        assert again.service("postgres") == first.service("postgres")
        assert again.service("trino").pid != trino.pid
        assert again.env == first.env

        pids = [service.pid for service in again.services]
        assert stacks.down(own) is not None
        assert stacks.down(own) is None
        assert not processes_under(own.home)
        assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        assert (own.home / "warehouse").is_dir()

    def _wait_for_the_end_of(self, service: Service) -> None:
        deadline = time.monotonic() + 30
        while process.alive(service.pid, service.birth):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _refuses_what_does_not_fit(self, own: StackRequest, running: StackInfo) -> None:
        with pytest.raises(PhloSqlError, match="runs Trino 483, not 476"):
            stacks.up(replace(own, trino=476))
        port = running.service("trino").port
        with pytest.raises(PhloSqlError, match=f"runs trino on port {port}, not 1"):
            stacks.up(replace(own, ports={"trino": 1}))
