"""The benchmarks that need no server run to their end; what they measure is nobody's to assert."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", ["help", "inventory"])
def test_a_small_benchmark_ends_with_its_ratios(part: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", part],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "ratio" in ran.stdout
