"""The documentation builds strictly, every page is reachable, and the reference is the code's."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from phlo_sql.cli.root import GROUPS
from phlo_sql.config import DEFINITIONS
from phlo_sql.errors import Code

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as CI publishes it: a broken link or anchor fails the build."""
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            str(out),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return out


def test_every_setting_and_every_error_is_documented(site: Path) -> None:
    settings = (site / "reference" / "settings.html").read_text()
    errors = (site / "reference" / "errors.html").read_text()
    assert not [each.name for each in DEFINITIONS if f"<code>{each.name}</code>" not in settings]
    assert not [code.id for code in Code if f"<code>{code.id}</code>" not in errors]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_each_command_is_in_the_reference(site: Path, group: str) -> None:
    page = unescape((site / "reference" / f"{group}.html").read_text())
    assert f"phlo-sql {group}" in re.sub(r"<[^>]+>", "", page)
    assert "--json" in page


def test_the_way_in_leads_to_every_guide() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = [*(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "docs" / "concepts").glob("*.md")]
    assert not [page.name for page in pages if f"({page.parent.name}/{page.name})" not in index]


def test_a_page_needs_no_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        for found in re.findall(r"""(?:src|href)=["'](https?://[^"']+)""", page.read_text()):
            assert not found.endswith((".css", ".js", ".woff2")), f"{page.name}: {found}"
