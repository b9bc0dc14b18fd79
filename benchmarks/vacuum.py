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

if TYPE_CHECKING:
    from benchmarks.telling import Say

_LIMIT = 1.5
_MEMORY = 400
_FOLDERS = 100
_ROUNDS = 3


def made(folder: Path, live: int, dead: int) -> Path:
    """A table's metadata, with every file that it names, and others beside them."""
    import pyarrow.compute as pc

    manifests.write_table(folder, live, 4, partitioned=True)
    metadata = folder / "v1.metadata.json"
    data = folder / "data"
    for number in range(_FOLDERS):
        (data / f"day={number:04d}").mkdir(parents=True)
    names = pc.replace_substring_regex(_history(metadata).reach.entries["path"], "^.*/", "")
    old = time.time() - 30 * 86_400
    for number, name in enumerate(
        [*names.to_pylist(), *(f"dead-{n}.parquet" for n in range(dead))]
    ):
        path = data / f"day={number % _FOLDERS:04d}" / name
        path.touch()
        os.utime(path, (old, old))
    return metadata


def _history(metadata: Path) -> Any:
    from pyiceberg.table import StaticTable

    from phlo_sql.model.names import TableName
    from phlo_sql.observe.history import read_history

    table = StaticTable.from_metadata(f"file://{metadata}")
    return read_history(table, TableName(catalog="iceberg", schema="bench", name="t"))


def route(what: str, folder: Path, metadata: Path) -> dict[str, float]:
    """One route, its seconds without imports, and the peak of the process."""
    from dataclasses import replace

    import pyarrow as pa
    import pyarrow.compute as pc
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from phlo_sql.compile.reachable import SCHEMA
    from phlo_sql.compile.vacuum import Seen, compile_vacuum
    from phlo_sql.flow.vacuum_seen import everything
    from phlo_sql.model.intents import Vacuum
    from phlo_sql.model.server import Server
    from phlo_sql.observe.listing import list_files

    home = f"file://{folder}"
    io = PyArrowFileIO()
    started = time.perf_counter()
    listing = list_files(io, home)
    found = listing.num_rows
    if what == "plan":
        history = _history(metadata)
        own = pc.replace_substring_regex(history.reach.entries["path"], "^.*/", f"{home}/data/")
        entries = history.reach.entries.set_column(1, "path", own)
        history = replace(history, location=home, reach=replace(history.reach, entries=entries))
        live = everything(history)
        now = datetime.now(UTC)
        server = Server(
            version=483,
            version_text="483",
            catalog="iceberg",
            connector="iceberg",
            user="bench",
            workers=1,
            session={},
            system_session={},
        )
        # Names decide what Trino takes; where a file lies is compared only for those it would.
        seen = Seen(
            history=history,
            live=live,
            others=pa.table(SCHEMA.empty_table()),
            listing=listing,
            server=server,
            now=now,
            as_of=now,
        )
        intent = Vacuum(table=history.table, older_than=timedelta(days=7))
        found = compile_vacuum(intent, seen, "bench").files.num_rows
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "rss": peak, "files": found}


def _child(what: str, folder: Path, metadata: Path, told: Any) -> None:
    told.send(json.dumps(route(what, folder, metadata)))


def _run(what: str, folder: Path, metadata: Path) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_child, args=(what, folder, metadata, there))
    process.start()
    found: dict[str, float] = json.loads(here.recv())
    process.join()
    return found


def measure(live: int, dead: int, say: Say) -> list[Pair]:
    """The best of some rounds of each."""
    with tempfile.TemporaryDirectory(prefix="phlo-sql-") as name:
        folder = Path(name)
        say(f"making {live + dead:,} files")
        metadata = made(folder, live, dead)
        rounds: dict[str, list[dict[str, float]]] = {"list": [], "plan": []}
        for _ in range(_ROUNDS):
            for what, found in rounds.items():
                say(f"vacuum: {what}")
                found.append(_run(what, folder, metadata))
    plan, listing = (min(rounds[w], key=lambda r: r["seconds"]) for w in ("plan", "list"))
    if plan["files"] < dead:
        raise AssertionError(f"it found {plan['files']} of {dead} dead files")
    peak = max(each["rss"] for each in rounds["plan"])
    what = f"{live:,} live files, {int(listing['files']):,} listed"
    return [
        at_most(f"{what}: planning / listing", plan["seconds"], listing["seconds"], _LIMIT, "s"),
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
