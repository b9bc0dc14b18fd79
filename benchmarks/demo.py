"""`make demo`: 1,200 small files become few, seen from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import small_files
from phlo_sql.model.units import human_size

NAME = "demo"
FILES = 1200
PHLO_SQL = str(Path(sys.executable).with_name("phlo-sql"))


def command(*words: str, env: dict[str, str] | None = None) -> None:
    """Show a command as one would type it, and run it."""
    sys.stdout.write(f"\n$ phlo-sql {' '.join(words)}\n")
    sys.stdout.flush()
    subprocess.run([PHLO_SQL, *words], env=env, check=True)


def show(console: Console, before: small_files.Facts, after: small_files.Facts) -> None:
    table = Table(title="before and after", show_edge=False)
    for heading in ("", "before", "after", "change"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, was, now, text in (
        ("data files", before.files, after.files, "{:,}".format),
        ("bytes", before.bytes, after.bytes, human_size),
        ("one query", before.latency, after.latency, "{:.2f} s".format),
    ):
        table.add_row(name, text(was), text(now), f"{100 * (now - was) / was:+.0f}%")
    console.print()
    console.print(table)


def main() -> None:
    console = Console(highlight=False)
    console.print("$ phlo-sql stack up --name demo")
    try:
        up = subprocess.run(
            [PHLO_SQL, "stack", "up", "--name", NAME, "--json"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        document = json.loads(up.stdout)
        if up.returncode:
            console.print(
                "\n".join(document["errors"]), document["data"].get("error", {}).get("hint", "")
            )
            sys.exit(up.returncode)
        env = {**os.environ, **document["data"]["env"]}
        connection = small_files.connect(env)
        console.print(f"making a table of {FILES:,} small files from TPC-H data (about a minute)")
        small_files.make(connection, "demo", FILES)
        before = small_files.facts(connection, "demo")
        table = f"demo.{small_files.TABLE}"
        command("table", "optimize", table, "--target-file-size", "512MB", "--dry-run", env=env)
        command("table", "optimize", table, "--target-file-size", "512MB", "--yes", env=env)
        after = small_files.facts(connection, "demo")
        assert after.rows == before.rows
        show(console, before, after)
        command("table", "optimize", table, "--target-file-size", "512MB", "--yes", env=env)
    finally:
        subprocess.run([PHLO_SQL, "stack", "down", "--name", NAME, "--purge"], check=False)


if __name__ == "__main__":
    main()
