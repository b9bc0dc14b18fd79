"""A table of 300 partitions, of which 30 need it: `table optimize` against one bare statement.

The statement that Trino has for it goes through all partitions, and rewrites those in which two
files are that gain nothing together. Both run on the very same files: the table is rolled back.
"""

from __future__ import annotations

import json
import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import small_files
from benchmarks.ratios import Pair, at_most
from benchmarks.telling import doing
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.servers import Lent

SCHEMA, TABLE = "bench_slices", "days"
NAME = f"{SCHEMA}.{TABLE}"
PARTITIONS, NEEDY = 300, 30
FEW = 1_000
"""Rows of a day that needs nothing."""
BARE = f"ALTER TABLE {NAME} EXECUTE optimize(file_size_threshold => '100MB')"
SLICE = "60"
"""Files of one slice: two of them for what needs it."""


@dataclass(slots=True)
class Found:
    """Seconds, and bytes rewritten, of every run."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    statements: list[float] = field(default_factory=list)
    """Of our seconds, those in which the server ran statements, as if one after the other."""
    ours_bytes: list[int] = field(default_factory=list)
    bare_bytes: list[int] = field(default_factory=list)


def make(connection: Any, rows: int) -> int:
    """One file in every partition; in those that need it four of so many rows. Returns the
    snapshot."""
    run = small_files.run
    run(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    columns = "day date, id bigint, note varchar"
    run(connection, f"CREATE TABLE {NAME} ({columns}) WITH (partitioning = ARRAY['day'])")
    fill(connection, (NEEDY, PARTITIONS - 1), FEW)
    for _ in range(4):
        fill(connection, (0, NEEDY - 1), rows)
    return newest(connection)


def fill(connection: Any, days: tuple[int, int], rows: int) -> None:
    """One more file of so many rows in each of these days."""
    first, last = days
    small_files.run(
        connection,
        f"INSERT INTO {NAME} SELECT date_add('day', d, DATE '2026-01-01'), n, "
        "to_hex(sha256(to_utf8(CAST(n * 1000 + d AS varchar)))) "
        f"FROM UNNEST(sequence({first}, {last})) AS a (d) "
        f"CROSS JOIN UNNEST(sequence(1, {rows // 100})) AS b (h) "
        "CROSS JOIN UNNEST(sequence(1, 100)) AS c (u) CROSS JOIN LATERAL "
        "(SELECT (h - 1) * 100 + u) AS e (n)",
    )


def newest(connection: Any) -> int:
    [[found]] = small_files.run(
        connection,
        f'SELECT snapshot_id FROM {SCHEMA}."{TABLE}$snapshots" ORDER BY committed_at DESC LIMIT 1',
    )
    return int(found)


def rewritten(connection: Any, since: int) -> int:
    """Bytes of the files that were there and are gone."""
    name = f'{SCHEMA}."{TABLE}$files"'
    [[gone]] = small_files.run(
        connection,
        f"SELECT coalesce(sum(file_size_in_bytes), 0) FROM {SCHEMA}.before_{since} "
        f"WHERE file_path NOT IN (SELECT file_path FROM {name})",
    )
    return int(gone)


def measure(stack: Lent, out: Console, rows: int, pairs: int) -> Found:
    found = Found()
    with small_files.connected(stack.env) as connection:
        with doing(out, f"making a table of {PARTITIONS} partitions"):
            snapshot = make(connection, rows)
            small_files.run(
                connection,
                f"CREATE TABLE {SCHEMA}.before_{snapshot} AS "
                f'SELECT file_path, file_size_in_bytes FROM {SCHEMA}."{TABLE}$files"',
            )
        typed(connection, snapshot, out, "warming up", Found())
        for number in range(pairs):
            text = f"pair {number + 1} of {pairs}"
            for one in (True, False) if number % 2 else (False, True):
                if one:
                    ours(stack, connection, snapshot, out, text, found)
                else:
                    typed(connection, snapshot, out, text, found)
    return found


def reset(connection: Any, snapshot: int) -> None:
    small_files.run(
        connection, f"ALTER TABLE {NAME} EXECUTE rollback_to_snapshot(snapshot_id => {snapshot})"
    )


def typed(connection: Any, snapshot: int, out: Console, text: str, found: Found) -> None:
    reset(connection, snapshot)
    with doing(out, f"{text}: the bare statement") as say:
        started = time.perf_counter()
        small_files.run(connection, BARE, say)
        found.bare.append(time.perf_counter() - started)
    found.bare_bytes.append(rewritten(connection, snapshot))


def ours(
    stack: Lent, connection: Any, snapshot: int, out: Console, text: str, found: Found
) -> None:
    reset(connection, snapshot)
    report = stack.folder / "slices.json"
    words = ("table", "optimize", NAME, "--max-slice-files", SLICE, "--yes")
    with doing(out, f"{text}: phlo-sql in slices"), report.open("wb") as output:
        started = time.perf_counter()
        code = stack.phlo_sql(*words, "--json", "--quiet", output=output)
        found.ours.append(time.perf_counter() - started)
    said = json.loads(report.read_text("utf-8"))
    if code:
        problem = f"phlo-sql table optimize ended with exit code {code}: {said['errors']}"
        raise PhloSqlError(Code.INTERNAL, problem[:500], "run it by hand on a stack of your own")
    found.statements.append(sum(step["seconds"] for step in said["data"]["steps"]))
    found.ours_bytes.append(rewritten(connection, snapshot))


def figures(found: Found) -> list[Pair]:
    return [
        at_most(
            f"{NEEDY} of {PARTITIONS} partitions, wall time",
            statistics.median(found.ours),
            statistics.median(found.bare),
            1.2,
            "s",
        ),
        Pair(
            what="of that, its statements",
            ours=f"{statistics.median(found.statements):.3g} s",
            other="",
            ratio="",
        ),
        at_most("bytes rewritten", found.ours_bytes[0], found.bare_bytes[0], 1.0, "bytes"),
    ]
