"""`table vacuum` of tables that are laid out or named in unusual ways: what is listed goes, no
other file does, and each row is still there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from trino.exceptions import TrinoUserError

from phlo_sql.errors import Code, PhloSqlError
from tests.live.reclaiming import dead_file, loaded, local, stored
from tests.live.vacuum_cases import BRIEF, CASES, Case, Place, odd_values
from tests.live.vacuuming import named, quoted, reclaim

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

pytestmark = pytest.mark.live


EVERY = [("stack", case) for case in CASES if case.catalog != "nessie"] + [
    ("stack_476", case) for case in CASES if case.catalog == "iceberg" and case.since == 476
]


@pytest.mark.parametrize(
    ("server", "case"), EVERY, ids=[f"{server}: {case.name}" for server, case in EVERY]
)
def test_what_is_listed_goes(
    server: str,
    case: Case,
    request: pytest.FixtureRequest,
    make_schema: Callable[..., str],
    tmp_path: Path,
) -> None:
    stack: Clients = request.getfixturevalue(server)
    found = case.run(stack, make_schema(stack, case.catalog), tmp_path)
    assert found.gone == found.listed


def test_a_table_without_a_snapshot(
    stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    """Trino skips it, so nothing is listed, whatever lies there."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import LongType, NestedField

    table = named(make_schema(stack), "empty")
    schema = Schema(NestedField(1, "n", LongType(), required=False))
    made = stack.pyiceberg("iceberg").create_table(table.identifier, schema)
    kept = dead_file(local(made.location()) / "data" / "left.parquet")
    assert reclaim(stack, table, tmp_path).listed == {}
    assert local(kept).exists()


def test_expired_files_elsewhere_are_not_deleted(
    stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    """The table's own `data_location`: nothing tells its files from another's there."""
    table = named(make_schema(stack), "t")
    stack.rows(
        f"CREATE TABLE {quoted(table)} WITH (object_store_layout_enabled = true, "
        f"data_location = 'file://{tmp_path}/shared') AS SELECT * FROM tpch.tiny.nation"
    )
    stack.rows(f"DELETE FROM {quoted(table)}")
    stack.rows(f"INSERT INTO {quoted(table)} SELECT * FROM tpch.tiny.nation")
    time.sleep(1.1)
    with pytest.raises(PhloSqlError, match="outside of the table's location") as refused:
        reclaim(stack, table, tmp_path, BRIEF)
    assert refused.value.code is Code.UNSAFE_DELETION
    assert list((tmp_path / "shared").rglob("*.parquet"))


@pytest.mark.parametrize("scheme", ["s3a", "s3n"])
def test_files_taken_over_by_another_name_of_the_store(
    scheme: str, stack: Clients, make_schema: Callable[..., str], tmp_path: Path
) -> None:
    """The metadata says s3a; a table that takes the files over by s3 names reads the same."""
    schema = make_schema(stack, "iceberg_s3")
    taker = named(schema, "taker")
    stack.rows(f"CREATE TABLE {quoted(taker)} (id integer, part varchar)")
    home = loaded(stack, taker).location().removeprefix("s3://").rsplit("/", 1)[0] + "/t"
    place = Place(stack=stack, schema=schema, folder=tmp_path)
    table, _ = odd_values(place, "t", f"location = '{scheme}://{home}'")
    stack.rows(
        f"ALTER TABLE {quoted(taker)} EXECUTE add_files(location => 's3://{home}/data', "
        "format => 'PARQUET', recursive_directory => 'TRUE')"
    )
    stack.rows(f"DELETE FROM {quoted(table)} WHERE part IS NOT NULL")
    time.sleep(1.1)
    before = stored(stack, table)
    with pytest.raises(PhloSqlError, match="in use") as refused:
        reclaim(stack, table, tmp_path, BRIEF)
    assert refused.value.code is Code.UNSAFE_DELETION
    assert stored(stack, table) == before


@pytest.mark.parametrize("catalog", ["iceberg", "iceberg_s3", "nessie"])
def test_no_catalog_here_makes_materialized_views(
    catalog: str, each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    """So none of its tables is the storage of one. A Trino that makes them is to be looked at."""
    schema = make_schema(each_stack, catalog)
    with pytest.raises(TrinoUserError, match="not supported for Iceberg"):
        each_stack.rows(f"CREATE MATERIALIZED VIEW {schema}.v AS SELECT 1 AS one")
