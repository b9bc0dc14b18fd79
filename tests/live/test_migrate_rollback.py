"""A migration that is killed at any of its steps: taken back without a trace, or gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from phlo_sql.dialect.copying import schema_location

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.live.migrating import Bench


pytestmark = pytest.mark.live
SCRATCH = "s3://lake/phlo-sql-migrations"


def mixed(bench: Bench) -> None:
    """Partitions of which one is taken in place and one copied: every kind of step there is."""
    for name in ("x", "a%2Fb"):
        bench.put(f"k={name}/1.parquet", pa.table({"id": [1, 2], "v": ["a", None]}))


def whole(bench: Bench) -> None:
    """A table without partitions, whose file is taken by its folder."""
    bench.put("1.parquet", pa.table({"id": [1, 2], "v": ["a", None]}))


def own_files(bench: Bench, schema: str) -> dict[str, int]:
    """Of the source, and below the target's schema."""
    ((created,),) = bench.stack.rows(f"SHOW CREATE SCHEMA {schema}")
    location = schema_location(created)
    assert location is not None
    return bench.files(bench.folder, location)


def last(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = bench("status")["data"]["migrations"][-1]
    return found


@pytest.mark.parametrize(
    ("catalog", "on", "fill", "first"),
    [
        ("iceberg_s3", "stack", mixed, 1),
        ("nessie", "stack", whole, 5),  # up to there the steps are the same, and know of no target
        ("nessie", "stack_476", whole, 5),
    ],
)
def test_killed_after_each_step_it_goes_back_to_what_was(
    bench_on: Callable[[str], Bench],
    make_schema: Callable[..., str],
    catalog: str,
    on: str,
    fill: Callable[[Bench], None],
    first: int,
) -> None:
    bench = bench_on(on)
    schema = make_schema(bench.stack, catalog)
    fill(bench)
    argv = ("convert", bench.folder, "--table", f"{schema}.t", "--format", "parquet")
    before = own_files(bench, schema)
    steps = bench(*argv, "--dry-run")["data"]["plan"]["steps"]
    assert len(steps) >= 12
    assert first == 1 or steps[first - 1]["summary"].startswith("make the table")
    for step in range(first, len(steps) + 1):
        assert bench.killed(step, *argv)
        operation = last(bench)
        assert operation["state"] == "stopped"
        plan = bench("rollback", operation["operation"], "--yes")
        assert plan["status"] == "success"
        assert not bench.stack.rows(f"SHOW TABLES FROM {schema}"), step
        assert own_files(bench, schema) == before, step
        assert last(bench)["state"] == "rolled back"
    kept = {path for path in bench.files(SCRATCH) if path.split("/")[2] in bench.runs()}
    assert not kept
    assert not bench.left_catalogs()


def test_killed_after_each_step_it_goes_on_to_the_end(
    bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    mixed(bench)
    argv = ("convert", bench.folder, "--table", f"{schema}.t", "--format", "parquet")
    plan = bench(*argv, "--dry-run")["data"]["plan"]
    assert bench.killed(1, *argv)
    for step in range(2, len(plan["steps"])):
        assert bench.killed(step, *argv, "--resume"), step
    document = bench(*argv, "--resume", "--yes")
    assert document["status"] == "success"
    rows = bench.stack.rows(f"SELECT k, count(*), count(v) FROM {schema}.t GROUP BY k")
    assert set(rows) == {("x", 2, 1), ("a/b", 2, 1)}
    assert not bench.left_catalogs()
    assert last(bench)["state"] == "finished"
    # Done is done: going on once more changes nothing, and going back still works.
    assert bench(*argv, "--resume", "--yes", expect=3)["reason_code"] == "nothing_recorded"
    bench("rollback", last(bench)["operation"], "--yes")
    assert not bench.stack.rows(f"SHOW TABLES FROM {schema}")


@pytest.mark.parametrize("catalog", ["nessie", "iceberg_s3"])
def test_a_change_of_the_source_is_found_before_anybody_sees_the_table(
    bench: Bench, make_schema: Callable[..., str], catalog: str
) -> None:
    schema = make_schema(bench.stack, catalog)
    mixed(bench)
    argv = ("convert", bench.folder, "--table", f"{schema}.t", "--format", "parquet")
    steps = bench(*argv, "--dry-run")["data"]["plan"]["steps"]
    copied = next(each["id"] for each in steps if each["sql"].startswith("INSERT"))
    assert bench.killed(copied, *argv)
    bench.put("k=a%2Fb/1.parquet", pa.table({"id": [1, 2], "v": ["b", None]}))
    document = bench(*argv, "--resume", "--yes", expect=1)
    assert document["reason_code"] == "content_differs"
    assert "k = a/b: column v has other content" in document["errors"][0]
    assert not bench.stack.rows(f"SHOW TABLES FROM {schema}")
    bench("rollback", last(bench)["operation"], "--yes")
    assert not bench.left_catalogs()
