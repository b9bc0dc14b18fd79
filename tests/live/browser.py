"""A real browser for pages that claim to need nothing from elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def opened(page: Path, folder: Path) -> tuple[str, Path]:
    """The page's elements as the browser has them, and a picture of it. No address is reachable."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser, "a browser is needed: apt-get install chromium"
    shot = folder / "shot.png"
    words = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=900,1400",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder}/profile",
    ]
    for more in ([f"--screenshot={shot}"], ["--dump-dom"]):
        ran = subprocess.run(
            [*words, *more, page.as_uri()],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
    return ran.stdout, shot
