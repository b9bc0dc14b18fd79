"""OPA with 10,000 grants: how long a decision takes, and what Trino's queries pay for it."""

from __future__ import annotations

import http.client
import json
import random
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from phlo_sql import config, stack
from phlo_sql.access import bundle, publish
from phlo_sql.access.grants import Grant, Principal, Role
from phlo_sql.access.resource import Resource
from phlo_sql.stack import machine, opa, ports
from phlo_sql.stack.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

GRANTS = 10_000
USERS = 100
OWNER = "owner"
_WARMING = 40
"""Rounds of every query before any is measured: two servers compile their code at different times,
which makes more of a difference than OPA does."""
QUERIES = {
    "SELECT 1": "SELECT 1",
    "count of a table": "SELECT count(*) FROM tpch.tiny.orders",
    "join and group": (
        "SELECT c.mktsegment, sum(o.totalprice) FROM tpch.sf1.orders o"
        " JOIN tpch.sf1.customer c ON o.custkey = c.custkey GROUP BY 1"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Of one kind of question, in milliseconds: whole HTTP round trips."""

    name: str
    samples: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.samples, n=100)[98]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One query, seconds each time; decisions and seconds inside OPA are of one time."""

    name: str
    guarded: Sequence[float]
    plain: Sequence[float]
    decisions: float
    inside: float


def grants() -> list[Grant]:
    """A tenth of them patterns; and one user who alone has as many again as all the others."""
    made = []
    for number in range(GRANTS):
        user, place = f"user{number % USERS}@example.org", number // USERS
        table = f"fact{place}*" if number % 10 == 0 else f"table{place}"
        made.append(_grant(user, Role(1 + number % 3), f"schema{place % 20}", table))
        made.append(_grant(OWNER, Role.WRITE, f"schema{number % 50}", f"table{number}"))
    return made


def decisions(rounds: int, say: Callable[[str], None]) -> list[Latency]:
    """Questions as Trino asks them, one after the other over one connection."""
    chosen = random.Random(7)  # noqa: S311 - the same questions in each run

    def any_user() -> str:
        return f"user{chosen.randrange(USERS)}@example.org"

    def place(tables: int) -> tuple[str, str]:
        return f"schema{chosen.randrange(20)}", f"table{chosen.randrange(tables)}"

    with _serving(grants(), say) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        questions = (
            (
                "one table, a user of 100 grants",
                "allow",
                1,
                lambda: _select(any_user(), *place(100)),
            ),
            ("one table, a user of 10,000", "allow", 1, lambda: _select(OWNER, *place(GRANTS))),
            ("a user without grants", "allow", 1, lambda: _select("nobody", *place(100))),
            ("SHOW TABLES of 100", "batch", 10, lambda: _show(any_user(), place(100)[0])),
        )
        found = [
            _asked(name, connection, rule, rounds // rarer, question)
            for name, rule, rarer, question in questions
        ]
        connection.close()
    return found


def show(out: Console, found: Sequence[Latency]) -> None:
    """Milliseconds, median and 99th of a hundred."""
    table = Table("decision by OPA, 20,000 grants", box=None, padding=(0, 2))
    for name in ("median", "p99"):
        table.add_column(name, justify="right")
    for each in found:
        table.add_row(each.name, f"{each.median:.1f} ms", f"{each.p99:.1f} ms")
    out.print(table)


def show_queries(out: Console, found: Sequence[Compared]) -> None:
    """The faster quarter of each, which other work on the machine disturbs least; and what OPA
    itself counted, which nothing disturbs."""
    table = Table("Trino 476, lower quartile of each query", box=None, padding=(0, 2))
    for name in ("behind OPA", "without", "more", "decisions", "inside OPA"):
        table.add_column(name, justify="right")
    for each in found:
        one, other = (statistics.quantiles(t, n=4)[0] for t in (each.guarded, each.plain))
        table.add_row(
            each.name,
            f"{one * 1000:.0f} ms",
            f"{other * 1000:.0f} ms",
            f"{one / other - 1:+.1%}",
            f"{each.decisions:.0f}",
            f"{each.inside * 1000:.1f} ms, {each.inside / one:.1%}",
        )
    out.print(table)


def queries(pairs: int, say: Callable[[str], None]) -> list[Compared]:
    """Each query on Trino 476 with OPA and without, in turns."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-bench-") as folder:
        requests = [
            stack.StackRequest(
                name=f"bench-{name}",
                trino=476,
                services=frozenset(extras),
                directory=Path(folder) / name,
                progress=say,
            )
            for name, extras in (("opa", {"opa"}), ("plain", set[str]()))
        ]
        try:
            guarded, plain = (Clients(env=stack.up(request).env) for request in requests)
            _ten_thousand(guarded)
            say("warming both servers")
            for name, sql in QUERIES.items():
                _in_turns(name, sql, guarded, plain, min(_WARMING, pairs))
            found = []
            for name, sql in QUERIES.items():
                say(f"both servers: {name}")
                found.append(_in_turns(name, sql, guarded, plain, pairs))
            return found
        finally:
            for request in requests:
                stack.down(request, purge=True)


def _in_turns(name: str, sql: str, guarded: Clients, plain: Clients, pairs: int) -> Compared:
    times: tuple[list[float], list[float]] = ([], [])
    with guarded.trino() as with_opa, plain.trino() as without:
        before = _counted(guarded)
        for number in range(pairs):
            order = ((0, with_opa), (1, without))
            for index, connection in order if number % 2 else reversed(order):
                cursor = connection.cursor()
                begun = time.perf_counter()
                cursor.execute(sql)
                cursor.fetchall()
                times[index].append(time.perf_counter() - begun)
        after = _counted(guarded)
    return Compared(
        name=name,
        guarded=times[0],
        plain=times[1],
        decisions=(after[0] - before[0]) / pairs,
        inside=(after[1] - before[1]) / pairs,
    )


def _counted(guarded: Clients) -> tuple[int, float]:
    """Decisions, and seconds spent on them, as OPA's own metrics have them."""
    with urllib.request.urlopen(f"{guarded.env['OPA_URL']}/metrics") as answer:  # noqa: S310
        text = answer.read().decode()
    line = r'http_request_duration_seconds_{}\{{[^}}]*handler="v1/data"[^}}]*\}} (\S+)'
    count, seconds = (
        sum(float(found) for found in re.findall(line.format(name), text))
        for name in ("count", "sum")
    )
    return int(count), seconds


def _ten_thousand(guarded: Clients) -> None:
    """The stack's own user, among the grants of all the others."""
    settings = config.load(environ=guarded.env, cwd=Path())
    root = Grant(
        principal=Principal(kind="user", name=guarded.env["TRINO_USER"]),
        role=Role.ADMIN,
        resource=Resource(catalog="*"),
    )
    place = settings.access_opa_bundle.value
    publish.to_opa(settings, [root, *grants()], "bench", place)
    time.sleep(3)


@contextmanager
def _serving(made: Sequence[Grant], say: Callable[[str], None]) -> Iterator[int]:
    found = machine.find(s3=False, opa=True)
    program = opa.program(found.opa, found.go, say)
    port = ports.choose(["opa"], {}, {})["opa"]
    with tempfile.TemporaryDirectory(prefix="phlo-sql-bench-") as folder:
        path = Path(folder) / publish.BUNDLE_NAME
        settings = config.load(environ={}, cwd=Path(folder))
        path.write_bytes(bundle.build(made, "bench", settings).archive())
        server = subprocess.Popen(
            [
                program,
                "run",
                "--server",
                f"--addr=127.0.0.1:{port}",
                "--log-level=error",
                "--skip-version-check",
                "--bundle",
                str(path),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not ports.answers(port):
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()
            server.wait(10)


def _asked(
    name: str,
    connection: http.client.HTTPConnection,
    rule: str,
    rounds: int,
    question: Callable[[], Any],
) -> Latency:
    samples = []
    for number in range(rounds + rounds // 10):
        body = json.dumps({"input": question()})
        begun = time.perf_counter()
        connection.request(
            "POST", f"/v1/data/trino/{rule}", body, {"Content-Type": "application/json"}
        )
        with closing(connection.getresponse()) as response:
            response.read()
        if number >= rounds // 10:
            samples.append((time.perf_counter() - begun) * 1000)
    return Latency(name=name, samples=samples)


def _grant(user: str, role: Role, schema: str, table: str) -> Grant:
    return Grant(
        principal=Principal(kind="user", name=user),
        role=role,
        resource=Resource(catalog="iceberg", schema=schema, table=table),
    )


def _context(user: str) -> dict[str, Any]:
    return {"identity": {"user": user, "groups": []}, "softwareStack": {"trinoVersion": "476"}}


def _table(schema: str, table: str) -> dict[str, Any]:
    return {"table": {"catalogName": "iceberg", "schemaName": schema, "tableName": table}}


def _select(user: str, schema: str, table: str) -> dict[str, Any]:
    action = {"operation": "SelectFromColumns", "resource": _table(schema, table)}
    return {"context": _context(user), "action": action}


def _show(user: str, schema: str) -> dict[str, Any]:
    resources = [_table(schema, f"table{number}") for number in range(100)]
    action = {"operation": "FilterTables", "filterResources": resources}
    return {"context": _context(user), "action": action}
