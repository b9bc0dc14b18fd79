"""The Avro container of a manifest, written anew so that every reader can take it.

Avro puts the fields of a record one after the other, with nothing between records: nesting is not
on the wire. So the same blocks can be read under a header whose schema is flat, has plain names, no
logical types and no empty records. That is what this module makes: DataFusion 55 reads any manifest
then (under its own header it refuses empty partition structs and names outside ASCII), and skips
the columns that nobody asked for. Used by the other manifest modules only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAGIC = b"Obj\x01"
DATA_FILE, PARTITION = 2, 102
"""Field ids of the two records that are unwrapped (Iceberg spec, "Manifests")."""

# Only for writers that leave field ids out; Java, PyIceberg and iceberg-go write them.
_IDS_BY_NAME = {
    "status": 0,
    "snapshot_id": 1,
    "sequence_number": 3,
    "file_sequence_number": 4,
    "data_file": DATA_FILE,
    "content": 134,
    "file_path": 100,
    "file_format": 101,
    "partition": PARTITION,
    "record_count": 103,
    "file_size_in_bytes": 104,
    "value_counts": 109,
    "null_value_counts": 110,
    "lower_bounds": 125,
    "upper_bounds": 128,
    "equality_ids": 135,
}

AvroType = object
"""A parsed Avro schema: a name, a list (union) or a mapping."""


class NotAvroError(ValueError):
    """The bytes are not an Avro container with a record schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionColumn:
    """One field of the partition record, with the Avro type that its writer gave it."""

    column: str
    field_id: int | None
    kind: str
    """The Avro type without null; `fixed` and `bytes` keep their logical type in `logical`."""
    logical: str | None = None
    precision_scale: tuple[int, int] | None = None
    utc: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A flat schema, and which of its columns are partition fields. Equal layouts read together."""

    schema: str
    columns: frozenset[str]
    partition: tuple[PartitionColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A manifest's parts: the new header, and the blocks as they were written."""

    layout: Layout
    codec: str
    header: bytes
    content: memoryview
    metadata: Mapping[str, bytes]

    def __len__(self) -> int:
        return len(self.header) + len(self.content)


def column(field_id: int) -> str:
    """The name of a field in the flat schema."""
    return f"f{field_id}"


def flatten(data: bytes) -> Container:
    """Take a manifest or manifest list apart. Raises NotAvroError."""
    try:
        metadata, position = _read_header(data)
        layout = _layout(json.loads(metadata["avro.schema"]))
    except (LookupError, ValueError, TypeError) as error:
        if isinstance(error, NotAvroError):
            raise
        raise NotAvroError(f"its Avro header cannot be read ({type(error).__name__})") from error
    codec = metadata.get("avro.codec", b"null").decode()
    return Container(
        layout=layout,
        codec=codec,
        header=_write_header({"avro.schema": layout.schema.encode(), "avro.codec": codec.encode()}),
        content=memoryview(data)[position:],
        metadata=metadata,
    )


def _layout(schema: AvroType) -> Layout:
    flat: list[dict[str, AvroType]] = []
    partition: list[PartitionColumn] = []
    names = _Names()
    for field_id, name, kind, is_partition in _flat_fields(names, schema):
        if is_partition:
            described = _describe(f"p{len(partition)}", field_id, kind)
            partition.append(described)
            flat.append({"name": described.column, "type": _plain(kind, names)})
        else:
            label = column(field_id) if field_id is not None else f"x{len(flat)}_{len(name)}"
            flat.append({"name": label, "type": _plain(kind, names)})
    return Layout(
        schema=json.dumps({"type": "record", "name": "entry", "fields": flat}),
        columns=frozenset(str(field["name"]) for field in flat),
        partition=tuple(partition),
    )


class _Names:
    """Named types (record, fixed, enum) met so far: a later field may refer to one by its name."""

    def __init__(self) -> None:
        self.known: dict[str, AvroType] = {}
        self.count = 0

    def resolve(self, kind: AvroType) -> AvroType:
        """Replace references by their definition, and remember definitions, all the way down."""
        if isinstance(kind, str):
            return self.known.get(kind, kind)
        if isinstance(kind, list):
            return [self.resolve(branch) for branch in kind]
        if not isinstance(kind, dict):
            raise NotAvroError("its Avro schema has an unknown part")
        resolved = dict(kind)
        if resolved["type"] == "record":
            resolved["fields"] = [
                {**field, "type": self.resolve(field["type"])} for field in resolved["fields"]
            ]
        for inner in ("items", "values"):
            if inner in resolved:
                resolved[inner] = self.resolve(resolved[inner])
        if isinstance(resolved["type"], dict | list):
            return self.resolve(resolved["type"])
        if "name" in resolved:
            self.known[str(resolved["name"])] = resolved
        return resolved

    def fresh(self) -> str:
        self.count += 1
        return f"n{self.count}"


