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


_CODECS = ("null", "deflate", "snappy", "zstandard")
"""What Trino decompresses (its AvroCompressionKind)."""


def read_avro(stream: BinaryIO) -> tuple[pa.Schema, int]:
    """Raises ValueError for what is no Avro, or holds what Arrow has no type for."""
    import pyarrow as pa
    from fastavro import block_reader

    reader = block_reader(stream)
    if reader.codec not in _CODECS:
        raise ValueError(f"it is compressed by {reader.codec}: Trino reads {', '.join(_CODECS)}")
    schema = reader.writer_schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise ValueError("its schema is no record")
    fields = _Named().fields(schema)
    return pa.schema(fields), sum(block.num_records for block in reader)


class _Named:
    """Types by their full names: a schema spells each out once, and then goes by its name."""

    def __init__(self) -> None:
        self._known: dict[str, pa.DataType] = {}
        self._open: set[str] = set()

    def fields(self, record: dict[str, Any]) -> list[pa.Field]:
        name = str(record["name"])
        self._open.add(name)
        found = [self._field(each) for each in record["fields"]]
        self._open.remove(name)
        return found

    def _field(self, each: dict[str, Any]) -> pa.Field:
        import pyarrow as pa

        kind, optional = self._type(each["type"])
        metadata = {"doc": str(each["doc"])} if each.get("doc") else None
        return pa.field(each["name"], kind, nullable=optional, metadata=metadata)

    def _type(self, schema: Any) -> tuple[pa.DataType, bool]:
        """The Arrow type, and whether it may be NULL."""
        if isinstance(schema, list):
            others = [each for each in schema if each != "null"]
            if len(others) != 1:
                raise ValueError(f"a union of {len(others)} types has no type in Iceberg")
            return self._type(others[0])[0], len(others) < len(schema)
        about = schema if isinstance(schema, dict) else {"type": schema}
        found = self._defined(about)
        if "name" in about:
            self._known[str(about["name"])] = found
        return found, False

    def _defined(self, about: dict[str, Any]) -> pa.DataType:
        import pyarrow as pa

        if "logicalType" in about and (found := _logical(about)) is not None:
            return found
        match about["type"]:
            case "array":
                kind, optional = self._type(about["items"])
                return pa.list_(pa.field("element", kind, nullable=optional))
            case "map":
                return pa.map_(pa.string(), self._type(about["values"])[0])
            case "record":
                return pa.struct(self.fields(about))
            case "fixed":
                return pa.binary(int(about["size"]))
            case str(name) if name in _SIMPLE:
                return getattr(pa, _SIMPLE[name])()
            case str(name) if name in self._known:
                return self._known[name]
            case str(name) if name in self._open:
                raise ValueError(f"record {name} holds itself, which no type of Iceberg does")
            case dict() | list():
                return self._type(about["type"])[0]
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
