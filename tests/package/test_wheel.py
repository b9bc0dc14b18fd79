"""The wheel and the sdist, built here and installed where nothing of this checkout is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from inspect import cleandoc
from pathlib import Path

import click
import pytest

from phlo_sql.cli import cli
from tests import environments
from tests.unit.cli.command_tree import COMMANDS

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.live, pytest.mark.xdist_group("package")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return out


@pytest.fixture(scope="module")
def pins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions, as pip's constraints."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    found = (line.split("\\")[0].strip() for line in lines if line and line[0].isalnum())
    path = tmp_path_factory.mktemp("lock") / "constraints.txt"
    path.write_text("\n".join(found))
    return path


@pytest.fixture(scope="module")
def installed(built: Path, pins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment with what the sdist builds to, and its dependencies."""
    home = tmp_path_factory.mktemp("clean") / "venv"
    environments.uv("venv", "--python", sys.executable, str(home))
    environments.install(home, "-c", str(pins), str(next(built.glob("*.tar.gz"))))
    return home


def run(home: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(home)}
    ran = subprocess.run(
        [home / "bin" / words[0], *words[1:]],
        cwd=home,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_wheel_holds_types_and_sql_and_no_tests(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert "phlo_sql/py.typed" in names
    assert any(name.startswith("phlo_sql/sql/postgres/") for name in names)
    assert any(name.startswith("phlo_sql/sql/runbooks/") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/"))]


def test_the_sdist_builds_again(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        names = {name.split("/", 1)[1] for name in source.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"} <= names
    assert "phlo_sql/__init__.py" in names
    assert any(name.startswith("sql/postgres/") for name in names)


def test_pipx_runs_the_wheel_without_installing_it(built: Path, pins: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pipx", "run", "--spec", str(next(built.glob("*.whl")))),
            *("phlo-sql", "--version"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PIPX_HOME": str(tmp_path / "pipx"),
            "PIPX_BIN_DIR": str(tmp_path / "bin"),
            "PIPX_MAN_DIR": str(tmp_path / "man"),
            "PIP_CONSTRAINT": str(pins),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "tested with Trino 476 and 483" in ran.stdout


def test_it_runs_where_it_is_installed(installed: Path) -> None:
    said = run(installed, "phlo-sql", "--version")
    assert "tested with Trino 476 and 483" in said
    assert "optimize" in run(installed, "phlo-sql", "table", "--help")


def test_its_sql_is_found_there(installed: Path) -> None:
    program = (
        "from importlib.resources import files; "
        "print(*(p.name for p in files('phlo_sql').joinpath('sql/postgres').iterdir()))"
    )
    assert ".sql" in run(installed, "python", "-c", program)


def test_phlo_finds_the_plugin_and_phlo_sql_alone_needs_no_phlo(installed: Path) -> None:
    program = (
        "from importlib.metadata import entry_points; "
        "print(*entry_points(group='phlo.plugins.cli').names)"
    )
    assert run(installed, "python", "-c", program).split() == ["sql"]
    lists = (
        "from importlib.metadata import distributions; print(*(d.name for d in distributions()))"
    )
    assert "phlo" not in run(installed, "python", "-c", lists).split()


def test_man_pages_are_made_from_the_same_source(tmp_path: Path) -> None:
    writer = ROOT / "docs" / "site" / "man.py"
    subprocess.run([sys.executable, str(writer), str(tmp_path)], check=True)
    for path, command in {(): cli, **COMMANDS}.items():
        page = (tmp_path / f"{'-'.join(('phlo-sql', *path))}.1").read_text()
        assert not [letter for letter in page if letter < " " and letter != "\n"], path
        for roff, letter in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\e", "\\")):
            page = page.replace(roff, letter)
        kept = cleandoc(command.help or "").split("\n\n")
        kept = [each.removeprefix("\b\n") for each in kept if each.startswith("\b")]
        assert not [each for each in kept if f".nf\n{each}\n.fi" not in page], path
        options = [each for each in command.params if isinstance(each, click.Option)]
        assert not [each.name for each in options if f"fB{each.opts[0]}" not in page]
