"""The inventory against what Trino itself says of the same tables, on local files and on S3."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.observe.catalog import at_ref, load_table, open_catalog
from phlo_sql.observe.files import read_inventory
from phlo_sql.observe.manifests_avro import flatten, read_long
from phlo_sql.observe.table import observe
from phlo_sql.stack.clients import Clients, catalog_properties

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.model.state import TableState

pytestmark = pytest.mark.live

FILE_COLUMNS = ("content", "path", "format", "spec_id", "rows", "size", "equality_ids")
ENTRY_COLUMNS = ("path", "data_sequence_number", "file_sequence_number", "added_snapshot_id")
CATALOGS = pytest.mark.parametrize("catalog", ["iceberg", "iceberg_s3", "nessie"])


def opened(stack: Clients, table: str) -> TableState:
    catalog, schema, name = table.split(".")
    properties = catalog_properties(stack.env)[catalog]
    found = TableName(catalog=catalog, schema=schema, name=name)
    with closing(open_catalog(catalog, properties)) as lake:
        return observe(load_table(lake, found), found)


def compare(stack: Clients, table: str) -> TableState:
    """Every file of `"t$files"` and every number of `"t$entries"`, once each."""
    state = opened(stack, table)
    catalog, schema, name = table.split(".")
    files = f'{catalog}.{schema}."{name}$files"'
    entries = f'{catalog}.{schema}."{name}$entries"'
    ours = state.files.files.to_pylist()
    told = stack.rows(
        f"SELECT content, file_path, lower(file_format), spec_id, record_count,"
        f" file_size_in_bytes, equality_ids FROM {files}"
    )
    assert sorted(told) == sorted(tuple(each[column] for column in FILE_COLUMNS) for each in ours)
    told = stack.rows(
        "SELECT data_file.file_path, sequence_number, file_sequence_number, snapshot_id"
        f" FROM {entries} WHERE status <> 2"
    )
    numbered = [tuple(each[column] for column in ENTRY_COLUMNS) for each in ours]
    assert sorted(told) == sorted(numbered)
    listed = stack.rows(
        "SELECT path, length, partition_spec_id, added_snapshot_id"
        f' FROM {catalog}.{schema}."{name}$manifests"'
    )
    columns = ["path", "length", "spec_id", "added_snapshot_id"]
    manifests = state.files.manifests.select(columns).to_pylist()
    assert sorted(listed) == sorted(tuple(each.values()) for each in manifests)
    return state


def compare_partitions(stack: Clients, table: str, state: TableState) -> None:
    """Of a table with one spec: Trino's partition row, field by field."""
    catalog, schema, name = table.split(".")
    told = stack.rows(f'SELECT file_path, partition FROM {catalog}.{schema}."{name}$files"')
    ours = {
        each["path"]: state.files.partitions[each["partition"]].values
        for each in state.files.files.to_pylist()
    }
    assert {path: tuple(partition) for path, partition in told} == ours


@CATALOGS
def test_partitions_of_many_transforms_and_position_deletes(
    each_stack: Clients, make_schema: Callable[..., str], catalog: str
) -> None:
    table = f"{make_schema(each_stack, catalog)}.t"
    each_stack.rows(
        f'CREATE TABLE {table} (id bigint, d date, "Odd näme/" varchar, ts timestamp(6), m date,'
        " y date, price decimal(20, 2), ok boolean, r real)"
        " WITH (format_version = 2, partitioning = ARRAY['day(d)', 'bucket(id, 4)',"
        " '\"odd näme/\"', 'hour(ts)', 'month(m)', 'year(y)',"
        " 'price', 'ok', 'r'])"
    )
    for day in (1, 2):
        each_stack.rows(
            f"INSERT INTO {table} SELECT x, DATE '2024-01-01' + {day} * INTERVAL '1' DAY,"
            " U&'n/ \\00e4' || CAST(x % 3 AS varchar), TIMESTAMP '1969-12-31 23:59:59.999999',"
            " DATE '1969-12-31', DATE '2024-02-29',"
            " DECIMAL '-12345678901234.56', x > 3, REAL '1.5' FROM UNNEST(sequence(1, 6)) AS t(x)"
        )
    each_stack.rows(f"INSERT INTO {table} VALUES ({', '.join(['NULL'] * 9)})")
    each_stack.rows(f"DELETE FROM {table} WHERE id = 3")
    state = compare(each_stack, table)
    compare_partitions(each_stack, table, state)
    files = state.files.files.to_pylist()
    assert sum(each["deletes"] for each in files) == 2
    assert [each["applies_to"] for each in files if each["content"]] == [1, 1]


