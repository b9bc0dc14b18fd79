"""`table optimize --where`: taken as it stands, widened with its reason, or refused; on Trino."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.live.optimizing import document, files, phlo_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
COLUMNS = "id bigint, day date, at timestamp(6), region varchar"
ROWS = ", ".join(
    f"({n}, DATE '2024-0{1 + n % 3}-1{n % 2}', TIMESTAMP '2024-0{1 + n % 3}-1{n % 2} 0{n}:00:00',"
    f" {'NULL' if n == 5 else repr('abc'[n % 3])})"
    for n in range(6)
)
"""Days 10 and 11 of January to March 2024, regions a, b, c and NULL."""


def made(stack: Clients, schema: str, by: str, *, turns: int = 2) -> str:
    table = f"{schema}.t"
    stack.rows(f"CREATE TABLE {table} ({COLUMNS}) WITH (partitioning = ARRAY[{by}])")
    for _ in range(turns):
        stack.rows(f"INSERT INTO {table} VALUES {ROWS}")
    return table


TAKEN = {
    "identity": ("'region'", "region = 'a'"),
    "identity-or": ("'region'", "region = 'a' OR region IS NULL"),
    "identity-range": ("'day'", "day >= DATE '2024-02-01' AND day < DATE '2024-03-01'"),
    "month": ("'month(day)'", "day >= DATE '2024-02-01' AND day < DATE '2024-03-01'"),
    "day-of-timestamp": ("'day(at)'", "CAST(at AS date) = DATE '2024-01-10'"),
    "truncate": ("'truncate(id, 2)'", "id >= 2 AND id < 4"),
    "two-columns": ("'region', 'month(day)'", "region = 'a' AND day < DATE '2024-02-01'"),
    "null": ("'bucket(region, 2)'", "region IS NULL"),
}
WIDENED = {
    "month": ("'month(day)'", "day = DATE '2024-02-11'", "2024-03-01"),
    "day": ("'day(at)'", "at > TIMESTAMP '2024-02-11 03:30:00'", "2024-02-11 00:00:00"),
    "truncate": ("'truncate(id, 2)'", "id IN (0, 3)", "4"),
}
REFUSED = {
    "no-partition-column": ("'region'", "id = 1", "not partitioned by id", "region"),
    "bucket": ("'bucket(id, 2)'", "id = 1", "bucket[2]", "another partition column"),
    "or": ("'region', 'day'", "region = 'a' OR day = DATE '2024-01-10'", "OR", "once for each"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken_as_it_stands(
    name: str, each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    by, where = TAKEN[name]
    table = made(each_stack, make_schema(each_stack), by)
    done = rewritten_as_predicted(each_stack, table, where)
    assert not any("widened" in warning for warning in done["warnings"])


@pytest.mark.parametrize("name", WIDENED)
def test_widened_and_said_so(
    name: str, each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    by, where, edge = WIDENED[name]
    table = made(each_stack, make_schema(each_stack), by)
    done = rewritten_as_predicted(each_stack, table, where)
    [reason] = [warning for warning in done["warnings"] if "widened" in warning]
    assert "whole partitions only" in reason
    assert edge in reason
    assert edge in done["data"]["plan"]["steps"][0]["sql"]


def rewritten_as_predicted(stack: Clients, table: str, where: str) -> dict[str, Any]:
    """Some but not all files go, just those predicted; a second run finds nothing."""
    before = files(stack, table)
    words = ("table", "optimize", table, "--where", where)
    planned = document(stack, *words, "--dry-run")
    done = document(stack, *words, "--yes")
    gone = before - files(stack, table)
    assert done["status"] == "success", done
    assert 2 <= len(gone) < len(before)
    assert set(planned["data"]["rewritten_paths"]) == {path for path, _ in gone}
    assert planned["data"]["plan"]["predicts"]["rewritten_bytes"] == sum(s for _, s in gone)
    assert document(stack, *words, "--yes")["status"] == "noop"
    return done


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_to_do(
    name: str, stack: Clients, make_schema: Callable[..., str]
) -> None:
    by, where, problem, hint = REFUSED[name]
    table = made(stack, make_schema(stack), by)
    before = files(stack, table)
    ran = phlo_sql(stack, "table", "optimize", table, "--where", where, "--yes")
    assert ran.returncode == 3
    assert problem in ran.stderr
    assert hint in ran.stderr.split("hint: ")[1]
    assert files(stack, table) == before


def test_what_cannot_be_read_is_a_usage_error(stack: Clients) -> None:
    found = document(stack, "table", "optimize", "s.t", "--where", "day >= ")
    assert (found["reason_code"], found["exit_code"]) == ("bad_predicate", 2)


class TestSeveralSpecs:
    def evolved(self, stack: Clients, schema: str, to: str) -> str:
        table = made(stack, schema, "'month(day)'")
        stack.rows(f"ALTER TABLE {table} SET PROPERTIES partitioning = ARRAY[{to}]")
        stack.rows(f"INSERT INTO {table} VALUES {ROWS}")
        return table

    def test_widened_to_the_coarser(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = self.evolved(each_stack, make_schema(each_stack), "'day(day)'")
        done = rewritten_as_predicted(each_stack, table, "day = DATE '2024-02-11'")
        assert any("2024-03-01" in str(warning) for warning in done["warnings"])

    def test_older_files_without_the_column(
        self, each_stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = self.evolved(each_stack, make_schema(each_stack), "'region'")
        words = ("table", "optimize", table)
        found = document(each_stack, *words, "--where", "region = 'a'", "--yes")
        assert found["reason_code"] == "where_not_enforceable"
        assert "without --where" in found["data"]["error"]["hint"]
        assert document(each_stack, *words, "--yes")["status"] == "success"


def test_deletes_inside_and_outside(each_stack: Clients, make_schema: Callable[..., str]) -> None:
    table = made(each_stack, make_schema(each_stack), "'region'")
    each_stack.rows(f"DELETE FROM {table} WHERE id IN (0, 1)")
    done = document(each_stack, "table", "optimize", table, "--where", "region = 'a'", "--yes")
    assert done["status"] == "success", done
    assert done["data"]["result"]["removed_delete_files"] == 2
    schema, name = table.rsplit(".", 1)
    left = each_stack.rows(f'SELECT count(*) FROM {schema}."{name}$files" WHERE content = 1')
    assert left == [(2,)]
