"""A dry run over many files, from the catalog's table to the plan, on synthetic tables."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import manifests
from benchmarks.ratios import Pair, at_least, at_most

if TYPE_CHECKING:
    from benchmarks.telling import Say

COLUMNS = 4
OURS, THEIRS, LIMIT, IMPORTS = "dry run", "inspect.files", "decompression", "imports"
MEMORY = 450


def measure(sizes: tuple[int, ...], say: Say) -> list[Pair]:
    """CPU seconds without those of imports; each route in a process of its own."""
    pairs: list[Pair] = []
    costs: list[tuple[int, float]] = []
    for files in sizes:
        with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
            say(f"writing manifests of {files:,} files")
            manifests.write_table(Path(folder), files, COLUMNS, partitioned=True)
            metadata = Path(folder) / "v1.metadata.json"
            routes = (OURS, LIMIT, IMPORTS, *((THEIRS,) if files == max(sizes) else ()))
            found = {}
            for route in routes:
                say(f"{files:,} files: {route}")
                found[route] = manifests.measure(route, metadata)
        imports = found[IMPORTS]["cpu"]
        cpu = found[OURS]["cpu"] - imports
        costs.append((files, cpu))
        pairs.append(_plain(f"{files:,} files, CPU", f"{cpu:.2f} s", found[OURS]["rss"]))
        if THEIRS in found:
            pairs += _against(files, found, cpu, imports)
    (few, least), (many, most) = costs[0], costs[-1]
    growth = (most / many) / (least / few)
    pairs.append(at_most("CPU per file, most against fewest", growth, 1.0, 1.2, ""))
    return pairs


def _plain(what: str, cpu: str, memory: float) -> Pair:
    return Pair(what=what, ours=cpu, other="", ratio=f"peak {memory:.0f} MB")


def _against(
    files: int, found: dict[str, dict[str, float]], cpu: float, imports: float
) -> list[Pair]:
    name = f"{files:,} files"
    memory, theirs = found[OURS]["rss"], found[THEIRS]["rss"]
    unpacking = max(found[LIMIT]["cpu"] - 0.05, 0.01)
    return [
        at_least(f"{name}, CPU of inspect.files", cpu, found[THEIRS]["cpu"] - imports, 20, "s"),
        at_least(f"{name}, memory of inspect.files", memory, theirs, 3, "MB"),
        at_most(f"{name}, CPU of decompression", cpu, unpacking, 25, "s"),
        at_most(f"{name}, peak memory", memory, MEMORY, 1.0, "MB"),
    ]
