"""The oldest versions of what we depend on still do: the newest are what every other test runs.

`lowest.lock` is resolved with `--resolution lowest-direct`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import environments

ROOT = Path(__file__).parent.parent.parent
LOCK = Path(__file__).parent / "lowest.lock"
TESTED = ("tests/unit/cli", "tests/unit/config", "tests/unit/observe", "tests/unit/observe_trino")
pytestmark = [pytest.mark.live, pytest.mark.xdist_group("package")]


def test_the_oldest_versions_pass_the_tests_that_touch_them() -> None:
    home = environments.made("lowest", "1", LOCK, sys.executable, with_us=True)
    there = [name for name in TESTED if (ROOT / name).is_dir()]
    ran = subprocess.run(
        [str(home / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *there],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
