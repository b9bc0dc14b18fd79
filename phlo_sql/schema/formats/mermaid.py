"""An entity of a Mermaid diagram, one for the table and one for each struct in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phlo_sql.schema.model import ListOf, MapOf, Primitive, Struct

if TYPE_CHECKING:
    from phlo_sql.schema.model import Field, TableSchema, Type


def write(schema: TableSchema) -> str:
    lines = ["erDiagram"]
    sources = {term.source: term.transform for term in schema.partitioning}
    name = _word(schema.name.name if schema.name else "table")
    _entity(name, schema.fields, schema, sources, lines)
    return "\n".join(lines) + "\n"


def _entity(
    name: str,
    fields: tuple[Field, ...],
    schema: TableSchema,
    sources: dict[int, str],
    lines: list[str],
) -> None:
    inner: list[tuple[str, tuple[Field, ...], str, str]] = []
    lines.append(f"    {name} {{")
    for each in fields:
        kind, held, many = _kind(each.type)
        key = " PK" if each.id in schema.identifier else ""
        notes = [each.name] if _word(each.name) != each.name else []
        if each.required:
            notes.append("NOT NULL")
        if each.id in sources:
            notes.append(f"partitioned by {sources[each.id]}")
        if each.doc:
            notes.append(each.doc)
        text = _quoted(", ".join(notes)) if notes else ""
        lines.append(f"        {kind} {_word(each.name)}{key}{text}")
        if held is not None:
            inner.append((f"{name}_{_word(each.name)}", held, many, each.name))
    lines.append("    }")
    for entity, held, many, label in inner:
        lines.append(f"    {name} ||--{many} {entity} :{_quoted(label)}")
        _entity(entity, held, schema, sources, lines)


def _kind(kind: Type) -> tuple[str, tuple[Field, ...] | None, str]:
    """A type in one word, the fields of the struct inside it, and how many of those there are."""
    match kind:
        case Primitive(name, arguments):
            return (f"{name}({'_'.join(map(str, arguments))})" if _sized(kind) else name), None, ""
        case Struct(fields):
            return "struct", fields, "o|"
        case ListOf(element):
            word, held, _ = _kind(element.type)
            return f"list[{word}]", held, "o{"
        case MapOf(key, value):
            word, held, _ = _kind(value.type)
            return f"map[{_kind(key.type)[0]}-{word}]", held, "o{"


def _sized(kind: Primitive) -> bool:
    return kind.name in ("decimal", "fixed")


def _word(text: str) -> str:
    found = re.sub(r"[^A-Za-z0-9_-]", "_", text)
    return found if re.match(r"[A-Za-z_]", found) else f"_{found}"


def _quoted(text: str) -> str:
    plain = " ".join(text.replace('"', "'").split())
    return f' "{plain}"'
