"""JSON Schema (draft 2020-12) of one row, and back.

`x-iceberg-type` keeps what JSON has no word for; without it types are read from `type` and
`format`, so a schema that another program wrote is read too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema import spelling
from phlo_sql.schema.model import (
    Field,
    ListOf,
    MapOf,
    Primitive,
    Struct,
    TableSchema,
    by_id,
    numbered,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.schema.model import Type

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_MARK = "x-iceberg-type"
_JSON: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "decimal": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "timestamp": {"type": "string"},
    "timestamptz": {"type": "string", "format": "date-time"},
    "timestamp_ns": {"type": "string"},
    "timestamptz_ns": {"type": "string", "format": "date-time"},
    "string": {"type": "string"},
    "uuid": {"type": "string", "format": "uuid"},
    "fixed": {"type": "string", "contentEncoding": "base64"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "variant": {"type": ["string", "number", "boolean", "object", "array"]},
    "geometry": {"type": "string", "contentEncoding": "base64"},
    "geography": {"type": "string", "contentEncoding": "base64"},
    "unknown": {"type": "null"},
}
_FORMATS = {"date": "date", "time": "time", "date-time": "timestamptz", "uuid": "uuid"}
_TYPES = {"boolean": "boolean", "integer": "long", "number": "double", "null": "unknown"}


def write(schema: TableSchema) -> str:
    title = str(schema.name) if schema.name else "row"
    document: dict[str, Any] = {"$schema": _DRAFT, "title": title}
    if schema.comment:
        document["description"] = schema.comment
    return json.dumps({**document, **_object(schema.fields)}, indent=2, ensure_ascii=False) + "\n"


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {each.name: _field(each) for each in fields},
        "required": [each.name for each in fields if each.required],
        "additionalProperties": False,
    }


def _field(each: Field) -> dict[str, Any]:
    found = _type(each.type)
    if not each.required and found.get("type") != "null":
        kinds = found["type"]
        found["type"] = [*(kinds if isinstance(kinds, list) else [kinds]), "null"]
    if each.doc:
        found["description"] = each.doc
    if each.write_default is not None:
        found["default"] = each.write_default
    return found


def _type(kind: Type) -> dict[str, Any]:
    match kind:
        case Primitive(name):
            return {**_JSON.get(name, {}), _MARK: spelling.iceberg(kind)}
        case Struct(fields):
            return _object(fields)
        case ListOf(element):
            return {"type": "array", "items": _field(element)}
        case MapOf(key, value):
            if key.type == Primitive("string"):
                return {"type": "object", "additionalProperties": _field(value)}
            pair = {
                "type": "array",
                "prefixItems": [_field(key), _field(value)],
                "items": False,
                "minItems": 2,
            }
            return {"type": "array", "items": pair, _MARK: "map"}


def read(text: str) -> TableSchema:
    """Raises PhloSqlError(BAD_SCHEMA)."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _bad(f"it is no JSON: {error}") from error
    if isinstance(document, dict) and document.get("type") == "record":
        from phlo_sql.schema.formats import avro  # noqa: PLC0415 - an Avro schema ends in .json too

        return avro.read(text)
    if not isinstance(document, dict) or not document.get("properties"):
        raise _bad("it has no properties")
    fields = numbered(_fields(document))
    return TableSchema(
        fields=fields,
        last_id=max(by_id(fields), default=0),
        comment=document.get("description"),
        says=frozenset({"docs", "defaults", "comment"}),
    )


def _fields(document: Mapping[str, Any]) -> tuple[Field, ...]:
    required = set(document.get("required") or ())
    return tuple(
        _read_field(name, value, required=name in required)
        for name, value in document["properties"].items()
    )


def _read_field(name: str, value: object, *, required: bool) -> Field:
    if not isinstance(value, dict):
        raise _bad(f"property {name!r} is no schema")
    default = value.get("default")
    return Field(
        name=name,
        type=_read_type(name, value),
        required=required,
        doc=value.get("description"),
        initial_default=default,
        write_default=default,
    )


def _read_type(name: str, value: Mapping[str, Any]) -> Type:
    mark = value.get(_MARK)
    if isinstance(mark, str) and mark != "map":
        return spelling.parse_type(mark)
    kinds = value.get("type")
    plain = [each for each in (kinds if isinstance(kinds, list) else [kinds]) if each != "null"]
    if mark == "map":
        key, held = value["items"]["prefixItems"]
        return _map(_read_type("key", key), held)
    if plain == ["object"]:
        if value.get("properties"):
            return Struct(_fields(value))
        if isinstance(value.get("additionalProperties"), dict):
            return _map(Primitive("string"), value["additionalProperties"])
    if plain == ["array"] and isinstance(value.get("items"), dict):
        return ListOf(
            _read_field("element", value["items"], required=not _nullable(value["items"]))
        )
    if plain == ["string"]:
        return Primitive(_FORMATS.get(str(value.get("format")), "string"))
    if len(plain) == 1 and plain[0] in _TYPES:
        return Primitive(_TYPES[plain[0]])
    raise _bad(f"property {name!r} has a type that no column can have: {json.dumps(kinds)}")


def _map(key: Type, held: Mapping[str, Any]) -> MapOf:
    value = _read_field("value", held, required=not _nullable(held))
    return MapOf(Field(name="key", type=key, required=True), value)


def _nullable(value: Mapping[str, Any]) -> bool:
    kinds = value.get("type")
    return "null" in kinds if isinstance(kinds, list) else kinds in (None, "null")


def _bad(why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_SCHEMA,
        f"the file is not read as JSON Schema: {why}",
        "write the schema of one row, as `schema export --format json-schema` does",
    )
