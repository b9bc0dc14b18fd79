"""Avro's schema as Iceberg maps it (spec, "Appendix A: Avro"), checked by fastavro, and back."""

from __future__ import annotations

import json
import re
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
    with_docs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.schema.model import Type

_NAME, _TYPE = "iceberg-field-name", "iceberg-type"
_PLAIN = {
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "string": "string",
    "binary": "bytes",
    "geometry": "bytes",
    "geography": "bytes",
    "unknown": "null",
    "date": {"type": "int", "logicalType": "date"},
    "time": {"type": "long", "logicalType": "time-micros"},
    "timestamp": {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": False},
    "timestamptz": {"type": "long", "logicalType": "timestamp-micros", "adjust-to-utc": True},
    "timestamp_ns": {"type": "long", "logicalType": "timestamp-nanos", "adjust-to-utc": False},
    "timestamptz_ns": {"type": "long", "logicalType": "timestamp-nanos", "adjust-to-utc": True},
}
_READ = {"bytes": "binary", "null": "unknown"}


class _Writer:
    def __init__(self) -> None:
        self.used: set[str] = set()

    def record(self, wanted: str, fields: tuple[Field, ...]) -> dict[str, Any]:
        names: set[str] = set()
        return {
            "type": "record",
            "name": self._free(_plain_name(wanted), self.used),
            "fields": [self._field(each, names) for each in fields],
        }

    def _field(self, each: Field, names: set[str]) -> dict[str, Any]:
        name = self._free(_plain_name(each.name), names)
        found: dict[str, Any] = {"name": name, "type": self._held(each)}
        if not each.required:
            found["default"] = None
        if each.doc:
            found["doc"] = each.doc
        if name != each.name:
            found[_NAME] = each.name
        if each.id:
            found["field-id"] = each.id
        found[_TYPE] = spelling.iceberg(each.type)
        if each.write_default is not None:
            found["iceberg-default"] = each.write_default
        return found

    def _held(self, each: Field) -> Any:
        kind = self._type(each.type, each.name)
        return kind if each.required or kind == "null" else ["null", kind]

    def _type(self, kind: Type, name: str) -> Any:
        match kind:
            case Primitive("decimal", (precision, scale)):
                return {
                    "type": "bytes",
                    "logicalType": "decimal",
                    "precision": precision,
                    "scale": scale,
                }
            case Primitive("fixed", (length,)):
                fixed = self._free(f"fixed_{length}", self.used)
                return {"type": "fixed", "name": fixed, "size": length}
            case Primitive("uuid"):
                fixed = self._free("uuid_fixed", self.used)
                return {"type": "fixed", "name": fixed, "size": 16, "logicalType": "uuid"}
            case Primitive("variant"):
                held = tuple(
                    Field(name=part, type=Primitive("binary"), required=True)
                    for part in ("metadata", "value")
                )
                return {**self.record(f"{name}_variant", held), "logicalType": "variant"}
            case Primitive(plain):
                return _PLAIN[plain]
            case Struct(fields):
                return self.record(f"r_{name}", fields)
            case ListOf(element):
                return {"type": "array", "items": self._held(element)}
            case MapOf(key, value):
                if key.type == Primitive("string"):
                    return {"type": "map", "values": self._held(value)}
                pair = self.record(f"kv_{name}", (key, value))
                return {"type": "array", "logicalType": "map", "items": pair}

    def _free(self, name: str, used: set[str]) -> str:
        found, number = name, 2
        while found in used:
            found, number = f"{name}_{number}", number + 1
        used.add(found)
        return found


def write(schema: TableSchema) -> str:
    import fastavro  # noqa: PLC0415 - costs more than the rest of a command

    document = _Writer().record(schema.name.name if schema.name else "record", schema.fields)
    if schema.comment:
        document["doc"] = schema.comment
    fastavro.parse_schema(json.loads(json.dumps(document)))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plain_name(name: str) -> str:
    """Avro's names are ASCII letters, digits and `_`."""
    found = re.sub(r"[^A-Za-z0-9_]", lambda match: f"_x{ord(match[0]):X}", name)
    return found if re.match(r"[A-Za-z_]", found) else f"_{found}"


def read(text: str) -> TableSchema:
    """Raises PhloSqlError(BAD_SCHEMA)."""
    import fastavro  # noqa: PLC0415 - costs more than the rest of a command

    try:
        document = json.loads(text)
        fastavro.parse_schema(json.loads(text))
    except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
        raise _bad(str(error).splitlines()[0][:200] or type(error).__name__) from error
    if not isinstance(document, dict) or document.get("type") != "record":
        raise _bad("it is no record")
    fields = numbered(_fields(document, {}))
    return TableSchema(
        fields=fields,
        last_id=max(by_id(fields), default=0),
        comment=document.get("doc"),
        says=frozenset({"docs", "defaults", "comment"}),
    )


def _fields(record: Mapping[str, Any], named: dict[str, Any]) -> tuple[Field, ...]:
    return tuple(_field(each, named) for each in record["fields"])


def _field(each: Mapping[str, Any], named: dict[str, Any]) -> Field:
    kind, nullable = _read(each["type"], named)
    if isinstance(each.get(_TYPE), str):
        kind = with_docs(spelling.parse_type(each[_TYPE]), kind)
    default = each.get("iceberg-default")
    return Field(
        name=each.get(_NAME, each["name"]),
        type=kind,
        required=not nullable,
        doc=each.get("doc"),
        initial_default=default,
        write_default=default,
    )


def _read(kind: Any, named: dict[str, Any]) -> tuple[Type, bool]:
    if isinstance(kind, list):
        held = [each for each in kind if each != "null"]
        if len(held) != 1:
            raise _bad("a union of several types is no column")
        return _read(held[0], named)[0], "null" in kind
    if isinstance(kind, str):
        if kind in named:
            return _read(named[kind], named)
        return Primitive(_READ.get(kind, kind)), kind == "null"
    if isinstance(kind.get("name"), str):
        named[kind["name"]] = kind
    return _compound(kind, named), False


def _compound(kind: Mapping[str, Any], named: dict[str, Any]) -> Type:
    logical = kind.get("logicalType")
    match kind["type"], logical:
        case "record", "variant":
            return Primitive("variant")
        case "record", _:
            return Struct(_fields(kind, named))
        case "array", "map":
            key, value = _fields(kind["items"], named)
            return MapOf(key, value)
        case "array", _:
            held, nullable = _read(kind["items"], named)
            return ListOf(Field(name="element", type=held, required=not nullable))
        case "map", _:
            held, nullable = _read(kind["values"], named)
            key = Field(name="key", type=Primitive("string"), required=True)
            return MapOf(key, Field(name="value", type=held, required=not nullable))
        case _:
            return _logical(kind, str(logical))


def _logical(kind: Mapping[str, Any], logical: str) -> Type:
    utc = "tz" if kind.get("adjust-to-utc") else ""
    found = {
        "date": "date",
        "time-micros": "time",
        "time-millis": "time",
        "timestamp-micros": f"timestamp{utc}",
        "timestamp-millis": f"timestamp{utc}",
        "timestamp-nanos": f"timestamp{utc}_ns",
        "uuid": "uuid",
    }
    if logical == "decimal":
        return Primitive("decimal", (kind["precision"], kind.get("scale", 0)))
    if logical in found:
        return Primitive(found[logical])
    if kind["type"] == "fixed":
        return Primitive("fixed", (kind["size"],))
    if kind["type"] == "enum":
        return Primitive("string")
    return Primitive(_READ.get(kind["type"], kind["type"]))


def _bad(why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_SCHEMA,
        f"the file is not read as an Avro schema: {why}",
        "write a record, as `schema export --format avro` does",
    )
