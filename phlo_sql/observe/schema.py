"""A table's schema from its newest metadata file, and what around the table a change would touch.

The metadata is found through Trino and read with PyIceberg's own file access, not through its
table: PyIceberg 0.12 loads no table that has a `variant` column.
"""

from __future__ import annotations

import gzip
import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName
from phlo_sql.schema.metadata import read_metadata
from phlo_sql.schema.model import by_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.schema.model import Field, TableSchema


def read_document(
    session: TrinoSession, table: TableName, properties: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """The newest metadata document of a table, and where it lies.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    location = str(session.query(dialect.latest_metadata(table))[0][0])
    return read_json(location, properties), location


def read_json(location: str, properties: Mapping[str, str]) -> dict[str, Any]:
    """A metadata file, gzipped or not."""
    from pyiceberg.io import load_file_io

    from phlo_sql.observe.catalog import redact

    try:
        with load_file_io(dict(properties), location).new_input(location).open() as stream:
            raw = stream.read()
    except Exception as error:  # each store has its own exceptions
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"{location} cannot be read: {redact(str(error).splitlines()[0][:200], properties)}",
            "check the storage's address and credentials (s3.* properties)",
        ) from error
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    return dict(json.loads(raw))


def table_schema(
    document: Mapping[str, Any], location: str, table: TableName, ref: str | None
) -> TableSchema:
    return read_metadata(document, name=table, ref=ref, location=location)


def columns_digest(session: TrinoSession, table: TableName) -> str:
    """The columns as Trino shows them, as one value."""
    rows = session.query(dialect.columns_digest(table))
    return "\n".join(" | ".join(map(str, row)) for row in rows)


def views_reading(
    session: TrinoSession, table: TableName
) -> list[tuple[str, str, dialect.Reading]]:
    """(name, kind, what it reads) of each view and materialized view of the catalog."""
    catalog = str(table.catalog)
    views = TableName(catalog=catalog, schema="information_schema", name="views")
    found = [
        (TableName(schema=str(schema), name=str(name)), "view", str(sql or ""))
        for schema, name, sql in session.query(
            dialect.select(["table_schema", "table_name", "view_definition"], dialect.table(views))
        )
    ]
    listed = TableName(catalog="system", schema="metadata", name="materialized_views")
    found += [
        (TableName(schema=str(schema), name=str(name)), "materialized view", str(sql or ""))
        for schema, name, sql in session.query(
            dialect.select(
                ["schema_name", "name", "definition"],
                dialect.table(listed),
                where=dialect.compare("catalog_name", "=", catalog),
            )
        )
    ]
    readings = ((name, kind, dialect.reading(sql, table)) for name, kind, sql in found)
    seen: dict[str, tuple[str, str, dialect.Reading]] = {}
    for name, kind, what in readings:
        if what is not None:  # a materialized view stands in both lists
            seen[str(name)] = (str(name), kind, what)
    return list(seen.values())


def column_sizes(
    session: TrinoSession, table: TableName, field: Field, *, partitioned: bool
) -> list[tuple[str, int, int]]:
    """(partition, files, bytes) that hold a column's values, largest first."""
    ids = by_id((field,))
    sizes = [dialect.function("element_at", dialect.column("column_sizes"), each) for each in ids]
    parts: list[dialect.Expression | str] = ["partition"] if partitioned else []
    held = dialect.any_of([dialect.is_not_null(each) for each in sizes])
    rows = session.query(
        dialect.select(
            [
                *parts,
                dialect.count(),
                *(dialect.function("sum", each) for each in sizes),
            ],
            dialect.metadata_table(table, "files"),
            where=dialect.all_of([dialect.compare("content", "=", 0), held]),
            group_by=parts,
        )
    )
    at = len(parts)
    found = [
        (
            ", ".join(map(str, row[0])) if partitioned and row[0] else "",
            int(row[at]),
            sum(int(size or 0) for size in row[at + 1 :]),
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: -each[2])


def missing_types(session: TrinoSession, wanted: Iterable[str]) -> frozenset[str]:
    """Of the geospatial types, those that this server does not know: a plugin brings them."""
    found = set()
    for name in wanted:
        source = TableName(catalog="system", schema="runtime", name="nodes")
        trino = "SphericalGeography" if name == "geography" else name
        query = dialect.select([dialect.null_of(trino)], dialect.table(source), limit=1)
        try:
            session.query(query)
        except PhloSqlError:
            found.add(name)
    return frozenset(found)


def tables_like(session: TrinoSession, pattern: TableName) -> list[TableName]:
    """Tables whose schema and name fit a glob, in the order of their names."""
    tables = TableName(catalog=pattern.catalog, schema="information_schema", name="tables")
    rows = session.query(
        dialect.select(
            ["table_schema", "table_name"],
            dialect.table(tables),
            where=dialect.compare("table_type", "=", "BASE TABLE"),
        )
    )
    fitting = [
        TableName(catalog=pattern.catalog, schema=str(schema), name=str(name))
        for schema, name in rows
        if fnmatchcase(str(schema), pattern.schema) and fnmatchcase(str(name), pattern.name)
    ]
    return sorted(fitting, key=str)
