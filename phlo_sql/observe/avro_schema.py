"""An Avro file's schema as Arrow types, and its rows; the file's blocks are not decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import BinaryIO

    import pyarrow as pa

_SIMPLE = {
    "boolean": "bool_",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "bytes": "binary",
    "string": "string",
    "enum": "string",
}
_MOMENTS = {
    "timestamp-millis": ("ms", True),
    "timestamp-micros": ("us", True),
    "timestamp-nanos": ("ns", True),
    "local-timestamp-millis": ("ms", False),
    "local-timestamp-micros": ("us", False),
    "local-timestamp-nanos": ("ns", False),
}


def read_avro(stream: BinaryIO) -> tuple[pa.Schema, int]:
    """Raises ValueError for what is no Avro, or holds what Arrow has no type for."""
    import pyarrow as pa
    from fastavro import block_reader

    reader = block_reader(stream)
    schema = reader.writer_schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("its schema is no record")
    fields = [_field(each) for each in schema["fields"]]
    return pa.schema(fields), sum(block.num_records for block in reader)


def _field(each: dict[str, Any]) -> pa.Field:
    import pyarrow as pa

    kind, optional = _type(each["type"])
    metadata = {"doc": str(each["doc"])} if each.get("doc") else None
    return pa.field(each["name"], kind, nullable=optional, metadata=metadata)


def _type(schema: Any) -> tuple[pa.DataType, bool]:
    """The Arrow type, and whether it may be NULL."""
    import pyarrow as pa

    if isinstance(schema, list):
        others = [each for each in schema if each != "null"]
        if len(others) != 1:
            raise ValueError(f"a union of {len(others)} types has no type in Iceberg")
        return _type(others[0])[0], len(others) < len(schema)
    about = schema if isinstance(schema, dict) else {"type": schema}
    if "logicalType" in about and (found := _logical(about)) is not None:
        return found, False
    match about["type"]:
        case "array":
            kind, optional = _type(about["items"])
            return pa.list_(pa.field("element", kind, nullable=optional)), False
        case "map":
            return pa.map_(pa.string(), _type(about["values"])[0]), False
        case "record":
            return pa.struct([_field(each) for each in about["fields"]]), False
        case "fixed":
            return pa.binary(int(about["size"])), False
        case str(name) if name in _SIMPLE:
            return getattr(pa, _SIMPLE[name])(), False
        case dict() | list():
            return _type(about["type"])
        case other:
            raise ValueError(f"{other!r} has no type in Iceberg")


def _logical(about: dict[str, Any]) -> pa.DataType | None:
    import pyarrow as pa

    name = about["logicalType"]
    if name in _MOMENTS:
        unit, zoned = _MOMENTS[name]
        # Iceberg's own flag; Trino takes a plain timestamp-micros for one without a zone.
        adjusted = zoned and about.get("adjust-to-utc") is True
        return pa.timestamp(unit, "UTC" if adjusted else None)
    match name:
        case "date":
            return pa.date32()
        case "time-millis":
            return pa.time32("ms")
        case "time-micros":
            return pa.time64("us")
        case "decimal":
            return pa.decimal128(int(about["precision"]), int(about.get("scale", 0)))
        case _:
            return None
