"""Golden runbooks of `runbook undo`: what goes back over other golden runbooks, byte for byte."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tables import ORDERS, server  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.flow.undoing import Found, going_back
from phlo_sql.model.intents import UndoRunbook

ROOT = Path(__file__).parents[2] / "sql" / "runbooks"
NOW = datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC)
LOCATION = "s3://lake/sales/orders/metadata/00009-77aa.metadata.json"
LOST = "high: 2 commit(s) that changed rows since are lost with it"
CASES = {
    "optimize": ("table-optimize", "small-files", ""),
    "rows-since": ("table-optimize", "small-files", LOST),
    "target-size": ("table-optimize", "target-size-given-back", ""),
    "swapped-names": ("schema-evolve", "swap-names", ""),
    "added-columns": ("schema-evolve", "add-columns", ""),
    "added-columns-in-use": ("schema-evolve", "add-columns", LOST),
}
"""Name → the runbook that ran (command, file), and what was committed since."""


def emitted(name: str, version: int) -> str:
    command, file, lost = CASES[name]
    ran = (ROOT / command / str(version) / f"{file}.sql").read_text(encoding="utf-8")
    intent = UndoRunbook(
        table=ORDERS,
        ref=None,
        text=ran,
        file=f"{file}.sql",
        done=tuple(step.id for step in runbook.read(ran).plan.steps),
    )
    found = Found(
        table=ORDERS,
        location=LOCATION,
        snapshot_id=8954597067493422999,
        lost=lost,
        server=server(version),
    )
    return runbook.write(going_back(intent, found, NOW).plan).text


@pytest.mark.parametrize("version", [476, 483])
@pytest.mark.parametrize("name", CASES)
def test_runbook_is_as_it_was(name: str, version: int, request: pytest.FixtureRequest) -> None:
    text = emitted(name, version)
    path = ROOT / "runbook-undo" / str(version) / f"{name}.sql"
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
    assert runbook.read(text).text == text


def test_no_golden_file_is_left_over() -> None:
    found = {path.stem for path in (ROOT / "runbook-undo").rglob("*.sql")}
    assert found == set(CASES)
