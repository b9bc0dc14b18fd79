"""`make demo`: 1,200 small files become few, seen from the command line."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from benchmarks import small_files
from benchmarks.servers import exit_code, lent
from benchmarks.telling import console, doing
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.servers import Lent
    from benchmarks.small_files import Facts

NAME = "demo"
FILES = 1200
OPTIMIZE = ("table", "optimize", f"{NAME}.{small_files.TABLE}", "--target-file-size", "512MB")


def demo() -> int:
    out = console()
    started = time.monotonic()
    with lent(NAME, out) as stack:
        code = show(stack, out)
    out.print(f"\n{time.monotonic() - started:.0f} s in all; nothing of it is left behind")
    return code


def show(stack: Lent, out: Console) -> int:
    with small_files.connected(stack.env) as connection:
        with doing(out, f"making a table of {FILES:,} small files from TPC-H data") as say:
            small_files.make(connection, NAME, FILES, say)
        with doing(out, "asking it one query, four times"):
            before = small_files.facts(connection, NAME)
        heading(out, "What would happen?")
        if code := command(stack, out, *OPTIMIZE, "--dry-run"):
            return code
        heading(out, "Do it.")
        if code := command(stack, out, *OPTIMIZE, "--yes"):
            return code
        heading(out, "What has it brought?")
        with doing(out, "asking the same query, four times"):
            after = small_files.facts(connection, NAME)
    out.print(compared(before, after))
    if after.rows != before.rows:
        out.print(f"the table had {before.rows:,} rows and has {after.rows:,}")
        return 1
    heading(out, "And once more?")
    return command(stack, out, *OPTIMIZE, "--yes")


def heading(out: Console, text: str) -> None:
    out.print()
    out.rule(Text(text, "bold"), align="left")


def command(stack: Lent, out: Console, *words: str) -> int:
    """Show a command as one would type it, and run it."""
    out.print(Text.assemble(("$ ", "dim"), ("phlo-sql " + shlex.join(words), "bold")))
    sys.stdout.flush()
    return stack.phlo_sql(*words)


def compared(before: Facts, after: Facts) -> Table:
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("")
    for heading in ("before", "after", "change"):
        table.add_column(heading, justify="right")
    for name, was, now, text in (
        ("data files", before.files, after.files, "{:,}".format),
        ("bytes", before.bytes, after.bytes, human_size),
        ("one query", before.latency, after.latency, "{:.2f} s".format),
        ("rows", before.rows, after.rows, "{:,}".format),
    ):
        change = f"{100 * (now - was) / was:+.1f}%" if now != was else "none"
        table.add_row(name, text(was), text(now), change)
    return table


if __name__ == "__main__":
    sys.exit(exit_code(demo))
