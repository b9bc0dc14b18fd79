"""Trino's own parser accepts every statement of every golden runbook, undo included."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import runbook

if TYPE_CHECKING:
    from tests.oracle.trino_parser import TrinoParser

ROOT = Path(__file__).parents[2] / "sql" / "runbooks"
FILES = sorted(ROOT.rglob("*.sql"))


def test_there_are_runbooks() -> None:
    assert len(FILES) >= 16


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_statement_parses(path: Path, parsers: dict[int, TrinoParser]) -> None:
    """A runbook of 476 in the grammar of 476, of any newer version in the newest."""
    text = path.read_text(encoding="utf-8")
    book = runbook.outline(text)
    parser = parsers[476 if book.head.trino_version == 476 else 484]
    statements = [item.text for item in runbook.items(text) if not item.comment]
    assert all(item.whole for item in runbook.items(text))
    undo = [step.undo_sql for step in book.steps if step.undo_sql]
    for sql in (*statements, *undo):
        assert parser.accepts(sql), sql
