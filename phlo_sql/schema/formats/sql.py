"""CREATE TABLE for Trino: run there, it makes a table without a difference."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.model.units import parse_size
from phlo_sql.schema import properties as known
from phlo_sql.schema import spelling, terms
from phlo_sql.schema.defaults import read_default, scalar
from phlo_sql.schema.difference import partition_texts, sort_texts
from phlo_sql.schema.model import (
    Field,
    PartitionTerm,
    Primitive,
    SortTerm,
    TableSchema,
    by_id,
    find,
    numbered,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SORT = re.compile(
    r'\s*(?:"((?:[^"]|"")+)"|(\S+?))(?:\s+(ASC|DESC))?(?:\s+NULLS\s+(FIRST|LAST))?\s*\Z',
    re.IGNORECASE,
)


def write(schema: TableSchema) -> str:
    """One CREATE TABLE, laid out, with its semicolon."""
    assert schema.name is not None  # noqa: S101 - only tables are exported
    notes = "".join(f"-- {line}\n" for line in _lost(schema))
    return notes + dialect.render(created(schema, schema.name), pretty=True) + ";\n"


def _lost(schema: TableSchema) -> Iterator[str]:
    """What CREATE TABLE has no words for, a line each."""
    for path, each in walk(schema.fields):
        place = " ".join(spelling.written(path).split())
        if isinstance(each.type, Primitive) and each.type.name == "fixed":
            yield f"{place} is {spelling.iceberg(each.type)}: Trino makes varbinary of it"
        if isinstance(each.type, Primitive) and each.type.name == "unknown":
            yield f"{place} is of type unknown, which Trino does not have"
        if len(path) > 1 and each.required and path[-1] != "key":
            yield f"{place} is NOT NULL: Trino says that of columns only"
        if len(path) > 1 and each.doc:
            yield f"{place} has a comment: Trino comments on columns only"
    if schema.identifier:
        yield "the table has identifier fields, which Trino does not set"


def created(schema: TableSchema, name: TableName) -> dialect.Statement:
    """CREATE TABLE of the schema under a name."""
    return dialect.create_table(
        name,
        [
            dialect.ColumnDefinition(
                name=each.name,
                type=spelling.trino(each.type),
                not_null=each.required,
                comment=each.doc or None,
                default=dialect.DEFAULT
                if each.write_default is None
                else scalar(each.write_default, each.type),
            )
            for each in schema.fields
        ],
        comment=schema.comment,
        properties=_properties(schema),
    )


def _properties(schema: TableSchema) -> dict[str, Any]:
    found: dict[str, Any] = {
        "format": schema.properties.get("format", "PARQUET"),
        "format_version": schema.format_version,
    }
    if schema.partitioning:
        found["partitioning"] = partition_texts(schema)
    if schema.sort:
        found["sorted_by"] = sort_texts(schema)
    extra = {}
    for name, value in schema.properties.items():
        if name in known.KNOWN:
            found[name] = known.typed(name, value)
        else:
            extra[name] = value
    if extra:
        found["extra_properties"] = extra
    return found


def read(text: str) -> TableSchema:
    """A CREATE TABLE back. Raises PhloSqlError(BAD_SCHEMA)."""
    made = dialect.read_create_table(text)
    fields = numbered(
        tuple(
            Field(
                name=each.name.lower(),
                type=(kind := spelling.parse_type(each.type)),
                required=each.not_null,
                doc=each.comment,
                write_default=None
                if isinstance(each.default, dialect.Default) or each.default is None
                else read_default(str(each.default), kind, each.name),
            )
            for each in made.columns
        )
    )
    schema = TableSchema(
        fields=tuple(replace(each, initial_default=each.write_default) for each in fields),
        name=_name(made.name),
        comment=made.comment,
        format_version=int(str(made.properties.get("format_version", 2))),
        last_id=max(by_id(fields), default=0),
        properties=_texts(made.properties),
    )
    return replace(
        schema,
        partitioning=tuple(
            _partition(schema, each) for each in _list(made.properties, "partitioning")
        ),
        sort=tuple(_sort(schema, each) for each in _list(made.properties, "sorted_by")),
        says=frozenset(
            {"partitioning", "sort", "comment", "docs", "defaults"}
            | ({"properties"} if made.properties else set())
        ),
    )


def _name(parts: tuple[str, ...]) -> TableName | None:
    if len(parts) < 2:
        return None
    return TableName(
        catalog=parts[-3].lower() if len(parts) > 2 else None,
        schema=parts[-2].lower(),
        name=parts[-1].lower(),
    )


_OWN = {"format_version", "partitioning", "sorted_by", "location", "extra_properties"}


def _texts(properties: Mapping[str, object]) -> dict[str, str]:
    found = {"format": "PARQUET"}
    for name, value in properties.items():
        if name in _OWN or name == "compression_codec":
            continue
        found[name] = _text(name, value)
    extra = properties.get("extra_properties")
    if isinstance(extra, dict):
        found.update({str(name): str(value) for name, value in extra.items()})
    return dict(sorted(found.items()))


def _text(name: str, value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if name in known.SIZES:
        return str(parse_size(str(value)))
    return str(value).upper() if name == "format" else str(value)


def _list(properties: Mapping[str, object], name: str) -> list[str]:
    value = properties.get(name)
    return [str(each) for each in value] if isinstance(value, list) else []


def _source(schema: TableSchema, name: str) -> int:
    found = find(schema.fields, (name,)) or find(schema.fields, tuple(name.split(".")))
    if found is None:
        raise PhloSqlError(
            Code.BAD_SCHEMA,
            f"the table is partitioned or sorted by {name!r}, which is no column of it",
            "name one of its columns",
        )
    return found.id


def _partition(schema: TableSchema, text: str) -> PartitionTerm:
    found = terms.read_partition(text)
    if found is None:
        raise PhloSqlError(
            Code.BAD_SCHEMA, f"partitioning {text!r} cannot be read", terms.PARTITION_HINT
        )
    name, transform = found
    return PartitionTerm(source=_source(schema, name), transform=transform)


def _sort(schema: TableSchema, text: str) -> SortTerm:
    match = _SORT.match(text)
    if match is None:
        raise PhloSqlError(
            Code.BAD_SCHEMA, f"sort order {text!r} cannot be read", "write a DESC NULLS LAST"
        )
    quoted, plain, direction, nulls = match.groups()
    descending = (direction or "ASC").upper() == "DESC"
    return SortTerm(
        source=_source(schema, quoted.replace('""', '"') if quoted else plain.lower()),
        descending=descending,
        nulls_first=(nulls.upper() == "FIRST") if nulls else not descending,
    )
