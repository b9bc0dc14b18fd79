"""Hive's metastore and Glue as a stack serves them: to Trino, PyIceberg and their own clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyiceberg.catalog import load_catalog
from thrift.Thrift import TApplicationException

from phlo_sql.stack.clients import catalog_properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.stack.clients import Clients
    from tests.live.glue_copies import GlueCopies

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("hive")]


def test_rows_that_trino_wrote_for_hive_are_glues_too(
    hive_stack: Clients, make_schema: Callable[..., str], glue: GlueCopies
) -> None:
    schema = make_schema(hive_stack, "hive")
    hive_stack.rows(
        f"CREATE TABLE {schema}.t WITH (format = 'PARQUET', partitioned_by = ARRAY['regionkey']) "
        "AS SELECT nationkey, name, regionkey FROM tpch.tiny.nation"
    )
    database = schema.partition(".")[2]
    glue.copy(database)
    for table in (f"{schema}.t", f"glue.{database}.t"):
        assert hive_stack.rows(f"SELECT count(*), count(DISTINCT regionkey) FROM {table}") == [
            (25, 5)
        ]


@pytest.mark.parametrize("catalog", ["iceberg_hive", "iceberg_glue"])
def test_pyiceberg_reads_iceberg_tables_of_both_metastores(
    hive_stack: Clients, make_schema: Callable[..., str], catalog: str
) -> None:
    schema = make_schema(hive_stack, catalog)
    hive_stack.rows(f"CREATE TABLE {schema}.t AS SELECT * FROM tpch.tiny.nation")
    table = f"{schema.partition('.')[2]}.t"
    assert hive_stack.pyiceberg(catalog).load_table(table).scan().to_arrow().num_rows == 25


def test_a_catalog_can_be_made_while_it_runs(hive_stack: Clients) -> None:
    hive_stack.rows("CREATE CATALOG made_by_test USING memory")
    try:
        assert ("made_by_test",) in hive_stack.rows("SHOW CATALOGS")
    finally:
        hive_stack.rows("DROP CATALOG made_by_test")


def test_the_environment_names_both_sources(hive_stack: Clients) -> None:
    assert hive_stack.env["HIVE_METASTORE_URI"].startswith("thrift://127.0.0.1:")
    assert hive_stack.env["GLUE_ENDPOINT_URL"].startswith("http://127.0.0.1:")


def test_pyiceberg_0_12_cannot_ask_hive_4_for_a_table(hive_stack: Clients) -> None:
    """When this fails, `MetastoreCatalog` has had its day."""
    properties = catalog_properties(hive_stack.env)["iceberg_hive"]
    with pytest.raises(TApplicationException, match="Invalid method name: 'get_table'"):
        load_catalog("iceberg_hive", **properties).load_table("default.none")
