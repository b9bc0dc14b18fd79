"""`make bench`: ratios side by side, each pair measured in one run, on servers of its own."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks import (
    deciding,
    inventory,
    migrating,
    optimizing,
    planning,
    predicting,
    ratios,
    slicing,
    starting,
    trail,
    vacuum,
    vacuum_predicting,
)
from benchmarks.servers import exit_code, lent
from benchmarks.telling import console, doing
from phlo_sql import TESTED_TRINO_VERSIONS

if TYPE_CHECKING:
    from rich.console import Console

NAME = "bench"
PARTS = (
    "help",
    "inventory",
    "optimize",
    "access",
    "dry-run",
    "slices",
    "vacuum",
    "predictions",
    "audit",
    "migrate",
)


def help_(out: Console, *, quick: bool) -> None:
    rounds = 10 if quick else 60
    with doing(out, f"starting both programs {rounds} times") as say:
        pairs = starting.measure(rounds, say)
    ratios.show(out, "help, whole process", ("phlo-sql", "bare click"), pairs)


def inventory_(out: Console, *, quick: bool) -> None:
    with doing(out, "reading a table's inventory") as say:
        pairs = inventory.measure(20_000 if quick else 100_000, say)
    ratios.show(out, "inventory", ("phlo-sql", "inspect.files"), pairs)


def optimize(out: Console, *, quick: bool) -> None:
    with lent(NAME, out) as stack:
        found = optimizing.measure(
            stack, out, files=120 if quick else 1200, pairs=1 if quick else 3
        )
    ratios.show(out, "optimize", ("phlo-sql", "bare statement"), optimizing.times(found))
    ratios.show(out, "what it brings", ("after", "before"), optimizing.gains(found))


def access(out: Console, *, quick: bool) -> None:
    with doing(out, "asking OPA") as say:
        found = deciding.decisions(300 if quick else 5000, say)
    deciding.show(out, found)
    with doing(out, "running queries behind OPA and without") as say:
        times = deciding.queries(10 if quick else 60, say)
    deciding.show_queries(out, times)


def dry_run(out: Console, *, quick: bool) -> None:
    sizes = (10_000, 20_000) if quick else (10_000, 100_000, 1_000_000)
    with lent(NAME, out) as stack, doing(out, "planning") as say:
        pairs = planning.measure(sizes, stack.env, say)
    ratios.show(out, "dry run", ("phlo-sql", "other"), pairs)


def predictions(out: Console, *, quick: bool) -> None:
    for version in TESTED_TRINO_VERSIONS:
        with lent(NAME, out, version) as stack:
            lines = predicting.measure(stack, out, 3 if quick else None)
        predicting.show(out, version, lines)


def slices(out: Console, *, quick: bool) -> None:
    with lent(NAME, out) as stack:
        found = slicing.measure(
            stack, out, rows=1_000 if quick else 300_000, pairs=1 if quick else 3
        )
    ratios.show(out, "slices", ("phlo-sql", "bare statement"), slicing.figures(found))


def vacuum_(out: Console, *, quick: bool) -> None:
    live, dead = (5_000, 500) if quick else (100_000, 10_000)
    with doing(out, "planning a vacuum") as say:
        pairs = vacuum.measure(live, dead, say)
    ratios.show(out, "vacuum", ("planning", "listing"), pairs)
    for version in TESTED_TRINO_VERSIONS:
        with lent(NAME, out, version, frozenset({"nessie"})) as stack:
            found = vacuum_predicting.measure(stack, out, 3 if quick else None)
        vacuum_predicting.show(out, version, found)


def audit(out: Console, *, quick: bool) -> None:
    rows = 40_000 if quick else 1_000_000
    with lent(NAME, out) as stack:
        with doing(out, "filling an audit trail") as say:
            asked = trail.asking(stack, rows, say)
        with doing(out, "collecting") as say:
            collected = trail.collecting(stack, 2_000 if quick else 30_000, say)
    trail.show(out, asked, rows)
    trail.show_collected(out, collected)


def migrate(out: Console, *, quick: bool) -> None:
    with lent(NAME, out, services=frozenset({"nessie", "hive"})) as stack:
        pairs = migrating.measure(
            stack,
            out,
            size=(64 if quick else 1024) * 1024**2,
            partitions=20 if quick else 1000,
            tables=50 if quick else 2000,
            of_one=100 if quick else 10_000,
        )
    ratios.show(out, "migrate", ("phlo-sql", "other"), pairs)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--quick", action="store_true", help="small: to see that it works")
    given = parser.parse_args()
    out = console()
    for part, run in zip(
        PARTS,
        (
            help_,
            inventory_,
            optimize,
            access,
            dry_run,
            slices,
            vacuum_,
            predictions,
            audit,
            migrate,
        ),
        strict=True,
    ):
        if given.only in (None, part):
            run(out, quick=given.quick)
            out.print()
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
