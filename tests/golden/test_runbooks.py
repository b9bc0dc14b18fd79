"""Golden runbooks: what each command emits, per Trino version, byte for byte.

`pytest tests/golden --update` writes them anew; the difference is then reviewed in git.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tables import BY_DAY, MB, ORDERS, POSITION, File, Made, server, small  # type: ignore[import-not-found,unused-ignore]

from phlo_sql import runbook
from phlo_sql.compile.optimize import compile_optimize
from phlo_sql.model.intents import Optimize
from phlo_sql.model.names import TableName
from phlo_sql.model.state import Partition

ROOT = Path(__file__).parents[2] / "sql" / "runbooks"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = TableName(catalog="iceberg", schema='we"ird', name="a.b; drop table x --")
DAYS = tuple(Partition(spec_id=0, values=(date(2026, 1, day),)) for day in (1, 2, 3))

OPTIMIZE: dict[str, tuple[Made, Optimize]] = {
    "small-files": (Made(files=small(1200)), Optimize(table=ORDERS)),
    "target-size": (
        Made(files=small(1200)),
        Optimize(table=ORDERS, target_file_size=256 * MB),
    ),
    "target-size-given-back": (
        Made(files=small(1200), properties={"write.target-file-size-bytes": str(512 * MB)}),
        Optimize(table=ORDERS, target_file_size=256 * MB),
    ),
    "partitions": (
        Made(
            files=small(40, partition=0) + small(1, partition=1) + small(7, 3 * MB, partition=2),
            spec=BY_DAY,
            partitions=DAYS,
        ),
        Optimize(table=ORDERS, verify="none"),
    ),
    "position-deletes": (
        Made(
            files=(
                File(size=300 * MB, deletes=1),
                File(size=9000, content=POSITION, applies_to=1),
                *small(3),
            )
        ),
        Optimize(table=ORDERS),
    ),
    "where-widened": (
        Made(
            files=small(40, partition=0) + small(6, partition=1) + small(7, partition=2),
            spec=BY_DAY,
            partitions=DAYS,
        ),
        Optimize(
            table=ORDERS, where="ts >= TIMESTAMP '2026-01-02 10:00:00 UTC'", verify="checksum"
        ),
    ),
    "slices": (
        Made(
            files=small(40, partition=0) + small(6, partition=1) + small(7, partition=2),
            spec=BY_DAY,
            partitions=DAYS,
        ),
        Optimize(table=ORDERS, max_slice_files=40),
    ),
    "groups-of-files": (Made(files=small(5)), Optimize(table=ORDERS, max_slice_files=3)),
    "sorted": (Made(files=small(12)), Optimize(table=ORDERS, sort_by=("ts", "id"))),
    "nothing-to-do": (Made(files=(File(size=300 * MB),)), Optimize(table=ORDERS)),
    "hostile-name": (Made(files=small(12), table=HOSTILE), Optimize(table=HOSTILE)),
    "nessie-branch": (
        Made(
            files=small(12),
            table=TableName(catalog="iceberg_dev", schema="sales", name="orders"),
            ref="dev",
            ref_hash="4c1e2a",
        ),
        Optimize(table=ORDERS, ref="dev"),
    ),
}
CASES = [(name, version) for name in OPTIMIZE for version in (476, 483)]


def emitted(name: str, version: int) -> str:
    made, intent = OPTIMIZE[name]
    line = f"phlo-sql table optimize {intent.table}"
    compiled = compile_optimize(intent, made.state(), server(version), NOW, line)
    return runbook.write(compiled.plan).text


@pytest.mark.parametrize(("name", "version"), CASES)
def test_runbook_is_as_it_was(name: str, version: int, request: pytest.FixtureRequest) -> None:
    path = ROOT / "table-optimize" / str(version) / f"{name}.sql"
    text = emitted(name, version)
    if request.config.getoption("--update"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text


def test_no_golden_file_is_left_over() -> None:
    known = {f"table-optimize/{version}/{name}.sql" for name, version in CASES}
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "table-optimize").rglob("*.sql")}
    assert found == known
