"""The flat header: what it resolves, what it refuses, and which engine takes which codec."""

from __future__ import annotations

import io
import json
import zlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest

from phlo_sql.observe.files import read_inventory
from phlo_sql.observe.manifests_avro import NotAvroError, flatten, read_long, write_long
from phlo_sql.observe.manifests_read import read_columns
from tests.unit.observe.manifest_maker import Json, TableMaker, entry, entry_schema

if TYPE_CHECKING:
    from pathlib import Path


def written(schema: Json, rows: list[Any], **options: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.writer(stream, schema, rows, **options)
    return stream.getvalue()


def test_nesting_is_not_on_the_wire() -> None:
    data = written(entry_schema(2, []), [entry("a"), entry("b")])
    container = flatten(data)
    table = read_columns([(5, container)], ["f0", "f100", "f104", "f999"])
    assert table.to_pydict() == {
        "manifest": [5, 5],
        "f0": [1, 1],
        "f100": ["a", "b"],
        "f104": [1000, 1000],
    }
    assert data.endswith(bytes(container.content))


@pytest.mark.parametrize("engine", ["datafusion", "fastavro"])
def test_a_named_type_that_is_used_twice(maker: TableMaker, engine: str) -> None:
    """Avro writes the second use of `uuid_fixed` as its name alone."""
    kind = {"type": "fixed", "size": 16, "name": "uuid_fixed", "logicalType": "uuid"}
    avro: list[Json] = [
        {"name": "a", "type": ["null", kind], "default": None, "field-id": 1000},
        {"name": "b", "type": ["null", "uuid_fixed"], "default": None, "field-id": 1001},
    ]
    fields = [
        {"source-id": 1, "field-id": 1000 + place, "name": name, "transform": "identity"}
        for place, name in enumerate("ab")
    ]
    maker.specs = [{"spec-id": 0, "fields": fields}]
    values = {"a": UUID(int=1).bytes, "b": UUID(int=2).bytes}
    maker.manifest([entry("f", partition=values)], partition=avro)
    inventory = read_inventory(maker.table(), engine=engine)
    assert inventory.partitions[0].values == (UUID(int=1), UUID(int=2))


def test_a_writer_that_leaves_field_ids_out(maker: TableMaker, tmp_path: Path) -> None:
    def bare(kind: Any) -> Any:
        if isinstance(kind, dict):
            return {name: bare(each) for name, each in kind.items() if name != "field-id"}
        return [bare(each) for each in kind] if isinstance(kind, list) else kind

    field = {"source-id": 1, "field-id": 1000, "name": "p", "transform": "identity"}
    maker.specs = [{"spec-id": 0, "fields": [field]}]
    avro: list[Json] = [{"name": "p", "type": ["null", "long"], "field-id": 1000}]
    path = maker.manifest([entry("f", partition={"p": 4})], partition=avro)
    schema = bare(entry_schema(2, avro))
    path.write_bytes(written(schema, [entry("f", partition={"p": 4})]))
    inventory = read_inventory(maker.table())
    assert inventory.files.column("path").to_pylist() == ["f"]
    assert inventory.partitions[0].values == (4,)


def test_a_codec_of_the_fallback_only(maker: TableMaker) -> None:
    maker.manifest([entry("a"), entry("b")], avro={"codec": "bzip2"})
    assert read_inventory(maker.table()).files.column("path").to_pylist() == ["a", "b"]


@pytest.mark.parametrize("codec", ["zstandard", "snappy"])
def test_codecs_that_fastavro_alone_cannot_read(codec: str) -> None:
    """fastavro needs more packages for these; DataFusion has them built in."""
    plain = written(entry_schema(2, []), [entry(f"f{number}") for number in range(50)])
    container = flatten(plain)
    content = bytes(container.content)
    sync, position = content[:16], 16
    count, position = read_long(content, position)
    size, position = read_long(content, position)
    block = content[position : position + size]
    if codec == "zstandard":
        packed = pa.Codec("zstd").compress(block, asbytes=True)
    else:  # Avro puts a checksum after each snappy block
        packed = pa.Codec("snappy").compress(block, asbytes=True)
        packed += zlib.crc32(block).to_bytes(4, "big")
    header = plain[: len(plain) - len(content)].replace(
        write_long(4) + b"null", write_long(len(codec)) + codec.encode()
    )
    packed = header + sync + write_long(count) + write_long(len(packed)) + packed + sync
    table = read_columns([(0, flatten(packed))], ["f100"], engine="datafusion")
    assert table.column("f100").to_pylist() == [f"f{number}" for number in range(50)]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "it is empty"),
        (b"PAR1", "it is not an Avro file"),
        (b"Obj\x01", "header cannot be read"),
        (b"Obj\x01\x02\x16avro.schema\x80", "header"),
        (written({"type": "array", "items": "int"}, [[1]]), "not a record"),
    ],
    ids=["empty", "parquet", "cut off", "bad header", "no record"],  # a writer's marker is random
)
def test_what_is_no_manifest(data: bytes, cause: str) -> None:
    with pytest.raises(NotAvroError, match=cause):
        flatten(data)


@pytest.mark.parametrize("value", [0, 1, -1, 63, 64, 2**31, 2**62, -(2**63)])
def test_numbers_survive(value: int) -> None:
    if value >= 0:
        assert read_long(write_long(value), 0) == (value, len(write_long(value)))
    else:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, "long", value)
        assert read_long(stream.getvalue(), 0)[0] == value


def test_layouts_of_one_spec_are_equal() -> None:
    one = flatten(written(entry_schema(2, []), [entry("a")]))
    two = flatten(written(entry_schema(2, []), [entry("b")], codec="deflate"))
    assert one.layout == two.layout
    assert one.layout != flatten(written(entry_schema(3, []), [entry("a")])).layout
    assert json.loads(one.layout.schema)["fields"][0] == {"name": "f0", "type": "int"}
