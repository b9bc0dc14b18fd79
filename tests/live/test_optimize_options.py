"""What else `table optimize` takes and tells: checks, order, manifests, costs and warnings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.live.optimizing import document, files, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
TYPES = (
    "day date, flag boolean, i integer, l bigint, r real, d double, dec decimal(20, 4), s varchar, "
    "b varbinary, u uuid, t time(6), ts timestamp(6), tz timestamp(6) with time zone, "
    "a array(integer), m map(varchar, integer), o row(x integer, y varchar)"
)
ROW = (
    "{day}, true, {n}, 2, 3.5, 4.5, 5.25, 'it''s', X'00ff', "
    "UUID '12151fd2-7586-11e9-8f9e-2a86e4085a59', TIME '01:02:03', "
    "TIMESTAMP '2026-01-01 01:02:03', TIMESTAMP '2026-01-01 01:02:03 UTC', ARRAY[1, NULL], "
    "MAP(ARRAY['k'], ARRAY[{n}]), ROW(1, NULL)"
)


def test_checksum_of_every_type(each_stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(each_stack)}.t"
    each_stack.rows(f"CREATE TABLE {table} ({TYPES}) WITH (partitioning = ARRAY['month(day)'])")
    for n, day in enumerate(("DATE '2026-01-01'", "DATE '2026-02-01'", "NULL") * 2):
        each_stack.rows(f"INSERT INTO {table} SELECT {ROW.format(n=n, day=day)}")
    done = document(each_stack, "table", "optimize", table, "--verify", "checksum", "--yes")
    assert done["status"] == "success", done
    [content] = [check for check in done["data"]["checks"] if check["name"] == "content"]
    assert "3 lines alike" in content["actual"]
    assert len(files(each_stack, table)) == 3


def test_sort_by_for_one_run(each_stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(each_stack)}.t"
    each_stack.rows(f"CREATE TABLE {table} (id bigint, note varchar)")
    for start in (500, 0):
        each_stack.rows(
            f"INSERT INTO {table} SELECT n, 'x' "
            f"FROM UNNEST(sequence({start}, {start + 499})) AS s (n)"
        )
    words = ("table", "optimize", table, "--sort-by", "id")
    planned = document(each_stack, *words, "--dry-run")
    assert any("sorted by id" in line for line in planned["data"]["plan"]["does"])
    done = document(each_stack, *words, "--yes")
    assert done["status"] == "success", done
    assert [n for (n,) in each_stack.rows(f"SELECT id FROM {table}")] == list(range(1000))
    [[ddl]] = each_stack.rows(f"SHOW CREATE TABLE {table}")
    assert "sorted_by" not in ddl
    assert document(each_stack, *words, "--yes")["status"] == "noop"


def test_an_order_of_its_own_is_given_back(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, note varchar) WITH (sorted_by = ARRAY['note DESC'])"
    )
    for n in range(2):
        stack.rows(f"INSERT INTO {table} VALUES ({n}, 'x')")
    assert document(stack, "table", "optimize", table, "--sort-by", "id", "--yes")["exit_code"] == 0
    [[ddl]] = stack.rows(f"SHOW CREATE TABLE {table}")
    assert "note DESC" in ddl


def test_an_unknown_column_to_sort_by(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint)")
    found = document(stack, "table", "optimize", table, "--sort-by", "nope")
    assert (found["reason_code"], found["exit_code"]) == ("invalid_arguments", 2)


def test_manifests(each_stack: Clients, make_schema: Callable[..., str]) -> None:
    schema = make_schema(each_stack)
    table = f"{schema}.t"
    each_stack.rows(
        f"CREATE TABLE {table} (id bigint) WITH (partitioning = ARRAY['bucket(id, 2)'])"
    )
    for n in range(6):
        each_stack.rows(f"INSERT INTO {table} VALUES {n}")
    document(each_stack, "table", "optimize", table, "--yes")
    for _ in range(6):
        each_stack.rows(f"INSERT INTO {table} SELECT max(id) + 1 FROM {table}")
    words = ("table", "optimize", table, "--manifests", "--yes")
    done = document(each_stack, *words)
    assert done["status"] == "success", done
    assert "optimize_manifests" in done["data"]["plan"]["steps"][-1]["sql"]
    [[left]] = each_stack.rows(f'SELECT count(*) FROM {schema}."t$manifests"')
    assert left == (2 if each_stack.version == 476 else 1)
    assert document(each_stack, *words)["status"] == "noop"


def test_rewrite_all(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint, note varchar)")
    for start in (0, 30000):
        stack.rows(f"INSERT INTO {table} SELECT orderkey + {start}, comment FROM tpch.tiny.orders")
    small = ("--target-file-size", "1MB")
    assert document(stack, "table", "optimize", table, *small, "--yes")["exit_code"] == 0
    before = files(stack, table)
    done = document(stack, "table", "optimize", table, *small, "--rewrite-all", "--yes")
    assert done["status"] in ("success", "noop"), done
    if len(before) > 1:
        assert not before & files(stack, table)


def test_costs_are_told_and_learnt(
    stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint, note varchar)")

    def small() -> None:
        for n in range(4):
            stack.rows(f"INSERT INTO {table} VALUES ({n}, 'x')")

    def plan() -> dict[str, object]:
        words = ("table", "optimize", table, "--dry-run", "--json")
        found: dict[str, object] = json.loads(phlo_sql(stack, *words, state=tmp_path).stdout)
        return found

    small()
    first = plan()
    assert "Reads " in str(first["data"])
    assert "'estimated_seconds': None" in str(first["data"])
    phlo_sql(stack, "table", "optimize", table, "--yes", state=tmp_path)
    small()
    second = plan()
    assert "going by 1 recorded operation on this server." in str(second["data"])
    assert "others committed to the table" in str(second["warnings"])


def test_partition_evolution_is_told(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint, day date)")
    stack.rows(f"INSERT INTO {table} VALUES (1, DATE '2026-01-01')")
    stack.rows(f"ALTER TABLE {table} SET PROPERTIES partitioning = ARRAY['day']")
    stack.rows(f"INSERT INTO {table} VALUES (1, DATE '2026-01-01')")
    found = document(stack, "table", "optimize", table, "--dry-run")
    assert any("older spec" in warning for warning in found["warnings"])


@pytest.mark.parametrize("by", ["", ", partitioning = ARRAY['id']"])
def test_a_type_that_pyiceberg_cannot_load(
    by: str, stack: Clients, make_schema: Callable[..., str]
) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, v variant, o row(x integer, w variant)) "
        f"WITH (format_version = 3{by})"
    )
    for n in range(3):
        stack.rows(
            f"INSERT INTO {table} SELECT 1, CAST({n} AS variant), ROW({n}, CAST({n} AS variant))"
        )
    stack.rows(f"DELETE FROM {table} WHERE o.x = 1")
    before = files(stack, table)
    words = ("table", "optimize", table, "--verify", "checksum", "--yes")
    done = document(stack, *words)
    assert done["status"] == "success", done
    assert done["data"]["result"]["rewritten_data_files"] == len(before) == 3
    assert done["data"]["result"]["removed_delete_files"] == 1
    assert len(files(stack, table)) == 1
    assert document(stack, *words)["status"] == "noop"
