"""`runbook show --html` of every golden runbook's kind, as a browser shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.browser import opened

pytestmark = pytest.mark.live
PROGRAM = Path(sys.executable).parent / "phlo-sql"
RUNBOOKS = Path(__file__).parent.parent.parent / "sql" / "runbooks"
ONE_OF_EACH = sorted(
    {folder: next(iter(sorted(folder.rglob("*.sql")))) for folder in RUNBOOKS.iterdir()}.values()
)


@pytest.mark.parametrize("runbook", ONE_OF_EACH, ids=lambda path: path.parent.parent.name)
def test_a_reviewer_sees_it_without_network(runbook: Path, tmp_path: Path) -> None:
    page = tmp_path / "review.html"
    shown = subprocess.run(
        [str(PROGRAM), "runbook", "show", str(runbook), "--html", str(page)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    text = page.read_text()
    assert "http://" not in text.replace("http://www.w3.org", "")
    elements, picture = opened(page, tmp_path)
    assert "Step 1 of" in elements
    assert "Undo" in elements
    assert picture.stat().st_size > 10_000
