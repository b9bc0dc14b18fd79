"""Golden runbooks of `migrate detach`, and in which pieces it copies."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tables import BY_DAY, MB, ORDERS, File, Made  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.compile.detach import SLICE_PARTITIONS, DetachPlan, Tied, compile_detach
from phlo_sql.compile.migrate_names import Facts, Staging
from phlo_sql.dialect import ColumnDefinition, CreatedTable
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.history import History, Reach, SizedFile
from phlo_sql.model.migration import Detach
from phlo_sql.model.state import Partition, SnapshotRef, TableState

ROOT = Path(__file__).parents[2] / "sql" / "runbooks" / "migrate-detach"
RAW = "s3://raw/orders"
GB = 1024 * MB
MADE = {
    "in-place": Made(files=(File(size=64 * MB), File(size=64 * MB))),
    "slices": Made(
        files=tuple(File(size=4 * GB, partition=day) for day in (0, 0, 1, 1)),
        spec=BY_DAY,
        partitions=tuple(Partition(spec_id=0, values=(day,)) for day in (20000, 20001)),
    ),
    "nessie": Made(files=(File(size=64 * MB, deletes=1),), ref_hash="ab12"),
}


def history(state: TableState, *paths: str) -> History:
    """One commit that names these files."""
    place = f"{state.location}/metadata"
    count = len(paths)
    return History(
        table=state.table,
        ref=state.ref,
        ref_hash=state.ref_hash,
        uuid=state.uuid,
        format_version=2,
        location=state.location,
        metadata_location=state.metadata_location,
        snapshot_id=state.snapshot_id,
        properties={
            "gc.enabled": "false",
            "write.format.default": "PARQUET",
            "migrated.source": RAW,
        },
        snapshots=state.snapshots,
        refs=(SnapshotRef(name="main", kind="branch", snapshot_id=state.snapshot_id or 0),),
        metadata_files=(state.metadata_location,),
        statistics=(),
        reach=Reach(
            lists={state.snapshot_id or 0: SizedFile(path=f"{place}/snap.avro", size=1)},
            of_snapshot={state.snapshot_id or 0: (0,)},
            manifests=(SizedFile(path=f"{place}/m0.avro", size=1),),
            added_by=(state.snapshot_id,),
            entries=pa.table(
                {
                    "manifest": pa.array([0] * count, pa.int32()),
                    "path": pa.array(paths, pa.string()),
                    "size": pa.array([1] * count, pa.int64()),
                    "content": pa.array([0] * count, pa.int8()),
                    "status": pa.array([1] * count, pa.int8()),
                    "snapshot_id": pa.array([state.snapshot_id] * count, pa.int64()),
                }
            ),
        ),
    )


def tied(made: Made, *paths: str) -> Tied:
    state = made.state()
    return Tied(
        name=ORDERS,
        state=state,
        history=history(state, *(paths or (f"{RAW}/a.parquet", f"{RAW}/b.parquet"))),
        created=CreatedTable(
            name=("iceberg", "sales", "orders"),
            columns=(
                ColumnDefinition(name="id", type="bigint", not_null=True, comment="it's the key"),
                ColumnDefinition(name="ts", type="timestamp(6) with time zone"),
                ColumnDefinition(name="amount", type="decimal(12, 2)"),
            ),
            comment="orders",
            properties={
                "format": "PARQUET",
                "location": state.location,
                "partitioning": ["day(ts)"],
            },
        ),
    )


def planned(found: Tied) -> DetachPlan:
    staging = Staging(
        run="0123456789ab",
        target=ORDERS,
        location="s3://lake/sales/orders-0123456789ab",
        folder="s3://lake/scratch/0123456789ab",
        storage={"fs.s3.enabled": "true", "s3.region": "eu-west-1"},
    )
    facts = Facts(
        command="migrate detach",
        table=ORDERS,
        command_line=f"phlo-sql migrate detach {ORDERS}",
        trino_version=483,
        now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        planned_by="phlo-sql",
    )
    return compile_detach(found, Detach(table=ORDERS), staging, facts)


@pytest.mark.parametrize("name", MADE)
def test_runbook(name: str, request: pytest.FixtureRequest) -> None:
    written = runbook.write(planned(tied(MADE[name])).plan).text
    path = ROOT / "483" / f"{name}.sql"
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == written


def test_no_other_file_is_kept() -> None:
    assert {path.stem for path in ROOT.rglob("*.sql")} == set(MADE)


def test_each_file_is_copied_once_and_no_statement_opens_too_many_partitions() -> None:
    days = 3 * SLICE_PARTITIONS
    found = tied(
        Made(
            files=tuple(File(size=MB, partition=day % days) for day in range(2 * days)),
            spec=BY_DAY,
            partitions=tuple(Partition(spec_id=0, values=(day,)) for day in range(days)),
        )
    )
    written = [s for s in planned(found).plan.steps if s.kind.value == "write"]
    assert len(written) == 3
    copied = [path for s in written for path in str(s.statement).split("'") if "/data/" in path]
    assert len(copied) == len(set(copied)) == 2 * days


def test_a_file_that_only_an_old_snapshot_names_is_a_tie_too() -> None:
    found = tied(MADE["in-place"], f"{RAW}/dropped.parquet")
    assert planned(found).plan.steps


def test_nothing_is_done_where_every_file_is_the_tables_own() -> None:
    found = tied(MADE["in-place"], "s3://lake/sales/orders/data/a.parquet")
    assert not planned(found).plan.steps
    # A folder that only starts alike is another one.
    assert planned(tied(MADE["in-place"], "s3://lake/sales/orders2/a.parquet")).plan.steps


def test_branches_and_tags_are_not_lost() -> None:
    found = tied(MADE["in-place"])
    tag = SnapshotRef(name="audit", kind="tag", snapshot_id=1)
    kept = replace(found, history=replace(found.history, refs=(*found.history.refs, tag)))
    with pytest.raises(PhloSqlError, match="audit") as refused:
        planned(kept)
    assert refused.value.code is Code.NOT_MIGRATABLE
