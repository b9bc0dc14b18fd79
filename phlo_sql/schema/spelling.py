"""Types as people write them, in Trino's or Iceberg's spelling, and what Trino can make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phlo_sql.schema.model import Field, ListOf, MapOf, Path, Primitive, Struct, children
from phlo_sql.schema.type_parser import CRS, parse_path, parse_type, split_path

if TYPE_CHECKING:
    from phlo_sql.schema.model import Type

__all__ = [
    "CRS",
    "iceberg",
    "parse_path",
    "parse_type",
    "quoted",
    "split_path",
    "trino",
    "unmakeable",
    "written",
]
_TRINO = {
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "string": "varchar",
    "binary": "varbinary",
    "fixed": "varbinary",
    "time": "time(6)",
    "timestamp": "timestamp(6)",
    "timestamptz": "timestamp(6) with time zone",
    "timestamp_ns": "timestamp(9)",
    "timestamptz_ns": "timestamp(9) with time zone",
    "geography": "SphericalGeography",
    "geometry": "geometry",
}


def iceberg(kind: Type) -> str:
    """In Iceberg's spelling, without ids; reads back equal by `parse_type`."""
    match kind:
        case Primitive("decimal", (precision, scale)):
            return f"decimal({precision}, {scale})"
        case Primitive("fixed", (length,)):
            return f"fixed[{length}]"
        case Primitive("geometry" | "geography", (crs, *_)) if crs != CRS:
            return f"{kind.name}({crs})"
        case Primitive(name):
            return name
        case Struct(fields):
            return f"struct<{', '.join(map(_iceberg_field, fields))}>"
        case ListOf(element):
            return f"list<{'required ' if element.required else ''}{iceberg(element.type)}>"
        case MapOf(key, value):
            held = f"{'required ' if value.required else ''}{iceberg(value.type)}"
            return f"map<{iceberg(key.type)}, {held}>"


def _iceberg_field(each: Field) -> str:
    plain = re.fullmatch(r"[^\W\dA-Z][^\WA-Z]*", each.name, re.ASCII)
    name = each.name if plain else quoted(each.name)
    return f"{name}: {'required ' if each.required else ''}{iceberg(each.type)}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def written(path: Path) -> str:
    """A path as `parse_path` reads it."""
    return ".".join(
        part if re.fullmatch(r'[^.:"\x00-\x1f\s][^.:"\x00-\x1f]*', part) else quoted(part)
        for part in path
    )


def trino(kind: Type) -> str:
    """In Trino's spelling, as the Iceberg connector shows it."""
    match kind:
        case Primitive("decimal", (precision, scale)):
            return f"decimal({precision},{scale})"
        case Primitive(name):
            return _TRINO.get(name, name)
        case Struct(fields):
            return f"row({', '.join(f'{quoted(each.name)} {trino(each.type)}' for each in fields)})"
        case ListOf(element):
            return f"array({trino(element.type)})"
        case MapOf(key, value):
            return f"map({trino(key.type)}, {trino(value.type)})"


def unmakeable(kind: Type, *, trino_version: int, format_version: int) -> str | None:
    """Why Trino can't make a column of this type; None where it can."""
    match kind:
        case Primitive("unknown"):
            return "Trino reads no column of Iceberg's type unknown; add it with its real type"
        case Primitive("fixed", (length,)):
            return f"Trino would make binary of fixed[{length}]; ask for varbinary, or for uuid"
        case Primitive("geometry" | "geography", (crs, *_)) if crs != CRS:
            return f"Trino makes {kind.name} with {CRS} only, not {crs}"
        case Primitive(name):
            since, version = _SINCE.get(name, (0, 1))
            if trino_version < since:
                return f"Trino {trino_version} has no Iceberg type {name}; {since} has"
            if format_version < version:
                return f"{name} needs format version {version}, the table has {format_version}"
            return None
        case _:
            found = (
                unmakeable(each.type, trino_version=trino_version, format_version=format_version)
                for each in children(kind)
            )
            return next((why for why in found if why), None)


_SINCE = {
    "variant": (481, 3),
    "geometry": (482, 3),
    "geography": (482, 3),
    "timestamp_ns": (480, 3),
    "timestamptz_ns": (480, 3),
}
"""Type → first Trino version whose Iceberg connector has it, and Iceberg's format version."""
