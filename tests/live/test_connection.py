"""One session against a real Trino: outcomes, progress, cancelling, errors, and what it says."""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING

import pytest
import requests

from phlo_sql import TESTED_TRINO_VERSIONS, dialect
from phlo_sql.config import Setting, Settings
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName, parse_table
from phlo_sql.observe.server import kind_of, read_server, require_iceberg_table
from phlo_sql.observe.trino import Outcome, Progress, TrinoSession, connect
from tests.live.gate import gate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.observe.trino_http import Address

pytestmark = pytest.mark.live

ENDLESS = dialect.parse("SELECT count(*) FROM tpch.sf1000.lineitem WHERE comment LIKE '%zzz%zzz%'")


def run(session: TrinoSession, sql: str) -> Outcome:
    return session.run(dialect.parse(sql))


def refusal(session: TrinoSession, sql: str) -> PhloSqlError:
    with pytest.raises(PhloSqlError) as caught:
        run(session, sql)
    error = caught.value
    assert "\n" not in error.problem + error.hint
    assert error.hint
    return error


@pytest.fixture(scope="module", params=["stack_settings", "stack_476_settings"])
def settings(request: pytest.FixtureRequest) -> Settings:
    found: Settings = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def session(settings: Settings) -> Iterator[TrinoSession]:
    with connect(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(session: TrinoSession) -> Iterator[str]:
    """A schema of one table, `orders`, and one view, `orders_view`."""
    name = f"connection_{uuid.uuid4().hex[:8]}"
    whole = f"{session.catalog}.{name}"
    run(session, f"CREATE SCHEMA {whole}")
    run(session, f"CREATE TABLE {whole}.orders (id bigint, day date)")
    run(session, f"INSERT INTO {whole}.orders VALUES (1, DATE '2024-01-01')")
    run(session, f"CREATE VIEW {whole}.orders_view AS SELECT id FROM {whole}.orders")
    yield whole
    run(session, f"DROP VIEW {whole}.orders_view")
    run(session, f"DROP TABLE {whole}.orders")
    run(session, f"DROP SCHEMA {whole}")


def table(name: str) -> TableName:
    return parse_table(name)[0]


class TestOutcomes:
    def test_rows_columns_and_query_id(self, session: TrinoSession) -> None:
        outcome = run(session, "SELECT 1 AS one, 'x' AS two")
        assert outcome.columns == ("one", "two")
        assert outcome.rows == ((1, "x"),)
        assert outcome.stats["state"] == "FINISHED"
        asked = "SELECT source, user, state FROM system.runtime.queries WHERE query_id = "
        found = session.query(dialect.parse(f"{asked}'{outcome.query_id}'"))
        assert found == [("phlo-sql", session.user, "FINISHED")]

    def test_a_procedure_gives_its_metrics_from_481_on(
        self, session: TrinoSession, schema: str
    ) -> None:
        outcome = run(session, f"ALTER TABLE {schema}.orders EXECUTE optimize")
        if read_server(session).version < 481:
            assert outcome.metrics == {}
        else:
            assert outcome.metrics["rewritten_data_files_count"] == 0

    def test_a_session_property_lasts(self, settings: Settings) -> None:
        name = "expire_snapshots_min_retention"
        with connect(settings) as session:
            assert read_server(session).expire_floor == timedelta(days=7)
            session.run(dialect.set_session(session.catalog, name, "36h"))
            assert read_server(session).expire_floor == timedelta(hours=36)
            session.run(dialect.reset_session(session.catalog, name))
            assert read_server(session).expire_floor == timedelta(days=7)

    def test_what_the_settings_say_reaches_the_server(self, settings: Settings) -> None:
        told = replace(
            settings,
            trino_source=Setting("other-source", "flag"),
            trino_session_properties=Setting({"query_priority": "7"}, "flag"),
            trino_timezone=Setting("Asia/Tokyo", "flag"),
            trino_client_tags=Setting(("a", "b"), "flag"),
            trino_roles=Setting({settings.trino_catalog.value: "ALL"}, "flag"),
        )
        with connect(told) as session:
            outcome = run(session, "SELECT current_timezone()")
            seen = requests.get(
                f"http://{session.address}/v1/query/{outcome.query_id}",
                headers={"X-Trino-User": str(session.user)},
                timeout=30,
            ).json()["session"]
            assert seen["clientTags"] == ["a", "b"]
            assert seen["catalogRoles"] == {session.catalog: {"type": "ALL"}}
            assert outcome.rows == (("Asia/Tokyo",),)
            assert read_server(session).system_session["query_priority"] == "7"
            queries = "SELECT source FROM system.runtime.queries WHERE query_id = "
            found = run(session, f"{queries}'{outcome.query_id}'")
            assert found.rows == (("other-source",),)


class TestProgress:
    def test_it_grows_and_is_told_on_the_callers_thread(self, session: TrinoSession) -> None:
        seen: list[tuple[Progress, int]] = []
        session.run(
            dialect.parse("SELECT count(*) FROM tpch.sf1.lineitem WHERE comment LIKE '%zz%'"),
            lambda now: seen.append((now, threading.get_ident())),
        )
        steps = [now for now, _ in seen]
        assert {thread for _, thread in seen} == {threading.get_ident()}
        assert len({now.query_id for now in steps}) == 1
        assert [now.elapsed for now in steps] == sorted(now.elapsed for now in steps)
        assert steps[-1].state == "FINISHED"
        assert steps[-1].total_splits == steps[-1].completed_splits > 0


class TestCancelling:
    @staticmethod
    def ended(session: TrinoSession, error: PhloSqlError) -> list[tuple[object, ...]]:
        query_id = error.data["query_id"]
        asked = "SELECT state, error_code FROM system.runtime.queries WHERE query_id = "
        return session.query(dialect.parse(f"{asked}'{query_id}'"))

    @pytest.mark.parametrize("moment", ["it is sent", "it is taken", "it runs"])
    def test_ctrl_c_cancels_on_the_server(
        self, settings: Settings, session: TrinoSession, moment: str
    ) -> None:
        def interrupt() -> None:
            os.kill(os.getpid(), signal.SIGINT)

        def watch(now: Progress) -> None:
            if moment == "it runs" and now.state == "RUNNING":
                interrupt()

        with gate(session.address.host, session.address.port) as way:
            if moment == "it is sent":
                way.at("SELECT", "zzz", before=interrupt)
            elif moment == "it is taken":
                way.at("SELECT", "zzz", after=interrupt)
            through = replace(
                settings,
                trino_host=Setting("127.0.0.1", "flag"),
                trino_port=Setting(way.port, "flag"),
            )
            with connect(through) as gated, pytest.raises(PhloSqlError) as caught:
                gated.run(ENDLESS, watch)
        assert caught.value.code is Code.INTERRUPTED
        assert self.ended(session, caught.value) == [("FAILED", "USER_CANCELED")]

    def test_another_thread_cancels(self, session: TrinoSession) -> None:
        running = threading.Event()

        def cancel() -> None:
            running.wait()
            session.cancel()

        other = threading.Thread(target=cancel)
        other.start()
        with pytest.raises(PhloSqlError) as caught:
            session.run(ENDLESS, lambda now: running.set() if now.state == "RUNNING" else None)
        other.join()
        assert caught.value.code is Code.INTERRUPTED
        assert self.ended(session, caught.value) == [("FAILED", "USER_CANCELED")]

    def test_a_failing_watcher_cancels_too(self, session: TrinoSession) -> None:
        seen: list[Progress] = []

        def watch(now: Progress) -> None:
            seen.append(now)
            if now.state == "RUNNING":
                raise RuntimeError("a fault of the watcher")

        with pytest.raises(RuntimeError, match="a fault of the watcher"):
            session.run(ENDLESS, watch)
        error = PhloSqlError(Code.INTERNAL, "", "", data={"query_id": seen[-1].query_id})
        assert self.ended(session, error) == [("FAILED", "USER_CANCELED")]

    def test_cancelling_nothing_is_harmless(self, session: TrinoSession) -> None:
        session.cancel()
        assert run(session, "SELECT 1").rows == ((1,),)

    def test_killed_by_another_session(self, settings: Settings, session: TrinoSession) -> None:
        seen: list[str] = []

        def kill() -> None:
            while not seen:
                sleep(0.1)
            with connect(settings) as other:
                statement = "CALL system.runtime.kill_query(query_id => '{}', message => 'enough')"
                run(other, statement.format(seen[0]))

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(PhloSqlError) as caught:
            session.run(
                ENDLESS, lambda now: seen.append(now.query_id) if now.state == "RUNNING" else None
            )
        killer.join()
        assert caught.value.code is Code.QUERY_FAILED
        assert "enough" in caught.value.problem


class Relay:
    """A way to the server that can be cut."""

    def __init__(self, to: Address) -> None:
        self.to = (to.host, to.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.open: list[socket.socket] = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ends = self.listener.accept()[0], socket.create_connection(self.to)
                self.open += ends
                for source, target in (ends, ends[::-1]):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)

    def cut(self) -> None:
        for each in self.open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class TestLostConnection:
    def test_the_outcome_is_said_to_be_unknown(
        self, settings: Settings, session: TrinoSession
    ) -> None:
        relay = Relay(session.address)
        seen: list[str] = []

        def watch(now: Progress) -> None:
            if now.state == "RUNNING" and not seen:
                seen.append(now.query_id)
                relay.cut()

        by_relay = replace(
            settings,
            trino_host=Setting("127.0.0.1", "flag"),
            trino_port=Setting(relay.port, "flag"),
        )
        with pytest.raises(PhloSqlError) as caught, connect(by_relay) as cut_off:
            cut_off.run(ENDLESS, watch)
        assert caught.value.code is Code.SERVER_DOWN
        assert caught.value.problem.startswith(f"lost query {seen[0]} while it ran: ")
        assert caught.value.data["query_id"] == seen[0]
        assert "unknown" in caught.value.hint
        left = {"query_id": seen[0], "message": "cut off"}
        session.run(dialect.call("system", "kill_query", left, schema="runtime"))


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "code", "near"),
        [
            ("{schema}.ordrs", Code.UNKNOWN_TABLE, "{schema}.orders"),
            ("{schema}x.orders", Code.UNKNOWN_SCHEMA, "{schema}"),
            ("icebrg.x.orders", Code.UNKNOWN_CATALOG, "iceberg"),
        ],
        ids=["table", "schema", "catalog"],
    )
    @pytest.mark.parametrize(
        "sql", ["SELECT * FROM {0}", "ALTER TABLE {0} EXECUTE optimize"], ids=["select", "execute"]
    )
    def test_an_unknown_name_has_near_ones(
        self, session: TrinoSession, schema: str, name: str, code: Code, near: str, sql: str
    ) -> None:
        error = refusal(session, sql.format(name.format(schema=schema)))
        assert error.code is code
        assert near.format(schema=schema) in error.data["near"]
        assert error.hint.startswith("did you mean ")

    @pytest.mark.parametrize(
        ("sql", "code"),
        [
            ("ALTER TABLE {0}.orders EXECUTE nonesuch", Code.PROCEDURE_DISABLED),
            ("CALL {catalog}.system.nonesuch(a => 1)", Code.PROCEDURE_DISABLED),
            (
                "ALTER TABLE {0}.orders EXECUTE expire_snapshots(retention_threshold => '1d')",
                Code.BELOW_FLOOR,
            ),
            (
                "ALTER TABLE {0}.orders EXECUTE remove_orphan_files(retention_threshold => '1d')",
                Code.BELOW_FLOOR,
            ),
            ("ALTER TABLE {0}.orders EXECUTE optimize WHERE id = 1", Code.WHERE_NOT_ENFORCEABLE),
            ("ALTER TABLE {0}.orders_view EXECUTE optimize", Code.NOT_ICEBERG),
            ("SET SESSION {catalog}.nonesuch = 'x'", Code.UNSUPPORTED_VERSION),
            ("SELECT 1 / 0 FROM {0}.orders", Code.QUERY_FAILED),
        ],
    )
    def test_what_the_server_refuses(
        self, session: TrinoSession, schema: str, sql: str, code: Code
    ) -> None:
        error = refusal(session, sql.format(schema, catalog=session.catalog))
        assert error.code is code
        assert error.data["query_id"]

    def test_a_server_that_is_not_there(self, settings: Settings) -> None:
        nowhere = replace(
            settings, trino_host=Setting("127.0.0.1", "flag"), trino_port=Setting(1, "flag")
        )
        with connect(nowhere) as session:
            error = refusal(session, "SELECT 1")
        assert error.code is Code.SERVER_DOWN
        assert error.problem == "nothing answers at 127.0.0.1:1"

    def test_a_server_that_never_answers(self, settings: Settings) -> None:
        """TRINO_REQUEST_TIMEOUT ends the wait; the statement is not sent again."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            deaf = replace(
                settings,
                trino_host=Setting("127.0.0.1", "flag"),
                trino_port=Setting(silent.getsockname()[1], "flag"),
                trino_request_timeout=Setting(timedelta(seconds=1), "flag"),
            )
            with connect(deaf) as session:
                error = refusal(session, "SELECT 1")
            assert error.code is Code.SERVER_DOWN
            silent.setblocking(False)
            silent.accept()
            with pytest.raises(BlockingIOError):
                silent.accept()

    def test_https_to_trinos_http(self, settings: Settings) -> None:
        with connect(replace(settings, trino_http_scheme=Setting("https", "flag"))) as session:
            error = refusal(session, "SELECT 1")
        assert error.code is Code.SERVER_DOWN
        assert "does not speak TLS" in error.problem

    def test_the_port_of_postgresql(self, settings: Settings) -> None:
        port: Setting[int | None] = Setting(settings.postgres_port.value, "flag")
        with connect(
            replace(settings, trino_host=settings.postgres_host, trino_port=port)
        ) as session:
            error = refusal(session, "SELECT 1")
        assert error.code is Code.SERVER_DOWN
        assert "does not speak Trino over http" in error.problem


class TestServer:
    def test_what_it_says_of_itself(self, session: TrinoSession) -> None:
        server = read_server(session)
        assert server.version in TESTED_TRINO_VERSIONS
        assert server.connector == "iceberg"
        assert server.workers == 1
        assert server.user == session.user
        assert server.orphan_floor == server.expire_floor == timedelta(days=7)
        assert server.has_target_session_property is (server.version < 482)
        assert "query_max_run_time" in server.system_session

    def test_an_unknown_catalog_has_near_ones(self, session: TrinoSession) -> None:
        with pytest.raises(PhloSqlError) as caught:
            read_server(session, "icebergs")
        assert caught.value.code is Code.UNKNOWN_CATALOG
        assert caught.value.hint == "did you mean iceberg?"

    def test_kinds(self, session: TrinoSession, schema: str) -> None:
        assert kind_of(session, table(f"{schema}.orders")) == "iceberg table"
        assert kind_of(session, table(f"{schema}.orders_view")) == "view"
        assert kind_of(session, table(f"{schema}.nonesuch")) == "missing"
        assert kind_of(session, table("tpch.tiny.orders")) == "other"

    def test_only_an_iceberg_table_passes(self, session: TrinoSession, schema: str) -> None:
        require_iceberg_table(session, table(f"{schema}.orders"))
        for name, code in (
            (f"{schema}.orders_view", Code.NOT_ICEBERG),
            ("tpch.tiny.orders", Code.NOT_ICEBERG),
            (f"{schema}.ordrs", Code.UNKNOWN_TABLE),
        ):
            with pytest.raises(PhloSqlError) as caught:
                require_iceberg_table(session, table(name))
            assert caught.value.code is code
