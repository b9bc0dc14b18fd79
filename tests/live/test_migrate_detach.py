"""`migrate detach` on real servers: the source may go afterwards, and until then all goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live.migrating import Bench, everything

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.live


def taken(bench: Bench, table: str, *partitions: str) -> None:
    """A table over the source's files: its partitions have one file each, which `optimize` would
    leave where they are."""
    for each in partitions:
        bench.put(f"{each}/1.parquet", everything().drop(["day"]))
    bench.convert(bench.folder, table, "--mode", "in-place")


def content(bench: Bench, table: str) -> list[Any]:
    columns = '"region", "id", "price", "ts", "text", "tags", "place", "d"'
    return bench.stack.rows(f"SELECT count(*), checksum(ROW({columns})) FROM {table}")


def paths(bench: Bench, table: str) -> list[str]:
    schema, _, name = table.rpartition(".")
    return [path for (path,) in bench.stack.rows(f'SELECT file_path FROM {schema}."{name}$files"')]


@pytest.mark.parametrize(
    ("catalog", "on"), [("iceberg_s3", "stack"), ("nessie", "stack"), ("nessie", "stack_476")]
)
def test_the_source_is_dropped_and_the_table_still_reads(
    bench_on: Callable[[str], Bench], make_schema: Callable[..., str], catalog: str, on: str
) -> None:
    bench = bench_on(on)
    schema = make_schema(bench.stack, catalog)
    table = f"{schema}.t"
    taken(bench, table, "region=a", "region=b c", "region=__HIVE_DEFAULT_PARTITION__")
    stack = bench.stack
    stack.rows(f"COMMENT ON TABLE {table} IS 'kept'")
    stack.rows(f"DELETE FROM {table} WHERE region = 'a' AND id = 1")
    stack.rows(f"INSERT INTO {table} SELECT * FROM {table} WHERE region = 'b c' AND id = 2")
    before, source = content(bench, table), bench.files(bench.folder)
    assert any("/sources/" in path for path in paths(bench, table))

    planned = bench("detach", table, "--dry-run")["data"]
    assert planned["outside"]["files"] == 3
    done = bench("detach", table, "--yes")
    assert done["status"] == "success"
    assert {"name": "files-outside", "expected": "0", "actual": "0", "ok": True} in [
        {name: each[name] for name in ("name", "expected", "actual", "ok")}
        for each in done["data"]["checks"]
    ]
    assert content(bench, table) == before
    assert bench.files(bench.folder) == source, "the source is read, never written"
    assert [name for (name,) in stack.rows(f"SHOW TABLES FROM {schema}")] == ["t"]
    created = stack.rows(f"SHOW CREATE TABLE {table}")[0][0]
    assert "partitioning = ARRAY['region']" in created
    assert "kept" in created
    assert bench.runs()
    assert not bench.left_catalogs()

    bench.store.delete_dir(bench.folder.removeprefix("s3://"))
    assert content(bench, table) == before
    assert bench("detach", table, "--yes")["status"] == "noop"
    stack.rows(f"INSERT INTO {table} SELECT * FROM {table} WHERE id = 2")
    if catalog == "iceberg_s3":  # freed: nothing but a Nessie catalog keeps it from expiring
        schema_name, _, name = table.rpartition(".")
        properties = dict(stack.rows(f'SELECT key, value FROM {schema_name}."{name}$properties"'))
        assert "gc.enabled" not in properties
        assert properties["migrated.source"] == bench.folder
        stack.rows(f"DROP TABLE {table}")


def test_killed_after_each_step_it_goes_on_and_when_done_it_goes_back(
    bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    table = f"{schema}.t"
    taken(bench, table, "region=a", "region=b")
    before, old = content(bench, table), sorted(paths(bench, table))
    source = bench.files(bench.folder, f"s3://lake/jdbc/{schema.partition('.')[2]}")
    total = len(bench("detach", table, "--dry-run")["data"]["plan"]["steps"])
    for step in range(1, total):
        assert bench.killed(step, "detach", table), step
    done = bench("detach", table, "--yes")
    assert done["status"] == "success"
    assert content(bench, table) == before
    assert not set(paths(bench, table)) & set(old)

    operation = bench("status")["data"]["migrations"][-1]
    assert (operation["command"], operation["state"]) == ("migrate detach", "finished")
    bench("rollback", operation["operation"], "--yes")
    assert sorted(paths(bench, table)) == old
    assert content(bench, table) == before
    assert bench.stack.rows(f"SHOW TABLES FROM {schema}") == [("t",)]
    assert bench.files(bench.folder, f"s3://lake/jdbc/{schema.partition('.')[2]}") == source


def test_it_goes_back_from_between_the_names(bench: Bench, make_schema: Callable[..., str]) -> None:
    schema = make_schema(bench.stack, "nessie")
    table = f"{schema}.t"
    taken(bench, table, "region=a")
    old = paths(bench, table)
    steps = bench("detach", table, "--dry-run")["data"]["plan"]["steps"]
    number = next(each["id"] for each in steps if each["summary"].startswith("set the old"))
    assert bench.killed(number, "detach", table)
    operation = bench("status")["data"]["migrations"][-1]
    bench("rollback", operation["operation"], "--yes")
    assert paths(bench, table) == old
    assert bench.stack.rows(f"SHOW TABLES FROM {schema}") == [("t",)]


def test_a_write_meanwhile_stops_it_before_the_names_change(
    bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    table = f"{schema}.t"
    taken(bench, table, "region=a")
    steps = bench("detach", table, "--dry-run")["data"]["plan"]["steps"]
    copied = next(each["id"] for each in steps if each["sql"].startswith("INSERT"))
    assert bench.killed(copied, "detach", table)
    bench.stack.rows(f"INSERT INTO {table} SELECT * FROM {table} WHERE id = 2")
    stopped = bench("detach", table, "--yes", expect=1)
    assert stopped["reason_code"] == "content_differs"
    operation = bench("status")["data"]["migrations"][-1]
    bench("rollback", operation["operation"], "--yes")
    assert content(bench, table)[0][0] == 5
    file = str(bench.state / "detach.sql")
    assert bench("detach", table, "--out", file)["status"] == "planned"
    assert bench.other("runbook", "apply", file, "--yes")["status"] == "success"
    assert content(bench, table)[0][0] == 5
