"""Golden runbooks of `table expire-snapshots` and `table vacuum`, per Trino version.

`pytest tests/golden --update` writes them anew; the difference is then reviewed in git.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from tables import ORDERS, server  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.compile.expire import compile_expire
from phlo_sql.compile.reachable import METADATA, SCHEMA, distinct, reached, rows_of
from phlo_sql.compile.vacuum import Seen, compile_vacuum
from phlo_sql.compile.vacuum_scratch import Scratch
from phlo_sql.compile.vacuum_union import Version, scratch_table, union_of
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.history import History, Reach, SizedFile
from phlo_sql.model.intents import ExpireSnapshots, Vacuum
from phlo_sql.model.state import Snapshot, SnapshotRef

if TYPE_CHECKING:
    from phlo_sql.model.names import TableName

ROOT = Path(__file__).parents[2] / "sql" / "runbooks"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOME = "s3://lake/sales/orders"
UUID = "6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d"
AGES = (40, 30, 9, 1)
"""Days since each snapshot's commit, the oldest first."""
EXPIRE = {
    "a-week": ExpireSnapshots(table=ORDERS),
    "keep-last": ExpireSnapshots(table=ORDERS, keep_last=2),
    "clean-metadata": ExpireSnapshots(table=ORDERS, clean_expired_metadata=True),
    "short-retention": ExpireSnapshots(
        table=ORDERS, older_than=timedelta(hours=36), allow_short_retention=True
    ),
    "nothing-to-do": ExpireSnapshots(table=ORDERS, older_than=timedelta(days=60)),
}
VACUUM = {
    "expire-and-orphans": Vacuum(table=ORDERS),
    "short-retention": Vacuum(
        table=ORDERS, older_than=timedelta(hours=36), allow_short_retention=True
    ),
    "nessie-all-refs": Vacuum(table=ORDERS),
    "nothing-to-do": Vacuum(table=ORDERS, older_than=timedelta(days=60)),
}


def history(table: TableName = ORDERS) -> History:
    """Four commits, each of which took away the file of the one before it."""
    numbers = range(1, len(AGES) + 1)
    return History(
        table=table,
        ref=None,
        ref_hash=None,
        uuid=UUID,
        format_version=2,
        location=HOME,
        metadata_location=f"{HOME}/metadata/00004-a.metadata.json",
        snapshot_id=len(AGES),
        properties={},
        snapshots=tuple(
            Snapshot(
                snapshot_id=n,
                parent_id=n - 1 or None,
                sequence_number=n,
                timestamp_ms=int((NOW - timedelta(days=age)).timestamp() * 1000),
                manifest_list=f"{HOME}/metadata/snap-{n}.avro",
                operation="overwrite",
                summary={},
            )
            for n, age in zip(numbers, AGES, strict=True)
        ),
        refs=(SnapshotRef(name="main", kind="branch", snapshot_id=len(AGES)),),
        metadata_files=tuple(f"{HOME}/metadata/0000{n}-a.metadata.json" for n in (4, 3, 2, 1)),
        statistics=(),
        reach=Reach(
            lists={n: SizedFile(path=f"{HOME}/metadata/snap-{n}.avro", size=4000) for n in numbers},
            of_snapshot={n: (n - 1,) for n in numbers},
            manifests=tuple(
                SizedFile(path=f"{HOME}/metadata/m{n}.avro", size=7000) for n in numbers
            ),
            added_by=tuple(numbers),
            entries=_entries(),
        ),
    )


def _entries() -> pa.Table:
    rows = [(n - 1, n, 1, n) for n in range(1, 5)] + [(n - 1, n - 1, 2, n) for n in range(2, 5)]
    return pa.table(
        {
            "manifest": pa.array([row[0] for row in rows], pa.int32()),
            "path": pa.array([f"{HOME}/data/{row[1]}.parquet" for row in rows], pa.string()),
            "size": pa.array([1024**2] * len(rows), pa.int64()),
            "content": pa.array([0] * len(rows), pa.int8()),
            "status": pa.array([row[2] for row in rows], pa.int8()),
            "snapshot_id": pa.array([row[3] for row in rows], pa.int64()),
        }
    )


def seen(name: str, version: int) -> Seen:
    found = history()
    metadata = rows_of(((path, 3000) for path in found.metadata_files), METADATA)
    live = distinct(pa.concat_tables([reached(found, list(found.reach.lists)), metadata]))
    dead = {
        "data/left-by-a-writer.parquet": 20,
        "metadata/left-m0.avro": 20,
        "data/young.parquet": 1,
    }
    paths = [*live["path"].to_pylist(), *(f"{HOME}/{path}" for path in dead)]
    ages = [50] * live.num_rows + list(dead.values())
    listing = pa.table(
        {
            "path": pa.array(paths, pa.string()),
            "size": pa.array([5000] * len(paths), pa.int64()),
            "modified": pa.array(
                [NOW - timedelta(days=age) for age in ages], pa.timestamp("us", "UTC")
            ),
        }
    )
    whole = Seen(
        history=found,
        live=live,
        others=SCHEMA.empty_table(),
        listing=listing,
        server=server(version),
        now=NOW,
        as_of=NOW,
    )
    return replace(whole, scratch=_scratch()) if name.startswith("nessie") else whole


def _scratch() -> Scratch:
    document = {
        "format-version": 2,
        "table-uuid": UUID,
        "location": HOME,
        "last-updated-ms": 1767225600000,
        "last-sequence-number": 4,
        "current-snapshot-id": 4,
        "current-schema-id": 0,
        "schemas": [{"schema-id": 0, "type": "struct", "fields": []}],
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "snapshots": [{"snapshot-id": 4}],
    }
    other = {**document, "current-snapshot-id": 5, "snapshots": [{"snapshot-id": 5}]}
    union = union_of(
        Version(ref="main", location=f"{HOME}/metadata/00004-a.metadata.json", document=document),
        [Version(ref="dev", location=f"{HOME}/metadata/00000-b.metadata.json", document=other)],
    )
    return Scratch(table=scratch_table("scratch", UUID), location=HOME, union=union)


CASES = [
    (command, name, version)
    for command, named in (("expire-snapshots", EXPIRE), ("vacuum", VACUUM))
    for name in named
    for version in (476, 483)
    if (name, version) != ("clean-metadata", 476)
]


def emitted(command: str, name: str, version: int) -> str:
    line = f"phlo-sql table {command} {ORDERS}"
    if command == "expire-snapshots":
        plan = compile_expire(EXPIRE[name], history(), server(version), NOW, line).plan
    else:
        plan = compile_vacuum(VACUUM[name], seen(name, version), line).plan
    return runbook.write(plan).text


@pytest.mark.parametrize(("command", "name", "version"), CASES)
def test_runbook_is_as_it_was(
    command: str, name: str, version: int, request: pytest.FixtureRequest
) -> None:
    path = ROOT / f"table-{command}" / str(version) / f"{name}.sql"
    text = emitted(command, name, version)
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


def test_metadata_is_cleaned_by_servers_that_can() -> None:
    with pytest.raises(PhloSqlError) as found:
        emitted("expire-snapshots", "clean-metadata", 476)
    assert found.value.code is Code.UNSUPPORTED_VERSION


def test_no_golden_file_is_left_over() -> None:
    known = {ROOT / f"table-{c}" / str(v) / f"{name}.sql" for c, name, v in CASES}
    assert {
        *(ROOT / "table-vacuum").rglob("*.sql"),
        *(ROOT / "table-expire-snapshots").rglob("*.sql"),
    } == known