@CATALOGS
def test_an_unpartitioned_table(
    each_stack: Clients, make_schema: Callable[..., str], catalog: str
) -> None:
    table = f"{make_schema(each_stack, catalog)}.t"
    each_stack.rows(f"CREATE TABLE {table} (id bigint)")
    assert opened(each_stack, table).files.files.num_rows == 0
    for number in range(3):
        each_stack.rows(f"INSERT INTO {table} VALUES {number}")
    each_stack.rows(f"DELETE FROM {table} WHERE id = 1")
    state = compare(each_stack, table)
    assert state.columns[0].name == "id"
    assert state.format_version == 2
    if catalog == "nessie":
        assert state.ref_hash


def test_format_and_partitioning_that_changed(
    each_stack: Clients, make_schema: Callable[..., str]
) -> None:
    table = f"{make_schema(each_stack)}.t"
    each_stack.rows(
        f"CREATE TABLE {table} (id bigint, name varchar)"
        " WITH (format_version = 1, partitioning = ARRAY['name'])"
    )
    each_stack.rows(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
    state = compare(each_stack, table)
    assert set(state.files.files.column("data_sequence_number").to_pylist()) == {0}
    each_stack.rows(f"ALTER TABLE {table} SET PROPERTIES format_version = 2")
    each_stack.rows(f"INSERT INTO {table} VALUES (3, 'a'), (4, 'b')")
    each_stack.rows(f"DELETE FROM {table} WHERE id = 1")
    compare(each_stack, table)
    each_stack.rows(f"ALTER TABLE {table} SET PROPERTIES partitioning = ARRAY['bucket(id, 2)']")
    each_stack.rows(f"INSERT INTO {table} VALUES (5, 'a'), (6, 'b')")
    state = compare(each_stack, table)
    assert len(state.specs) > 1
    assert len(set(state.files.files.column("spec_id").to_pylist())) == 2
    before = state.snapshots[0].snapshot_id
    assert before != state.snapshot_id


def test_manifests_written_anew_in_blocks_of_64_000_bytes(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    """Trino's block size, which the synthetic manifests of `benchmarks/manifests.py` imitate."""
    table = f"{make_schema(stack)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, k bigint, a double, b double, c varchar)"
        " WITH (partitioning = ARRAY['k'])"
    )
    for start in (0, 90, 180):
        stack.rows(
            f"INSERT INTO {table} SELECT x, x % 90 + {start}, x, x, 'abcdef'"
            " FROM UNNEST(sequence(1, 180)) AS t(x)"
        )
    stack.rows(f"ALTER TABLE {table} EXECUTE optimize_manifests")
    state = compare(stack, table)
    assert state.files.files.num_rows == 270
    assert state.files.manifests.num_rows == 1
    path = state.files.manifests.column("path")[0].as_py().removeprefix("file://")
    with open(path, "rb") as file:  # noqa: PTH123 - Iceberg's location, as it is
        container = flatten(file.read())
    assert container.codec == "deflate"
    count, _ = read_long(bytes(container.content), 16)
    assert 100 < count < 270, "the first block holds some 64,000 bytes, not all, not one"


@pytest.mark.parametrize("catalog", ["iceberg", "iceberg_s3"])
def test_deletion_vectors(stack: Clients, make_schema: Callable[..., str], catalog: str) -> None:
    table = f"{make_schema(stack, catalog)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, k bigint)"
        " WITH (format_version = 3, partitioning = ARRAY['k'])"
    )
    stack.rows(f"INSERT INTO {table} SELECT x, x % 2 FROM UNNEST(sequence(1, 20)) AS t(x)")
    for number in (2, 4, 5):
        stack.rows(f"DELETE FROM {table} WHERE id = {number}")
    state = compare(stack, table)
    vectors = [each for each in state.files.files.to_pylist() if each["format"] == "puffin"]
    assert [each["applies_to"] for each in vectors] == [1, 1]
    schema, name = table.rsplit(".", 1)
    told = stack.rows(
        "SELECT file_path, referenced_data_file, content_offset, content_size_in_bytes"
        f' FROM {schema}."{name}$files" WHERE content = 1'
    )
    columns = ("path", "referenced_data_file", "content_offset", "content_size")
    assert sorted(told) == sorted(tuple(each[column] for column in columns) for each in vectors)


