"""What `--help` costs as a whole process, against a click program with as many options."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.ratios import Pair, at_most
from benchmarks.servers import PHLO_SQL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.telling import Say

COMMANDS = (("--help",), ("table", "optimize", "--help"))
LIMIT = 1.5
_FLAG = "is_flag=True, "
_BARE = '''"""A click program with nothing behind its options."""

import click


@click.group()
def cli():
    """Nothing."""


@cli.group()
def table():
    """Nothing."""


@table.command()
@click.argument("name")
{options}def optimize(**given):
    """Nothing."""

{groups}'''
_GROUP = '''
@cli.command()
def {name}():
    """Nothing."""
'''


def measure(rounds: int, say: Say) -> list[Pair]:
    """Wall time of both programs in turn, the median of all rounds."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
        bare = write_bare(Path(folder))
        return [pair(words, bare, rounds, say) for words in COMMANDS]


def pair(words: Sequence[str], bare: Path, rounds: int, say: Say) -> Pair:
    ours, other = [PHLO_SQL, *words], [sys.executable, str(bare), *words]
    for command in (ours, other) * 2:  # so that the .pyc files are there, and read once
        timed(command)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            times[which].append(timed((ours, other)[which]))
        say(f"{number + 1} of {rounds} rounds of `phlo-sql {' '.join(words)}`")
    milliseconds = [1000 * statistics.median(each) for each in times]
    name = f"phlo-sql {' '.join(words)}"
    return at_most(name, milliseconds[0], milliseconds[1], LIMIT, "ms")


def timed(command: Sequence[str]) -> float:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def write_bare(folder: Path) -> Path:
    """The bare program as a module, which gets its .pyc, and a script that calls it."""
    from phlo_sql.cli.root import cli
    from phlo_sql.cli.table import optimize

    options = "".join(
        f'@click.option("{option.opts[-1]}", {_FLAG if option.is_flag else ""}help="Nothing.")\n'
        for option in optimize.params
        if isinstance(option, click.Option)
    )
    names = [name for name in cli.list_commands(None) if name != "table"]  # type: ignore[arg-type]
    groups = "\n".join(_GROUP.format(name=name) for name in names)
    (folder / "bare.py").write_text(_BARE.format(options=options, groups=groups), "utf-8")
    script = folder / "run.py"
    script.write_text("from bare import cli\n\ncli()\n", "utf-8")
    return script
