"""What is kept of a table, made on real servers: the guide's table says the same."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.live.hive_tables import constrain
from tests.live.migrating import policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.live.glue_copies import GlueCopies
    from tests.live.migrating import Bench

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "migrate-kept.md"
HIVE, GLUE, FILES, DETACHED = "from Hive", "from Glue", "of Parquet files", "detached"


@pytest.fixture
def bench(hive_bench: Bench) -> Bench:
    return hive_bench


@pytest.fixture
def own_policies(bench: Bench) -> Iterator[None]:
    with policies(bench):
        yield


def kept(bench: Bench, table: str) -> set[str]:
    """What a table has of all that its source had."""
    stack = bench.stack
    schema, _, name = table.rpartition(".")
    created = str(stack.rows(f"SHOW CREATE TABLE {table}")[0][0])
    properties = dict(stack.rows(f'SELECT key, value FROM {schema}."{name}$properties"'))
    columns = [row[0] for row in stack.rows(f"SHOW COLUMNS FROM {table}")]
    distinct = {row[0]: row[2] for row in stack.rows(f"SHOW STATS FOR {table}")}
    grants = bench.other("access", "list", "--resource", table)["data"]["grants"]
    found = {
        "comment of the table": "COMMENT 'of the table'" in created,
        "comments of columns": "COMMENT 'of the key'" in created,
        "order of columns": columns == ["id", "text", "k"],
        "partitioning": "partitioning = ARRAY['k']" in created,
        "sort order": "sorted_by = ARRAY['id ASC" in created,
        "properties of its own": properties.get("team") == "sales",
        "owner": properties.get("migrated.owner") == stack.env["TRINO_USER"],
        "NOT NULL": "id bigint NOT NULL" in created,
        "distinct values of columns": distinct["id"] == 2,
        "buckets": "bucket" in created,
        "grants": any(each["resource"] == table for each in grants),
    }
    return {what for what, there in found.items() if there}


def told() -> dict[str, set[str]]:
    """The guide's table: what each column says yes to."""
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split("|")]
        for line in GUIDE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    (head, *body) = [row for row in rows if row[1:]]
    return {
        name: {row[0] for row in body if row[place] == "yes"}
        for place, name in enumerate(head[-4:], 1)
    }


@pytest.mark.usefixtures("own_policies")
def test_the_guide_says_what_is_kept(
    bench: Bench, make_schema: Callable[..., str], glue: GlueCopies
) -> None:
    stack, source = bench.stack, make_schema(bench.stack, "hive")
    for catalog in ("hive", "glue"):
        name = source.replace("hive", catalog, 1)
        bench.other("access", "grant", "--user", "ann", "--role", "read", name, "--yes")
    database = source.partition(".")[2]
    stack.rows(
        f"CREATE TABLE {source}.t (id bigint COMMENT 'of the key', text varchar, k varchar) "
        "COMMENT 'of the table' WITH (format = 'ORC', partitioned_by = ARRAY['k'], "
        "bucketed_by = ARRAY['id'], bucket_count = 2, sorted_by = ARRAY['id'], "
        "extra_properties = map(ARRAY['team'], ARRAY['sales']))"
    )
    stack.rows(f"INSERT INTO {source}.t VALUES (1, 'a', 'x'), (2, 'b', 'x')")
    constrain(stack.env["HIVE_METASTORE_URI"], database, "t", "id")
    glue.copy(database)
    target = f"nessie.m{uuid.uuid4().hex[:12]}"
    stack.rows(f"CREATE SCHEMA {target}")
    where = ("--database", database, "--target", target, "--yes")

    bench("from-hive", "--uri", stack.env["HIVE_METASTORE_URI"], *where)
    found = {HIVE: kept(bench, f"{target}.t")}
    bench("detach", f"{target}.t", "--yes")
    found[DETACHED] = kept(bench, f"{target}.t")
    stack.rows(f"CALL nessie.system.unregister_table('{target.partition('.')[2]}', 't')")

    endpoint = ("--endpoint", stack.env["GLUE_ENDPOINT_URL"], "--region", "us-east-1")
    bench("from-glue", *endpoint, *where)
    found[GLUE] = kept(bench, f"{target}.t")

    fields = [pa.field("id", pa.int64(), nullable=False), pa.field("text", pa.string())]
    rows = pa.table({"id": [1, 2], "text": ["a", "b"]}, schema=pa.schema(fields))
    bench.put("k=x/1.parquet", rows)
    bench.convert(bench.folder, f"{target}.f")
    found[FILES] = kept(bench, f"{target}.f")
    bench("detach", f"{target}.f", "--yes")
    found[DETACHED] |= kept(bench, f"{target}.f")
    for name in ("t", "f"):
        stack.rows(f"CALL nessie.system.unregister_table('{target.partition('.')[2]}', '{name}')")
    stack.rows(f"DROP SCHEMA {target}")
    assert found == told()
