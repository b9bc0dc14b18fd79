"""The collector: nothing that it acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql.audit import store
from tests.live.access_desk import Desk, Door
from tests.live.collecting import Collector, query

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.live


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.init()
    return desk


@pytest.fixture
def collector(desk: Desk) -> Iterator[Collector]:
    made = Collector(environ=desk.environ, folder=desk.folder)
    yield made
    made.end()


def stored(desk: Desk) -> list[dict[str, Any]]:
    found = store.search(desk.settings, store.Filter())
    return [row for row in found if row["source"] == "trino"]


def test_what_it_takes_and_what_it_refuses(desk: Desk, collector: Collector) -> None:
    collector.options = ("--max-body", "300KB")
    collector.start()
    for token in ("", "wrong", collector.token[:-1], "é"):
        assert collector.post(query(1), token=token) == 401
    for wrong in (b"", b"{", b"[]", b'{"metadata": {}}', b"[" * 200_000, b"\xff\xfe"):
        assert collector.post(wrong) == 400
    large = query(2, plan="x" * 250_000)
    assert collector.post(large) == 200
    assert collector.post(query(3, plan="x" * 400_000)) == 413
    assert collector.post({"queryId": "q4", "stageId": "q4.0"}) == 200
    hostile = query(5, name="failed", query='DROP TABLE "a"."b"."it\'s 100%_\n\u0000"')
    hostile["context"]["user"] = "o'x \ud800@example.org\0"
    assert collector.post(hostile) == 200
    assert collector.post(query(2)) == 200
    collector.wait_until_stored()
    found = stored(desk)
    assert [(row["operation"], row["table_name"], row["denied"]) for row in found] == [
        ("q2", "ice.s.orders", False),
        ("q5", 'a.b."it\'s 100%_\n\ufffd"', True),
    ]
    assert found[1]["user_name"] == "o'x ?@example.org\ufffd"
    health = collector.health()
    assert health is not None
    assert health["refused"] == {
        "unauthorized": 4,
        "too_large": 1,
        "unreadable": 6,
        "not_written": 0,
    }
    assert desk("access", "audit-log", "--verify")[0] == 0


def test_nothing_is_lost_while_postgresql_is_away_and_the_collector_is_killed(
    desk: Desk, collector: Collector
) -> None:
    door = Door(desk.stack)
    collector.environ = {**desk.environ, **door.environ}
    collector.start()  # with PostgreSQL away
    assert "events wait on disk" in collector.said()
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda number: collector.post(query(number)), range(60)))
    collector.kill()
    assert collector.post(query(60)) == 0
    collector.start()
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda number: collector.post(query(number)), range(40, 100)))
    assert first + again == [200] * 120
    assert stored(desk) == []
    with door.open():
        collector.wait_until_stored()
        assert sorted(int(row["operation"][1:]) for row in stored(desk)) == list(range(100))
        code, document = collector.stop()
    assert (code, document["data"]["collector"]["waiting_bytes"]) == (0, 0)
    assert desk("access", "audit-log", "--verify")[0] == 0


def test_a_crash_between_storing_and_marking_stores_nothing_twice(
    desk: Desk, collector: Collector
) -> None:
    collector.start()
    for number in range(20):
        assert collector.post(query(number)) == 200
    collector.wait_until_stored()
    collector.kill()
    (collector.spool / "delivered").unlink()
    collector.start()
    collector.wait_until_stored()
    assert len(stored(desk)) == 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_it_is_told_to(desk: Desk, collector: Collector, number: int) -> None:
    collector.start()
    assert collector.post(query(1)) == 200
    code, document = collector.stop(number)
    assert (code, document["status"]) == (0, "success")
    assert document["data"]["collector"]["stored_rows"] == 1
    assert len(stored(desk)) == 1


def test_a_row_that_postgresql_cannot_hold_is_set_aside(desk: Desk, collector: Collector) -> None:
    collector.spool.mkdir()
    good = '{"id": "a", "happened_at": "2026-11-23T19:27:26Z", "source": "trino", "event": "e",'
    bad = good.replace("2026-11-23", "2026-13-23").replace('"a"', '"b"')
    lines = [f'{line} "operation": "o"}}\n' for line in (good, bad, good.replace('"a"', '"c"'))]
    (collector.spool / "00000001.jsonl").write_text("".join(lines))
    collector.start()
    collector.wait_until_stored()
    assert len(stored(desk)) == 2
    assert "2026-13-23" in (collector.spool / "set-aside.json-lines").read_text()
    assert "is kept in" in collector.said()


def test_it_listens_by_https_and_keeps_whole_statements_where_it_is_told_to(
    desk: Desk, collector: Collector
) -> None:
    name = ["-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", *name]
    subprocess.run(
        ["openssl", *made, "-out", "cert.pem"], cwd=desk.folder, check=True, capture_output=True
    )
    certificate = str(desk.folder / "cert.pem")
    collector.options = ("--certificate", certificate, "--key", str(desk.folder / "key.pem"))
    collector.trusting = ssl.create_default_context(cafile=certificate)
    collector.environ = {**desk.environ, "PHLO_SQL_AUDIT_QUERY_TEXT": "full"}
    collector.start()
    assert collector.post(query(1, query="SELECT 'as it was' FROM ice.s.orders")) == 200
    assert collector.stop()[1]["data"]["collector"]["stored_rows"] == 1
    assert stored(desk)[0]["details"]["sql"] == "SELECT 'as it was' FROM ice.s.orders"


def fails(desk: Desk, *words: str, **environ: str) -> tuple[int, str]:
    code, document = desk("access", "collect", *words, **{"PHLO_SQL_COLLECT_TOKEN": "t", **environ})
    return code, document["reason_code"]


def test_what_it_does_not_start_with(desk: Desk, collector: Collector) -> None:
    collector.start()
    elsewhere = f"--spool={desk.folder / 'other'}"
    assert fails(desk, PHLO_SQL_COLLECT_TOKEN="") == (2, "missing_setting")
    assert fails(desk, f"--port={collector.port}", elsewhere) == (2, "bad_setting")
    assert fails(desk, "--port=0", f"--spool={collector.spool}") == (2, "bad_setting")
    assert fails(desk, "--port=0", "--spool=/proc/nothing") == (2, "bad_setting")
    assert fails(desk, "--port=0", elsewhere, "--host=256.1.1.1") == (2, "bad_setting")
    assert fails(desk, "--port=0", elsewhere, "--certificate=/none") == (2, "bad_setting")
    assert fails(desk, "--key=x") == (2, "invalid_arguments")
    assert fails(desk, "--max-body=much") == (2, "bad_size")
    assert fails(desk, "--port=0", PHLO_SQL_AUDIT_SCHEMA="none", PHLO_SQL_ACCESS_SCHEMA="none") == (
        1,
        "no_policies",
    )


def test_without_its_extra_it_says_what_to_install(desk: Desk) -> None:
    hidden = "import sys; sys.modules['starlette'] = None; from phlo_sql.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden, "access", "collect"],
        env={**os.environ, **desk.environ, "PHLO_SQL_COLLECT_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'phlo-sql[collect]'" in done.stderr
