"""Reading a table's file inventory against PyIceberg's `inspect.files()`, on synthetic tables."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import manifests
from benchmarks.ratios import Pair, at_least

if TYPE_CHECKING:
    from benchmarks.telling import Say

COLUMNS = 4
OURS, THEIRS, IMPORTS = "ours", "inspect.files", "imports"


def measure(files: int, say: Say) -> list[Pair]:
    """CPU seconds without those of imports, and peak memory; each route in its own process."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
        say(f"writing manifests of {files:,} files")
        metadata = manifests.written(Path(folder), files, COLUMNS, partitioned=True)
        found = {}
        for route in (OURS, THEIRS, IMPORTS):
            say(f"reading by {route}")
            found[route] = manifests.measure(route, metadata)
    if found[OURS]["files"] != found[THEIRS]["files"]:
        raise AssertionError(f"they disagree about the number of files: {found}")
    imports = found[IMPORTS]["cpu"]
    cpu, memory = ([found[each][key] for each in (OURS, THEIRS)] for key in ("cpu", "rss"))
    name = f"{files:,} files"
    return [
        at_least(f"{name}, CPU without imports", cpu[0] - imports, cpu[1] - imports, 30, "s"),
        Pair(
            what=f"{name}, peak memory",
            ours=f"{memory[0]:.0f} MB",
            other=f"{memory[1]:.0f} MB",
            ratio=f"{memory[1] / memory[0]:.1f}x less",
        ),
    ]