def test_applied_deletes_are_those_that_optimize_removes(
    stack: Clients, make_schema: Callable[..., str]
) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(
        f"CREATE TABLE {table} (id bigint, k bigint)"
        " WITH (format_version = 2, partitioning = ARRAY['k'])"
    )
    for start in (0, 10):
        stack.rows(
            f"INSERT INTO {table} SELECT x + {start}, x % 3 FROM UNNEST(sequence(1, 9)) AS t(x)"
        )
    stack.rows(f"DELETE FROM {table} WHERE id IN (1, 2, 11)")
    stack.rows(f"DELETE FROM {table} WHERE id IN (4, 7)")
    files = opened(stack, table).files.files.to_pylist()
    applied = sum(1 for each in files if each["applies_to"])
    result = stack.rows(f"ALTER TABLE {table} EXECUTE optimize")
    told = {str(name): value for name, value in result}
    assert told["removed_delete_files_count"] == applied > 0


def test_a_variant_column_is_told_apart(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint, v variant) WITH (format_version = 3)")
    with pytest.raises(PhloSqlError) as caught:
        opened(stack, table)
    assert caught.value.code is Code.UNSUPPORTED_TYPE


def test_an_earlier_snapshot(stack: Clients, make_schema: Callable[..., str]) -> None:
    table = f"{make_schema(stack)}.t"
    stack.rows(f"CREATE TABLE {table} (id bigint)")
    for number in range(3):
        stack.rows(f"INSERT INTO {table} VALUES {number}")
    catalog, schema, name = table.split(".")
    with closing(open_catalog(catalog, catalog_properties(stack.env)[catalog])) as lake:
        loaded = load_table(lake, TableName(schema=schema, name=name))
    snapshots = sorted(loaded.metadata.snapshots, key=lambda each: each.timestamp_ms)
    counts = [
        read_inventory(loaded, snapshot_id=each.snapshot_id).files.num_rows for each in snapshots
    ]
    assert counts == [0, 1, 2, 3]


class TestCatalogs:
    def refused(self, name: str, properties: dict[str, str], table: TableName) -> PhloSqlError:
        with pytest.raises(PhloSqlError) as caught, closing(open_catalog(name, properties)) as lake:
            load_table(lake, table)
        assert "\n" not in caught.value.problem + caught.value.hint
        return caught.value

    def properties(self, stack: Clients, catalog: str) -> dict[str, Any]:
        return catalog_properties(stack.env)[catalog]

    def test_an_unknown_nessie_ref(self, stack: Clients) -> None:
        elsewhere = at_ref(self.properties(stack, "nessie"), "nope")
        error = self.refused("nessie", elsewhere, TableName(schema="a", name="b"))
        assert error.code is Code.UNKNOWN_REF

    def test_a_table_is_on_its_ref_only(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        schema = make_schema(stack, "nessie_dev")
        stack.rows(f"CREATE TABLE {schema}.t (id bigint)")
        name = TableName(schema=schema.split(".")[1], name="t")
        main = self.properties(stack, "nessie")
        with closing(open_catalog("nessie", at_ref(main, "dev"))) as lake:
            assert load_table(lake, name).name()[-1] == "t"
        assert self.refused("nessie", main, name).code is Code.UNKNOWN_SCHEMA

    @CATALOGS
    def test_near_names(
        self, stack: Clients, make_schema: Callable[..., str], catalog: str
    ) -> None:
        schema = make_schema(stack, catalog)
        stack.rows(f"CREATE TABLE {schema}.orders (id bigint)")
        name = TableName(schema=schema.split(".")[1], name="order")
        error = self.refused(catalog, self.properties(stack, catalog), name)
        assert error.code is Code.UNKNOWN_TABLE
        assert error.hint == "did you mean orders?"

    def test_a_wrong_password_is_not_shown(self, stack: Clients) -> None:
        given = self.properties(stack, "iceberg")
        given["uri"] = given["uri"].replace(stack.env["POSTGRES_PASSWORD"], "hunter2")
        error = self.refused("iceberg", given, TableName(schema="a", name="b"))
        assert error.code is Code.CATALOG_UNREADABLE
        assert "hunter2" not in error.problem

    def test_a_wrong_key_to_the_storage(
        self, stack: Clients, make_schema: Callable[..., str]
    ) -> None:
        table = f"{make_schema(stack, 'iceberg_s3')}.t"
        stack.rows(f"CREATE TABLE {table} AS SELECT 1 AS id")
        given = self.properties(stack, "iceberg_s3") | {"s3.secret-access-key": "hunter2"}
        catalog, schema, name = table.split(".")
        with pytest.raises(PhloSqlError) as caught, closing(open_catalog(catalog, given)) as lake:
            read_inventory(load_table(lake, TableName(schema=schema, name=name)))
        assert "hunter2" not in caught.value.problem
        assert "\n" not in caught.value.problem
