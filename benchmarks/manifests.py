"""How much it costs to read an inventory: ours against PyIceberg's `inspect.files()`.

    python benchmarks/manifests.py [--files 10000,100000] [--columns 4] [--unpartitioned] [--full]

Writes synthetic tables in the block size that Trino writes (64,000 bytes, deflate), reads each in a
child process of its own, and prints CPU seconds, peak memory and ratios. The limit is decompression
alone. `--full` goes up to a million files, which takes minutes: PyIceberg needs them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.model.server import Server

ROOT = Path(__file__).parents[1]
PER_MANIFEST = 10_000
ROUTES = ("ours", "dry run", "ours (fastavro)", "inspect.files", "decompression", "imports")


def entries(start: int, count: int, columns: int, *, partitioned: bool) -> Iterator[dict[str, Any]]:
    drawn = random.Random(start)  # noqa: S311 - any numbers will do
    for number in range(start, start + count):
        day = number % 1000
        ids = range(1, columns + 1)
        yield {
            "status": 1,
            "snapshot_id": None,
            "sequence_number": None,
            "file_sequence_number": None,
            "data_file": {
                "content": 0,
                "file_path": f"s3://lake/warehouse/sales/orders-8f3a/data/day={day:04d}/"
                f"20261123_101112_{number:08d}-{drawn.getrandbits(128):032x}.parquet",
                "file_format": "PARQUET",
                "partition": {"day": 19000 + day} if partitioned else {},
                "record_count": drawn.randrange(10_000),
                "file_size_in_bytes": drawn.randrange(1 << 28),
                "column_sizes": pairs(ids, lambda: drawn.randrange(1 << 20)),
                "value_counts": pairs(ids, lambda: 10_000),
                "null_value_counts": pairs(ids, lambda: 0),
                "lower_bounds": pairs(ids, lambda: struct.pack("<q", drawn.getrandbits(40))),
                "upper_bounds": pairs(ids, lambda: struct.pack("<q", drawn.getrandbits(40))),
                "split_offsets": [4],
                "sort_order_id": 0,
            },
        }


def pairs(ids: range, value: Any) -> list[dict[str, Any]]:
    return [{"key": each, "value": value()} for each in ids]


def write_table(folder: Path, files: int, columns: int, *, partitioned: bool) -> None:
    """A table of this many files, with `v1.metadata.json`."""
    from tests.unit.observe.manifest_maker import TableMaker

    day = {"type": "int", "logicalType": "date"}
    maker = TableMaker(folder)
    maker.columns = [
        {"id": each, "name": f"c{each}", "type": "long", "required": False}
        for each in range(1, columns + 1)
    ]
    if partitioned:
        field = {"source-id": 1, "field-id": 1000, "name": "day", "transform": "day"}
        maker.columns[0]["type"] = "timestamp"
        maker.specs = [{"spec-id": 0, "fields": [field]}]
        maker.avro_partitions[0] = [
            {"name": "day", "type": ["null", day], "default": None, "field-id": 1000}
        ]
    for start in range(0, files, PER_MANIFEST):
        count = min(PER_MANIFEST, files - start)
        maker.manifest(list(entries(start, count, columns, partitioned=partitioned)))
    maker.table()


def written(folder: Path, files: int, columns: int, *, partitioned: bool) -> Path:
    """The metadata of a table of this many files, made by a process of its own: the peak memory of
    a child starts at its parent's (getrusage, Linux)."""
    writer = multiprocessing.get_context("spawn").Process(
        target=write_table, args=(folder, files, columns), kwargs={"partitioned": partitioned}
    )
    writer.start()
    writer.join()
    if writer.exitcode:
        raise ChildProcessError(f"writing the manifests ended with {writer.exitcode}")
    return folder / "v1.metadata.json"


