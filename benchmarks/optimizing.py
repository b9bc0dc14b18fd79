"""`table optimize` on many small files against the bare statement, and what it brings.

One table, rolled back to its small files before every run: both sides rewrite the very same files.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import small_files
from benchmarks.ratios import Pair, at_most, lower
from benchmarks.telling import doing
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.servers import Lent
    from benchmarks.small_files import Facts

SCHEMA = "bench"
NAME = f"{SCHEMA}.{small_files.TABLE}"
SIZE = "512MB"
BARE = f"ALTER TABLE {NAME} EXECUTE optimize(file_size_threshold => '{SIZE}')"


@dataclass(slots=True)
class Found:
    """Seconds of every run, and the table before and after each of phlo-sql's."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    statements: list[float] = field(default_factory=list)
    """Of our seconds, those in which the server ran the plan's statements."""
    before: list[Facts] = field(default_factory=list)
    after: list[Facts] = field(default_factory=list)


def measure(stack: Lent, out: Console, files: int, pairs: int) -> Found:
    """A warming run of the bare statement, then pairs in alternating order."""
    found = Found()
    with small_files.connected(stack.env) as connection:
        with doing(out, f"making a table of {files:,} small files") as say:
            small_files.make(connection, SCHEMA, files, say)
        [[small]] = small_files.run(
            connection,
            f'SELECT snapshot_id FROM {SCHEMA}."{small_files.TABLE}$snapshots" '
            "ORDER BY committed_at DESC LIMIT 1",
        )
        bare(connection, small, out, "optimizing once, to warm up")
        for number in range(pairs):
            text = f"pair {number + 1} of {pairs}"
            order = (ours, typed) if number % 2 else (typed, ours)
            for one in order:
                one(stack, connection, small, out, text, found)
    return found


def typed(_stack: Lent, connection: Any, small: int, out: Console, text: str, found: Found) -> None:
    found.bare.append(bare(connection, small, out, f"{text}: the bare statement"))


def bare(connection: Any, small: int, out: Console, text: str) -> float:
    """The statement as one would type it, on a table whose own size is already as wished."""
    reset(connection, small, SIZE)
    with doing(out, text) as say:
        started = time.perf_counter()
        small_files.run(connection, BARE, say)
        return time.perf_counter() - started


def ours(stack: Lent, connection: Any, small: int, out: Console, text: str, found: Found) -> None:
    reset(connection, small, small_files.SMALL)
    with doing(out, f"{text}: asking the small files a query"):
        found.before.append(small_files.facts(connection, SCHEMA))
    report = stack.folder / "report.json"
    words = ("table", "optimize", NAME, "--target-file-size", SIZE, "--yes", "--json", "--quiet")
    with doing(out, f"{text}: phlo-sql table optimize"), report.open("wb") as output:
        started = time.perf_counter()
        code = stack.phlo_sql(*words, output=output)
        found.ours.append(time.perf_counter() - started)
    said = report.read_text("utf-8")
    if code:
        problem = f"phlo-sql table optimize ended with exit code {code}: {' '.join(said.split())}"
        raise PhloSqlError(Code.INTERNAL, problem[:500], "run it by hand on a stack of your own")
    found.statements.append(sum(step["seconds"] for step in json.loads(said)["data"]["steps"]))
    with doing(out, f"{text}: asking the large files the same"):
        found.after.append(small_files.facts(connection, SCHEMA))


def reset(connection: Any, small: int, size: str) -> None:
    small_files.run(
        connection, f"ALTER TABLE {NAME} EXECUTE rollback_to_snapshot(snapshot_id => {small})"
    )
    small_files.run(
        connection, f"ALTER TABLE {NAME} SET PROPERTIES target_max_file_size = '{size}'"
    )


def times(found: Found) -> list[Pair]:
    before = found.before[0]
    mine, other = statistics.median(found.ours), statistics.median(found.bare)
    aside = statistics.median(a - b for a, b in zip(found.ours, found.statements, strict=True))
    return [
        at_most(
            f"{before.files:,} files, {human_size(before.bytes)}, wall time", mine, other, 1.1, "s"
        ),
        Pair(
            what="of that, outside of its statements",
            ours=f"{aside:.3g} s",
            other="",
            ratio=f"{aside / mine:.0%}",
        ),
    ]


def gains(found: Found) -> list[Pair]:
    sides = (found.after, found.before)
    latency = [statistics.median(each.latency for each in side) for side in sides]
    size = [statistics.median(each.bytes for each in side) for side in sides]
    files = [each[0].files for each in sides]
    a_second, in_words = (
        [f"{each:.2f} s" for each in latency],
        [human_size(each) for each in size],
    )
    return [
        lower("latency of one query", (latency[0], a_second[0]), (latency[1], a_second[1]), 40),
        lower("bytes", (size[0], in_words[0]), (size[1], in_words[1]), 20),
        Pair(
            what="data files",
            ours=f"{files[0]:,}",
            other=f"{files[1]:,}",
            ratio=f"{100 * (files[0] - files[1]) / files[1]:+.1f}%",
        ),
    ]