def _flat_fields(
    names: _Names, schema: AvroType, *, inside_partition: bool = False
) -> Iterator[tuple[int | None, str, AvroType, bool]]:
    resolved = names.resolve(schema)
    if not isinstance(resolved, dict) or resolved.get("type") != "record":
        raise NotAvroError("its Avro schema is not a record")
    for field in resolved["fields"]:
        known = None if inside_partition else _IDS_BY_NAME.get(field["name"])
        field_id = field.get("field-id", known)
        if field_id in (DATA_FILE, PARTITION) and not inside_partition:
            yield from _flat_fields(names, field["type"], inside_partition=field_id == PARTITION)
        else:
            yield field_id, field["name"], field["type"], inside_partition


def _plain(kind: AvroType, names: _Names) -> AvroType:
    """The same wire type without logical types, defaults, docs or the writer's names."""
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        return [_plain(branch, names) for branch in kind]
    if not isinstance(kind, dict):
        raise NotAvroError("its Avro schema has an unknown part")
    match kind["type"]:
        case "fixed":
            return {"type": "fixed", "size": kind["size"], "name": names.fresh()}
        case "array":
            return {"type": "array", "items": _plain(kind["items"], names)}
        case "map":
            return {"type": "map", "values": _plain(kind["values"], names)}
        case "enum":
            return {"type": "enum", "symbols": kind["symbols"], "name": names.fresh()}
        case "record":
            fields = [
                {"name": field["name"], "type": _plain(field["type"], names)}
                for field in kind["fields"]
            ]
            return {"type": "record", "name": names.fresh(), "fields": fields}
        case primitive:
            return str(primitive)


def _describe(label: str, field_id: int | None, kind: AvroType) -> PartitionColumn:
    branches = [branch for branch in kind if branch != "null"] if isinstance(kind, list) else [kind]
    inner = branches[0] if branches else "null"
    if isinstance(inner, str):
        return PartitionColumn(column=label, field_id=field_id, kind=inner)
    if not isinstance(inner, dict):
        raise NotAvroError("its partition record has an unknown type")
    logical = inner.get("logicalType")
    return PartitionColumn(
        column=label,
        field_id=field_id,
        kind=str(inner["type"]),
        logical=logical,
        precision_scale=(int(inner["precision"]), int(inner.get("scale", 0)))
        if logical == "decimal"
        else None,
        utc=bool(inner.get("adjust-to-utc", False)),
    )


def _read_header(data: bytes) -> tuple[dict[str, bytes], int]:
    if data[:4] != MAGIC:
        raise NotAvroError("it is not an Avro file" if data else "it is empty")
    metadata: dict[str, bytes] = {}
    position = 4
    while True:
        count, position = read_long(data, position)
        if count == 0:
            return metadata, position
        if count < 0:  # a block that says its size, so that it could be skipped
            count = -count
            _, position = read_long(data, position)
        for _ in range(count):
            key, position = _read_bytes(data, position)
            metadata[key.decode()], position = _read_bytes(data, position)


def _read_bytes(data: bytes, position: int) -> tuple[bytes, int]:
    length, position = read_long(data, position)
    if length < 0 or position + length > len(data):
        raise NotAvroError("its Avro header is cut off")
    return data[position : position + length], position + length


def read_long(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), position


def _write_header(metadata: Mapping[str, bytes]) -> bytes:
    out = bytearray(MAGIC)
    out += write_long(len(metadata))
    for key, value in metadata.items():
        out += write_long(len(key.encode())) + key.encode() + write_long(len(value)) + value
    out += b"\x00"
    return bytes(out)


def write_long(value: int) -> bytes:
    encoded, out = value << 1, bytearray()
    while encoded > 0x7F:
        out.append(encoded & 0x7F | 0x80)
        encoded >>= 7
    out.append(encoded)
    return bytes(out)
