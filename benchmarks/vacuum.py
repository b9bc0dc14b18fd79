"""Planning a vacuum against the time of listing alone, on a table of files that really lie there.

    python -m benchmarks.vacuum [--live 100000] [--dead 10000]

Both are measured in child processes, turn about: listing first would warm the other's directories.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import manifests
from benchmarks.ratios import Pair, at_most
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from benchmarks.telling import Say

_LIMIT = 1.5
_MEMORY = 400
_FOLDERS = 100
_ROUNDS = 3
_LATER = timedelta(days=30)
"""Planned as of then, when files made just now are old enough to go."""
NAME = TableName(catalog="iceberg", schema="bench", name="t")


def made(folder: Path, live: int, dead: int) -> Path:
    """A table's metadata, with every file that it names, and others beside them."""
    import pyarrow.compute as pc

    from phlo_sql.observe.history import read_history

    folder.mkdir()
    metadata = manifests.written(folder, live, 4, partitioned=True)
    data = folder / "data"
    for number in range(_FOLDERS):
        (data / f"day={number:04d}").mkdir(parents=True)
    history = read_history(_table(metadata), NAME)
    names = pc.replace_substring_regex(history.reach.entries["path"], "^.*/", "")
    for number, name in enumerate(
        [*names.to_pylist(), *(f"dead-{n}.parquet" for n in range(dead))]
    ):
        os.mknod(f"{data}/day={number % _FOLDERS:04d}/{name}")
    return metadata


def _table(metadata: Path) -> Any:
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(f"file://{metadata}")


def route(what: str, folder: Path, metadata: Path, warm: tuple[Path, Path]) -> dict[str, float]:
    """One route: its seconds and processor time without imports, and the peak of the process.
    `warm` is a small table on which the same is done before."""
    works = {"list": _listing, "plan": _planning}
    works[what](*warm)
    started, used = time.perf_counter(), time.process_time()
    found = works[what](folder, metadata)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": used, "rss": peak, "files": found}


def _listing(folder: Path, _metadata: Path) -> int:
    return int(_listed(folder).num_rows)


def _listed(folder: Path) -> Any:
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from phlo_sql.observe.listing import list_files

    return list_files(PyArrowFileIO(), f"file://{folder}")


def _planning(folder: Path, metadata: Path) -> int:
    import pyarrow as pa

    from phlo_sql.compile.reachable import SCHEMA, everything
    from phlo_sql.compile.vacuum import Seen, compile_vacuum
    from phlo_sql.flow.vacuum_seen import both
    from phlo_sql.model.intents import Vacuum

    home = f"file://{folder}"
    table = _table(metadata)
    table.metadata = table.metadata.model_copy(update={"location": home})
    history, listing = both(table, NAME, None)
    now = datetime.now(UTC) + _LATER
    # Names decide what Trino takes; where a file lies is compared only for those it would.
    seen = Seen(
        history=history,
        live=everything(history),
        others=pa.table(SCHEMA.empty_table()),
        listing=listing,
        server=manifests.server(),
        now=now,
        as_of=now,
    )
    intent = Vacuum(table=history.table, older_than=timedelta(days=7))
    return int(compile_vacuum(intent, seen, "bench").files.num_rows)


def _child(what: str, folder: Path, metadata: Path, warm: tuple[Path, Path], told: Any) -> None:
    told.send(json.dumps(route(what, folder, metadata, warm)))


def _run(what: str, folder: Path, metadata: Path, warm: tuple[Path, Path]) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_child, args=(what, folder, metadata, warm, there))
    process.start()
    there.close()  # else a child that fails leaves this one waiting
    found: dict[str, float] = json.loads(here.recv())
    process.join()
    return found


def measure(live: int, dead: int, say: Say) -> list[Pair]:
    """The best of some rounds of each."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as name:
        folder, small = Path(name, "table"), Path(name, "small")
        say(f"making {live + dead:,} files")
        metadata = made(folder, live, dead)
        warm = small, made(small, 100, 10)
        rounds: dict[str, list[dict[str, float]]] = {"list": [], "plan": []}
        for _ in range(_ROUNDS):
            for what, found in rounds.items():
                say(f"vacuum: {what}")
                found.append(_run(what, folder, metadata, warm))
    plan, listing = (min(rounds[w], key=lambda r: r["seconds"]) for w in ("plan", "list"))
    cpu = {w: min(each["cpu"] for each in found) for w, found in rounds.items()}
    if plan["files"] < dead:
        raise AssertionError(f"it found {plan['files']} of {dead} dead files")
    peak = max(each["rss"] for each in rounds["plan"])
    what = f"{live:,} live files, {int(listing['files']):,} listed"
    return [
        at_most(f"{what}: planning / listing", plan["seconds"], listing["seconds"], _LIMIT, "s"),
        Pair(
            what=f"{what}: processor time, which a busy machine changes least",
            ours=f"{cpu['plan']:.3g} s",
            other=f"{cpu['list']:.3g} s",
            ratio=f"{cpu['plan'] / cpu['list']:.2f}x",
        ),
        Pair(
            what=f"{what}: peak memory",
            ours=f"{peak:.0f} MB",
            other="-",
            ratio="-",
            goal=f"<= {_MEMORY} MB",
            met=peak <= _MEMORY,
        ),
    ]


def main() -> int:
    from benchmarks import ratios
    from benchmarks.telling import console, doing

    parser = argparse.ArgumentParser(prog="python -m benchmarks.vacuum", description=__doc__)
    parser.add_argument("--live", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=10_000)
    given = parser.parse_args()
    out = console()
    with doing(out, "planning a vacuum") as say:
        pairs = measure(given.live, given.dead, say)
    ratios.show(out, "vacuum", ("planning", "listing"), pairs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
