"""Schemas to look at: of tables, at a ref, a snapshot or a time, and of files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.edges import physical
from phlo_sql.flow.evolve import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.dialect import Statement
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.names import TableName
    from phlo_sql.schema.difference import Difference
    from phlo_sql.schema.metadata import Facts
    from phlo_sql.schema.model import TableSchema

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\Z")
_SNAPSHOT = re.compile(r"\d{5,}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What `schema diff` compares: a file, or a table with what stands behind its `@`."""

    text: str
    table: TableName | None = None
    at: str | None = None
    file_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    left: TableSchema
    right: TableSchema
    differences: tuple[Difference, ...]
    statements: tuple[Statement, ...] = ()
    trino_version: int | None = None


def read_source(source: Source, ref: str | None, edges: Edges) -> TableSchema:
    """The schema of a source; `ref` where a table names none itself.

    Raises PhloSqlError for what isn't there, can't be read, or may not be read.
    """
    from phlo_sql.access import guard
    from phlo_sql.observe.schema import table_schema
    from phlo_sql.schema.reading import read_file

    if source.table is None:
        return read_file(source.text, source.file_text or "")
    table = source.table.within(edges.settings.trino_catalog.value)
    past = source.at is not None and (_SNAPSHOT.match(source.at) or _TIME.match(source.at))
    at_ref = ref if past else source.at or ref
    guard.require(edges.settings, edges.session, "read", table, ref=at_ref)
    edges.note(f"reading the schema of {source.text}")
    document, location = read_document(table, at_ref, edges)
    current = table_schema(document, location, physical(table, at_ref, edges), at_ref)
    if not past or source.at is None:
        return current
    return _at(current, document, source.at)


def _at(current: TableSchema, document: Mapping[str, Any], at: str) -> TableSchema:
    """The fields that a snapshot was written with; what else the table had is not recorded."""
    snapshots = sorted(document.get("snapshots") or [], key=lambda each: each["timestamp-ms"])
    if _SNAPSHOT.match(at):
        found = [each for each in snapshots if each["snapshot-id"] == int(at)]
    else:
        limit = _milliseconds(at)
        found = [each for each in snapshots if each["timestamp-ms"] <= limit]
    number = found[-1].get("schema-id") if found else None
    if number is None or number not in current.versions:
        kept = ", ".join(str(each["snapshot-id"]) for each in snapshots[-3:])
        raise PhloSqlError(
            Code.UNKNOWN_SNAPSHOT,
            f"{current.name} keeps no snapshot at {at}",
            f"its newest snapshots are {kept}" if kept else "it has no snapshots yet",
        )
    return replace(
        current,
        fields=current.versions[number],
        schema_id=number,
        says=frozenset({"docs", "defaults"}),
    )


def _milliseconds(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS, f"{text!r} is no time", "write 2026-01-31 or 2026-01-31T12:00Z"
        ) from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def compare(
    left: Source, right: Source, ref: str | None, edges: Edges, *, statements: bool = False
) -> Compared:
    """What leads from left to right, and, where asked for, the statements that do."""
    from phlo_sql.schema.difference import differences, line_up

    one, other = read_source(left, ref, edges), read_source(right, ref, edges)
    lined = line_up(one, other)
    found = differences(one, lined)
    if not statements:
        return Compared(left=one, right=lined, differences=found)
    return _altered(one, lined, found, edges)


def _altered(
    left: TableSchema, right: TableSchema, found: Sequence[Difference], edges: Edges
) -> Compared:
    from phlo_sql.compile.evolve import Surroundings, judge
    from phlo_sql.compile.evolve_steps import Steps
    from phlo_sql.schema.feasible import feasible

    name = left.name or right.name
    if name is None:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            "neither side says which table the statements are for",
            "name a table on the left",
        )
    server = edges.server(name)
    around = Surroundings(server=server, digest="")
    told = judge(found, left, right, around)
    spoken = left.says & right.says
    wanted = replace(
        (reached := feasible(left, right, told)),
        partitioning=reached.partitioning if "partitioning" in spoken else left.partitioning,
        sort=right.sort if "sort" in spoken else left.sort,
        properties={**left.properties, **right.properties}
        if "properties" in spoken
        else left.properties,
        comment=right.comment if "comment" in spoken else left.comment,
    )
    steps = Steps(left, wanted, name, server.version).made()
    return Compared(
        left=left,
        right=right,
        differences=told,
        statements=tuple(step.statement for step in steps),
        trino_version=server.version,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A table's schema in a format, and what an index tells of it."""

    schema: TableSchema
    facts: Facts
    text: str
    suffix: str


FORMATS = {
    "markdown": ("markdown", ".md"),
    "sql": ("sql", ".sql"),
    "python": ("python", ".py"),
    "json-schema": ("json_schema", ".json"),
    "avro": ("avro", ".avsc"),
    "arrow": ("arrow", ".py"),
    "pydantic": ("pydantic", ".py"),
    "mermaid": ("mermaid", ".mmd"),
}
"""Format → module of `schema.formats`, and a file's ending."""


def export(table: TableName, ref: str | None, form: str, edges: Edges) -> Exported:
    """One table in a format. Raises PhloSqlError for what isn't there or may not be read."""
    import importlib

    from phlo_sql.access import guard
    from phlo_sql.observe.schema import table_schema
    from phlo_sql.schema.formats import markdown
    from phlo_sql.schema.metadata import read_facts

    named = table.within(edges.settings.trino_catalog.value)
    guard.require(edges.settings, edges.session, "read", named, ref=ref)
    edges.note(f"reading the schema of {named}")
    document, location = read_document(named, ref, edges)
    schema = table_schema(document, location, physical(named, ref, edges), ref)
    facts = read_facts(document)
    module, suffix = FORMATS[form]
    if form == "markdown":
        text = markdown.write(schema, facts)
    else:
        writer: Any = importlib.import_module(f"phlo_sql.schema.formats.{module}")
        text = writer.write(schema)
    return Exported(schema=schema, facts=facts, text=text, suffix=suffix)


def matching(pattern: TableName, ref: str | None, edges: Edges) -> tuple[TableName, ...]:
    """The tables whose schema and name fit a glob (`*`, `?`), views left out."""
    from phlo_sql.observe.schema import tables_like

    named = pattern.within(edges.settings.trino_catalog.value)
    found = tables_like(edges.session, physical(named, ref, edges))
    return tuple(replace(each, catalog=named.catalog) for each in found)
