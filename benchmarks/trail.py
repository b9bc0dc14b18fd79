"""The audit trail with a million rows, and how many of Trino's events the collector takes."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from phlo_sql import config, postgres
from phlo_sql.access import store as policies
from phlo_sql.audit import store
from phlo_sql.audit.store import Filter
from phlo_sql.stack import ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from benchmarks.servers import Lent
    from phlo_sql.config import Settings

USERS = 200
TABLES = 500
_CHUNK = 20_000
_BODY = Path(__file__).parents[1] / "tests" / "unit" / "audit" / "bodies" / "insert.json"
_PADDING = 18_000
"""An INSERT's event has 21 kB, most of it figures of operators."""
_CLIENTS = 8
_FILL = """
SELECT {schema}.append((SELECT jsonb_agg(jsonb_build_object(
    'id', 'bench/' || n, 'happened_at', now() - (({rows} - n) * interval '2 seconds'),
    'source', 'trino', 'operation', 'q' || n / 2, 'event', 'finished', 'action', 'select',
    'user', 'user' || n % {users}, 'table', 'iceberg.sales.t' || n % {tables},
    'rows', n, 'bytes', n, 'details', jsonb_build_object('sql', 'SELECT ? FROM t')))
    FROM generate_series({first}, {last}) AS n))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of `audit-log`: rows found and milliseconds, each time."""

    name: str
    rows: int
    samples: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What the collector did with the events that it was sent."""

    events: int
    acknowledged: int
    stored: int
    seconds: float
    """Until the last one was acknowledged."""
    until_stored: float
    cpu_seconds: float
    """Of the collector alone."""


def asking(stack: Lent, rows: int, say: Callable[[str], None]) -> list[Asked]:
    """The first 1,000 rows that a question finds, as the command asks it."""
    settings = _prepared(stack, "asking")
    for first in range(1, rows + 1, _CHUNK):
        say(f"{first - 1:,} of {rows:,} rows")
        _fill(settings, first, min(first + _CHUNK - 1, rows), rows)
    with postgres.connection(settings) as opened:
        opened.execute(f'ANALYZE "{settings.audit_schema.value}".event'.encode())
    now = datetime.now(UTC)
    questions = {
        "a user, a week": Filter(user="user7", start=now - timedelta(days=7), limit=1000),
        "a user, all of the time": Filter(user="user7", limit=1000),
        "a table, a week": Filter(
            table="iceberg.sales.t7", start=now - timedelta(days=7), limit=1000
        ),
        "what was refused, a week": Filter(denied=True, start=now - timedelta(days=7), limit=1000),
    }
    found = [_asked(settings, name, wanted) for name, wanted in questions.items()]
    begun = time.perf_counter()
    verified = store.verify(settings)
    assert not verified.findings
    taken = (time.perf_counter() - begun) * 1000
    return [*found, Asked(name="--verify, all of it", rows=verified.rows, samples=[taken])]


def show(out: Console, found: Sequence[Asked], rows: int) -> None:
    table = Table(f"audit trail of {rows:,} rows", box=None, padding=(0, 2))
    for name in ("rows", "median", "slowest"):
        table.add_column(name, justify="right")
    for each in found:
        median, slowest = statistics.median(each.samples), max(each.samples)
        table.add_row(each.name, f"{each.rows:,}", f"{median:,.0f} ms", f"{slowest:,.0f} ms")
    out.print(table)


def collecting(stack: Lent, events: int, say: Callable[[str], None]) -> Collected:
    """Events of a query each, posted by clients that wait for each answer, as Trino does."""
    settings = _prepared(stack, "collecting")
    token = secrets.token_hex(8)
    with _collector(stack, settings, token) as (port, pid):
        there = store.verify(settings).rows
        say(f"posting {events:,} events")
        before, begun = _cpu(pid), time.perf_counter()
        acknowledged = _post_all(port, token, events)
        seconds = time.perf_counter() - begun
        while (health := _health(port))["waiting_bytes"] or health["problem"]:
            time.sleep(0.02)
        until_stored = time.perf_counter() - begun
        cpu = _cpu(pid) - before
    return Collected(
        events=events,
        acknowledged=acknowledged,
        stored=store.verify(settings).rows - there,
        seconds=seconds,
        until_stored=until_stored,
        cpu_seconds=cpu,
    )


def show_collected(out: Console, found: Collected) -> None:
    table = Table("collector, events of 21 kB", box=None, padding=(0, 2))
    table.add_column(f"{found.events:,} events", justify="right")
    table.add_row("acknowledged, on disk", f"{found.acknowledged / found.seconds:,.0f} a second")
    table.add_row("stored in PostgreSQL", f"{found.stored / found.until_stored:,.0f} a second")
    table.add_row("lost", f"{found.acknowledged - found.stored:,}")
    table.add_row("processor time for one", f"{found.cpu_seconds / found.events * 1e6:,.0f} µs")
    out.print(table)


def _prepared(stack: Lent, name: str) -> Settings:
    own = {
        "PHLO_SQL_ACCESS_SCHEMA": f"bench_{name}",
        "PHLO_SQL_AUDIT_SCHEMA": f"bench_{name}_audit",
    }
    settings = config.load(environ={**stack.env, **own}, cwd=stack.folder)
    policies.initialise(settings, admin="bench")
    return settings


def _fill(settings: Settings, first: int, last: int, rows: int) -> None:
    statement = _FILL.format(
        schema=f'"{settings.audit_schema.value}"',
        rows=rows,
        users=USERS,
        tables=TABLES,
        first=first,
        last=last,
    )
    with postgres.connection(settings) as opened:
        opened.execute(statement.encode())


def _asked(settings: Settings, name: str, wanted: Filter) -> Asked:
    samples, rows = [], 0
    for _ in range(15):
        begun = time.perf_counter()
        rows = sum(1 for _ in store.search(settings, replace(wanted)))
        samples.append((time.perf_counter() - begun) * 1000)
    return Asked(name=name, rows=rows, samples=samples)


@contextmanager
def _collector(stack: Lent, settings: Settings, token: str) -> Iterator[tuple[int, int]]:
    port = ports.choose(["events"], {}, {})["events"]
    words = ["access", "collect", f"--port={port}", f"--spool={stack.folder / 'events'}", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from phlo_sql.cli import main; main()", *words],
        env={
            **os.environ,
            **stack.env,
            "PHLO_SQL_ACCESS_SCHEMA": settings.access_schema.value,
            "PHLO_SQL_AUDIT_SCHEMA": settings.audit_schema.value,
            "PHLO_SQL_COLLECT_TOKEN": token,
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        while not ports.answers(port):
            assert process.poll() is None
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _post_all(port: int, token: str, events: int) -> int:
    """How many were acknowledged."""
    document = json.loads(_BODY.read_text())
    document["metadata"] |= {"queryId": "QUERY-ID", "plan": "x" * _PADDING}
    head, tail = json.dumps(document).encode().split(b"QUERY-ID")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    done = [0] * _CLIENTS

    def post(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(client, events, _CLIENTS):
            connection.request("POST", "/", head + b"q%d" % number + tail, headers)
            answer = connection.getresponse()
            answer.read()
            done[client] += answer.status == http.client.OK
        connection.close()

    threads = [threading.Thread(target=post, args=(client,)) for client in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def _health(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/health")
    found: dict[str, Any] = json.load(connection.getresponse())
    connection.close()
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
