"""`--help` costs what click costs, and every command shows an example."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from tests.unit.cli.command_tree import LEAVES

HEAVY = (
    "rich",
    "sqlglot",
    "pyiceberg",
    "pyarrow",
    "trino",
    "psycopg",
    "datafusion",
    "sqlalchemy",
    "fastavro",
    "obstore",
    "requests",
    "numpy",
    "pydantic",
    "testcontainers",
    "phlo_sql.dialect",
    "phlo_sql.model.intents",  # its frozen dataclasses took as long as click
)


def test_there_are_commands() -> None:
    assert len(LEAVES) >= 7


@pytest.mark.parametrize("argv", [("--help",), ("table", "optimize", "--help"), ("--version",)])
def test_help_imports_nothing_heavy(argv: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom phlo_sql.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print('\\nMODULES', *sorted(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, check=True
    )
    loaded = set(ran.stdout.rsplit("MODULES", 1)[1].split())
    assert "click" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_shows_an_example(path: tuple[str, ...]) -> None:
    text = LEAVES[path].help or ""
    assert "Example" in text
    assert f"phlo-sql {' '.join(path)}" in text


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_is_explained(path: tuple[str, ...]) -> None:
    for parameter in LEAVES[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_speaks_json(path: tuple[str, ...]) -> None:
    assert any("--json" in parameter.opts for parameter in LEAVES[path].params)