def read(route: str, metadata: Path) -> int:
    """One route, in the process that is measured; returns the number of files it saw."""
    if route == "decompression":
        return sum(decompress(path.read_bytes()) for path in metadata.parent.glob("m*.avro"))
    from pyiceberg.table import StaticTable

    table = StaticTable.from_metadata(f"file://{metadata}")
    if route == "inspect.files":
        return int(table.inspect.files().num_rows)
    if route == "dry run":
        return dry_run(table)
    from phlo_sql.observe.files import read_inventory

    if route == "imports":
        import datafusion  # noqa: F401

        return 0
    engine = "fastavro" if "fastavro" in route else None
    return int(read_inventory(table, engine=engine).files.num_rows)


def server() -> Server:
    """A Trino 483 that nobody asks."""
    from phlo_sql.model.server import Server

    return Server(
        version=483,
        version_text="483",
        catalog="iceberg",
        connector="iceberg",
        user="bench",
        workers=1,
        session={},
        system_session={},
    )


def dry_run(table: Any) -> int:
    """From the loaded table to the plan; returns the number of files that it went through."""
    from datetime import UTC, datetime

    from phlo_sql import runbook
    from phlo_sql.compile.optimize import compile_optimize
    from phlo_sql.model.intents import Optimize
    from phlo_sql.model.names import TableName
    from phlo_sql.observe.table import observe

    name = TableName(catalog="iceberg", schema="sales", name="orders")
    state = observe(table, name)
    planned = compile_optimize(Optimize(table=name), state, server(), datetime.now(UTC), "bench")
    runbook.write(planned.plan)
    return int(state.files.files.num_rows)


def decompress(data: bytes) -> int:
    from phlo_sql.observe.manifests_avro import flatten, read_long

    content, files, position = bytes(flatten(data).content), 0, 16
    while position < len(content):
        count, position = read_long(content, position)
        size, position = read_long(content, position)
        zlib.decompress(content[position : position + size], wbits=-15)
        files, position = files + count, position + size + 16
    return files


def measure(route: str, metadata: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--route", route, "--metadata", str(metadata)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return dict(json.loads(ran.stdout))


def report(files: int, columns: int, *, partitioned: bool, skip: set[str]) -> None:
    kind = "partitioned by day" if partitioned else "unpartitioned"
    print(f"\n{files:,} files, {columns} columns, {kind}")
    print(f"{'route':<18}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'ours is':>12}")
    with tempfile.TemporaryDirectory() as folder:
        metadata = written(Path(folder), files, columns, partitioned=partitioned)
        found = {each: measure(each, metadata) for each in ROUTES if each not in skip}
    ours = found["ours"]
    for route, own in found.items():
        if route not in ("imports", "ours") and own["files"] != ours["files"]:
            raise SystemExit(f"{route} saw {own['files']} files, ours {ours['files']}")
        ratio = f"{own['cpu'] / ours['cpu']:.2f}x" if route != "ours" else ""
        print(f"{route:<18}{own['cpu']:>9.2f}{own['wall']:>9.2f}{own['rss']:>9.0f}{ratio:>12}")


def child(route: str, metadata: Path) -> None:
    started = time.perf_counter()
    files = read(route, metadata)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "files": files,
                "cpu": used.ru_utime + used.ru_stime,
                "wall": time.perf_counter() - started,
                "rss": used.ru_maxrss / 1024,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", default="10000,100000", help="numbers of files, by commas")
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--unpartitioned", action="store_true")
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and 1,000,000 files")
    parser.add_argument("--skip", default="", help="routes to leave out, by commas")
    parser.add_argument("--route", choices=ROUTES, help=argparse.SUPPRESS)
    parser.add_argument("--metadata", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.route:
        child(given.route, given.metadata)
        return
    sizes = "10000,100000,1000000" if given.full else given.files
    for files in sizes.split(","):
        report(
            int(files),
            given.columns,
            partitioned=not given.unpartitioned,
            skip=set(given.skip.split(",")),
        )


sys.path.insert(0, str(ROOT))
if __name__ == "__main__":
    main()
