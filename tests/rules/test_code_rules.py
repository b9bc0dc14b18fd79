"""Rules about the code that a machine can hold: what is only written down rots."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "phlo_sql").rglob("*.py"))
SQL_HEAD = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|ALTER|CREATE|DROP|CALL|GRANT|REVOKE|DENY|EXPLAIN|SHOW"
    r"|SET SESSION|RESET|COMMENT ON|ANALYZE|TRUNCATE|EXECUTE|WHERE)\s",
)
MAX_LINES = 400


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 20


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_are_short_and_say_what_they_own(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text)), "no module docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_sql_is_formatted(path: Path) -> None:
    if path.parent.name == "dialect":
        return  # the printer itself
    found = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.JoinedStr)
        and node.values
        and isinstance(node.values[0], ast.Constant)
        and SQL_HEAD.match(str(node.values[0].value))
    ]
    assert not found, f"SQL made by an f-string in lines {found}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_module_names_are_nouns_with_a_meaning(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "misc", "manager"}


def test_nothing_committed_names_a_machine_or_a_registry() -> None:
    forbidden = re.compile(
        "|".join(
            [
                r"/wor" + r"k/",
                r"/roo" + r"t/",
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "maven" + r"\.org",
                "repo1" + r"\.maven",
                r"registry\.npm" + "js",
                r"proxy\.golang" + r"\.org",
                "crates" + r"\.io",
                r"deb\.deb" + r"ian\.org",
            ]
        )
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{name_of(path)}: {match[0]}" for match in forbidden.finditer(text)]
    assert not found
