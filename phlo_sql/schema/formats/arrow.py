"""Arrow's schema: as PyArrow code that makes it, checked by PyArrow itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phlo_sql.schema.model import Field, ListOf, MapOf, Primitive, Struct, TableSchema

if TYPE_CHECKING:
    from phlo_sql.schema.model import Type

_PLAIN = {
    "boolean": ("bool_",),
    "int": ("int32",),
    "long": ("int64",),
    "float": ("float32",),
    "double": ("float64",),
    "date": ("date32",),
    "time": ("time64", "us"),
    "timestamp": ("timestamp", "us"),
    "timestamptz": ("timestamp", "us", "UTC"),
    "timestamp_ns": ("timestamp", "ns"),
    "timestamptz_ns": ("timestamp", "ns", "UTC"),
    "string": ("string",),
    "uuid": ("binary", 16),
    "binary": ("binary",),
    "variant": ("binary",),
    "geometry": ("binary",),
    "geography": ("binary",),
    "unknown": ("null",),
}


def made(schema: TableSchema) -> Any:
    """`pyarrow.Schema`, field ids in the metadata under Parquet's key."""
    import pyarrow as pa  # noqa: PLC0415 - costs more than the rest of a command

    return pa.schema([_field(each) for each in schema.fields])


def _field(each: Field) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - costs more than the rest of a command

    metadata = {"PARQUET:field_id": str(each.id)} if each.id else {}
    if each.doc:
        metadata["doc"] = each.doc
    return pa.field(each.name, _type(each.type), nullable=not each.required, metadata=metadata)


def _type(kind: Type) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - costs more than the rest of a command

    match kind:
        case Primitive("decimal", (precision, scale)):
            return pa.decimal128(precision, scale)
        case Primitive("fixed", (length,)):
            return pa.binary(length)
        case Primitive(name):
            word, *arguments = _PLAIN[name]
            return getattr(pa, str(word))(*arguments)
        case Struct(fields):
            return pa.struct([_field(each) for each in fields])
        case ListOf(element):
            return pa.list_(_field(element))
        case MapOf(key, value):
            return pa.map_(_field(key), _field(value))


def write(schema: TableSchema) -> str:
    """A module with `SCHEMA`."""
    made(schema)  # PyArrow has the last word on what is a schema
    lines = ",\n".join(f"        {_code(each)}" for each in schema.fields)
    title = f"Schema of {schema.name}." if schema.name else "Schema."
    return f"{title!r}\n\nimport pyarrow as pa\n\nSCHEMA = pa.schema(\n    [\n{lines},\n    ]\n)\n"


def _code(each: Field) -> str:
    parts = [repr(each.name), _kind(each.type)]
    if each.required:
        parts.append("nullable=False")
    metadata = {"PARQUET:field_id": str(each.id)} if each.id else {}
    if each.doc:
        metadata["doc"] = each.doc
    if metadata:
        parts.append(f"metadata={metadata!r}")
    return f"pa.field({', '.join(parts)})"


def _kind(kind: Type) -> str:
    match kind:
        case Primitive("decimal", (precision, scale)):
            return f"pa.decimal128({precision}, {scale})"
        case Primitive("fixed", (length,)):
            return f"pa.binary({length})"
        case Primitive(name):
            word, *arguments = _PLAIN[name]
            return f"pa.{word}({', '.join(map(repr, arguments))})"
        case Struct(fields):
            return f"pa.struct([{', '.join(map(_code, fields))}])"
        case ListOf(element):
            return f"pa.list_({_code(element)})"
        case MapOf(key, value):
            return f"pa.map_({_code(key)}, {_code(value)})"
