"""The read-only queries of `sql/trino/` say on a server what `table stats` says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.live.optimizing import document

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live
QUERIES = Path(__file__).parents[2] / "sql" / "trino"


def asked(stack: Clients, name: str, table: str) -> list[dict[str, Any]]:
    """The rows of a query on a table, by the names of their columns."""
    catalog, schema, bare = table.split(".")
    text = (QUERIES / f"{name}.sql").read_text()
    text = text.replace('"iceberg"."sales"."orders', f'"{catalog}"."{schema}"."{bare}')
    with stack.trino() as connection:
        cursor = connection.cursor()
        cursor.execute(text.strip().removesuffix(";"))
        rows = cursor.fetchall()
        return [
            dict(zip((each[0] for each in cursor.description), row, strict=True)) for row in rows
        ]


def test_they_say_what_stats_says(each_stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(each_stack)}.t"
    each_stack.rows(f"CREATE TABLE {table} (d date, a bigint) WITH (partitioning = ARRAY['d'])")
    for day in (1, 1, 2):
        each_stack.rows(f"INSERT INTO {table} VALUES (DATE '2026-01-0{day}', {day}), (NULL, 9)")
    each_stack.rows(f"DELETE FROM {table} WHERE a = 2")
    each_stack.rows(f"ALTER TABLE {table} EXECUTE optimize")
    each_stack.rows(f"INSERT INTO {table} VALUES (DATE '2026-01-01', 5)")
    stats = document(each_stack, "table", "stats", table)["data"]["stats"]

    files = {row["kind"]: row for row in asked(each_stack, "files", table)}
    assert files["data"]["files"] == stats["data_files"]
    assert files["data"]["bytes"] == stats["data_bytes"]
    assert files["data"]["rows"] == stats["rows"]
    assert files["data"]["small_files"] == stats["small_files"]
    sizes = {
        row["size"]: (row["files"], row["bytes"]) for row in asked(each_stack, "histogram", table)
    }
    assert sizes == {
        each["label"]: (each["files"], each["bytes"])
        for each in stats["histogram"]
        if each["files"]
    }
    partitions = asked(each_stack, "partitions", table)
    assert len(partitions) == stats["partitions"]
    assert partitions[0]["small_files"] == stats["worst_partitions"][0]["small_files"]
    snapshots = asked(each_stack, "snapshots", table)
    assert len(snapshots) == stats["snapshots"]
    assert snapshots[-1]["held_by"] == "BRANCH main"
    [manifests] = asked(each_stack, "manifests", table)
    assert manifests["manifests"] == stats["manifests"]
    assert manifests["data_files"] == stats["data_files"]
    [last] = asked(each_stack, "verify-optimize", table)
    assert last["rewritten_data_files"] >= 2
    assert last["rewritten_bytes"] > last["added_bytes"] > 0


def test_each_is_tried_here() -> None:
    named = {path.stem for path in QUERIES.glob("*.sql")}
    assert named == {
        "files",
        "histogram",
        "manifests",
        "partitions",
        "snapshots",
        "verify-optimize",
    }
