"""A dry run over many files, from the catalog's table to the plan, on synthetic tables."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import manifests, small_files
from benchmarks.ratios import Pair, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.telling import Say

COLUMNS = 4
OURS, THEIRS, LIMIT, IMPORTS = "dry run", "inspect.files", "decompression", "imports"
TRINO = "aggregate"
MEMORY = 450
SCHEMA = "bench_planning"
AGGREGATE = (
    'SELECT "partition", count(*), sum(file_size_in_bytes), sum(record_count) '
    'FROM {schema}."t$files" GROUP BY 1'
)


def measure(sizes: tuple[int, ...], env: Mapping[str, str], say: Say) -> list[Pair]:
    """CPU seconds without those of imports; each route in a process of its own. The largest table
    is shown to Trino as well, which adds up its files in its own way."""
    pairs: list[Pair] = []
    costs: list[tuple[int, float]] = []
    for files in sizes:
        with tempfile.TemporaryDirectory(prefix="phlo-sql-") as folder:
            say(f"writing manifests of {files:,} files")
            metadata = manifests.written(Path(folder), files, COLUMNS, partitioned=True)
            routes = (OURS, LIMIT, IMPORTS, *((THEIRS,) if files == max(sizes) else ()))
            found = {}
            for route in routes:
                say(f"{files:,} files: {route}")
                found[route] = manifests.measure(route, metadata)
            if files == max(sizes):
                say(f"{files:,} files: Trino's own aggregate")
                found[TRINO] = aggregate(metadata, env, files)
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


def aggregate(metadata: Path, env: Mapping[str, str], files: int) -> dict[str, float]:
    """Seconds of an aggregate over the files of the same manifests; the best of three."""
    home = metadata.parent / "table"
    (home / "metadata").mkdir(parents=True)
    content = json.loads(metadata.read_text("utf-8")) | {"location": f"file://{home}"}
    name = "00000-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json"
    (home / "metadata" / name).write_text(json.dumps(content), "utf-8")
    seconds = []
    with small_files.connected(env) as connection:
        small_files.run(connection, f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        small_files.run(
            connection,
            f"CALL {env['TRINO_CATALOG']}.system.register_table(schema_name => '{SCHEMA}', "
            f"table_name => 't', table_location => 'file://{home}', "
            f"metadata_file_name => '{name}')",
        )
        try:
            for _ in range(3):
                started = time.perf_counter()
                rows = small_files.run(connection, AGGREGATE.format(schema=SCHEMA))
                seconds.append(time.perf_counter() - started)
        finally:
            small_files.run(
                connection,
                f"CALL {env['TRINO_CATALOG']}.system.unregister_table("
                f"schema_name => '{SCHEMA}', table_name => 't')",
            )
    if sum(row[1] for row in rows) != files:
        raise AssertionError(f"Trino saw {sum(row[1] for row in rows)} files, not {files}")
    return {"wall": min(seconds)}


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
        at_most(
            f"{name}, wall time of Trino's aggregate",
            found[OURS]["wall"] - found[IMPORTS]["wall"],
            found[TRINO]["wall"],
            1.0,
            "s",
        ),
        at_most(f"{name}, peak memory", memory, MEMORY, 1.0, "MB"),
    ]
