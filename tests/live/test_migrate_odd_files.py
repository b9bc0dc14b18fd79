"""`migrate convert` of what other writers make: their types, names, folders and compressions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pytest

from tests.live.migrating import Bench, everything

if TYPE_CHECKING:
    from collections.abc import Callable


pytestmark = pytest.mark.live
KEY = uuid.UUID("0f8fad5b-d9cb-469f-a165-70867728950e")


@pytest.fixture
def bench(each_bench: Bench) -> Bench:
    return each_bench


def annotated() -> pa.Table:
    """What Arrow has a name of its own for, and Parquet stores as something plainer."""
    keys = pa.array([KEY.bytes, None], pa.uuid())
    return pa.table(
        {
            "id": pa.array([1, 2]),
            "key": keys,
            "Inside": pa.StructArray.from_arrays(
                [keys, pa.array(["a", None])], ["Key", "zip Code"]
            ),
            "point": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
            "view": pa.array(["v", None], pa.string_view()),
            "raw": pa.array([b"\x00", None], pa.binary_view()),
            "took": pa.array([5, None], pa.duration("us")),
        }
    )


@pytest.mark.parametrize("mode", ["in-place", "copy"])
def test_types_with_names_of_their_own(
    mode: str, bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    bench.put("a.parquet", annotated())
    document = bench.convert(bench.folder, f"{schema}.t", "--mode", mode)
    assert document["data"]["result"]["rows"] == 2
    rows = bench.stack.rows(
        'SELECT key, inside."Key", inside."zip Code", point, view, raw, took '
        f"FROM {schema}.t WHERE key = UUID '{KEY}'"
    )
    assert rows == [(KEY, KEY, "a", [1.0, 2.0], "v", b"\x00", 5)]
    assert bench.stack.rows(f"SELECT count(*) FROM {schema}.t WHERE key IS NULL") == [(1,)]


def test_json_is_copied_for_what_add_files_does_with_it(
    bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    bench.put("a.parquet", pa.table({"doc": pa.array(['{"a": 1}', None], pa.json_())}))
    [chosen] = bench.planned(bench.folder, f"{schema}.t")["data"]["modes"]
    assert chosen["mode"] == "copy"
    assert "JSON" in chosen["reason"]
    bench.convert(bench.folder, f"{schema}.t")
    found = bench.stack.rows(f"SELECT json_extract_scalar(doc, '$.a') FROM {schema}.t")
    assert set(found) == {("1",), (None,)}


def test_a_comma_in_a_name_stays_in_place(bench: Bench, make_schema: Callable[..., str]) -> None:
    """No Hive table has such a column: it is not compared, and can't be copied."""
    schema = make_schema(bench.stack, "iceberg_s3")
    bench.put("a.parquet", pa.table({"id": [1, 2], "last, first": ["x", None]}))
    document = bench.convert(bench.folder, f"{schema}.t")
    assert any("last, first is not compared" in each for each in document["warnings"])
    assert set(bench.stack.rows(f'SELECT "last, first" FROM {schema}.t')) == {("x",), (None,)}
    refused = bench.planned(bench.folder, f"{schema}.u", "--mode", "copy", expect=3)
    assert "last, first can't be copied" in refused["errors"][0]


def test_folders_named_by_the_bytes_of_utf8(bench: Bench, make_schema: Callable[..., str]) -> None:
    """As DuckDB writes them. Hive reads `%C3%A9` as two letters."""
    schema = make_schema(bench.stack, "iceberg_s3")
    spelt = {"%C3%A9%2Fx": "é/x", "a%20b": "a b", "ü": "ü", "plain": "plain"}
    for number, folder in enumerate([*spelt, "__HIVE_DEFAULT_PARTITION__"]):
        bench.put(f"name={folder}/data_0.parquet", pa.table({"id": [number]}))
    bench.convert(bench.folder, f"{schema}.t")
    found = bench.stack.rows(f"SELECT name, id FROM {schema}.t")
    assert set(found) == {*((name, n) for n, name in enumerate(spelt.values())), (None, len(spelt))}


def test_avro_that_names_a_type_twice(bench: Bench, make_schema: Callable[..., str]) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    place = {
        "type": "record",
        "name": "shop.Place",
        "fields": [{"name": "street", "type": "string"}],
    }
    fields = [
        {"name": "home", "type": place},
        {"name": "work", "type": ["null", "shop.Place"]},
        {"name": "others", "type": {"type": "array", "items": "shop.Place"}},
    ]
    rows: list[Any] = [
        {"home": {"street": "a"}, "work": None, "others": [{"street": "b"}]},
        {"home": {"street": "c"}, "work": {"street": "d"}, "others": []},
    ]
    bench.put_avro("a.avro", {"type": "record", "name": "r", "fields": fields}, rows)
    bench.convert(bench.folder, f"{schema}.t", "--format", "avro")
    found = bench.stack.rows(
        f"SELECT home.street, work.street, cardinality(others) FROM {schema}.t"
    )
    assert set(found) == {("a", None, 1), ("c", "d", 0)}


def test_what_no_table_can_hold_is_refused_by_name(
    bench: Bench, make_schema: Callable[..., str]
) -> None:
    schema = make_schema(bench.stack, "iceberg_s3")
    for codec in ("lz4", "brotli"):  # Trino would fail at the first query, with a table in place
        bench.put(f"{codec}/a.parquet", everything(), compression=codec)
    bench.put("hidden/a.parquet", pa.table({"id": [1], "$path": ["x"]}))
    bench.put("nameless/a.parquet", pa.table([[1], [2]], names=["id", ""]))
    bench.put("field/a.parquet", pa.table({"s": pa.array([{"a-b": 1}])}))
    bench.put("untyped/a.parquet", pa.table({"id": [1], "n": pa.nulls(1)}))
    bench.put("digits/a.parquet", pa.table({"n": pa.array([1], pa.decimal256(50, 2))}))
    bench.put("same/k=a/1.parquet", pa.table({"id": [1]}))
    bench.put("same/k=%61/1.parquet", pa.table({"id": [2]}))
    for folder, words in {
        "lz4": "LZ4_RAW",
        "brotli": "BROTLI",
        "hidden": "'$path'",
        "nameless": "the name ''",
        "field": "a field named 'a-b'",
        "untyped": "every value is NULL",
        "digits": "38 digits at most",
        "same": "spell one partition in two ways",
    }.items():
        document = bench.planned(f"{bench.folder}/{folder}", f"{schema}.t", expect=1)
        assert document["reason_code"] == "bad_source", folder
        assert words in document["errors"][0], folder
    path = f"{bench.folder.removeprefix('s3://')}/bzip2/a.avro"
    record = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"}]}
    with bench.store.open_output_stream(path) as stream:
        fastavro.writer(stream, fastavro.parse_schema(record), [{"id": 1}], codec="bzip2")
    document = bench.planned(f"s3://{path}", f"{schema}.t", "--format", "avro", expect=1)
    assert "compressed by bzip2" in document["errors"][0]
    assert not bench.stack.rows(f"SHOW TABLES FROM {schema}")
