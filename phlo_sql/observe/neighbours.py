"""Other tables of the same catalog: where they lie, and which files of a location they read.

A file belongs to whoever reads it, not to the folder it lies in: tables made by `register_table`
or `add_files` share files, and nothing in a table's own metadata says so.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.manifests import read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.io import FileIO

    from phlo_sql.model.history import History
    from phlo_sql.observe.nessie_contents import Content

_READING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A table as its catalog lists it."""

    name: str
    metadata_location: str
    foreign: bool = False
    """It belongs to another catalog in the same database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A table with what its metadata says. `document` is the whole metadata."""

    name: str
    metadata_location: str
    location: str
    uuid: str
    document: Mapping[str, Any]


def listed(catalog: Catalog, properties: Mapping[str, str]) -> tuple[Listed, ...]:
    """Every table that the catalog knows, of a Nessie catalog on every branch and tag.

    Raises PhloSqlError.
    """
    from phlo_sql.observe import nessie_contents
    from phlo_sql.observe.nessie import api_of

    if api_of(properties) is not None:
        return tuple(listed_of(each) for each in nessie_contents.tables(properties))
    from pyiceberg.catalog.sql import SqlCatalog  # with SQLAlchemy, a second of its own

    if isinstance(catalog, SqlCatalog):
        return tuple(_of_database(catalog))
    return tuple(_of_catalog(catalog))


def listed_of(content: Content) -> Listed:
    """A table of a Nessie catalog, named with its ref."""
    return Listed(name=f"{content.name}@{content.ref}", metadata_location=content.metadata_location)


def _of_database(catalog: Any) -> Iterator[Listed]:
    from pyiceberg.catalog.sql import IcebergTables
    from sqlalchemy import select
    from sqlalchemy.orm import Session

    with Session(catalog.engine) as session:
        for row in session.scalars(select(IcebergTables)):
            if row.metadata_location:
                yield Listed(
                    name=f"{row.catalog_name}.{row.table_namespace}.{row.table_name}",
                    metadata_location=row.metadata_location,
                    foreign=row.catalog_name != catalog.name,
                )


def _of_catalog(catalog: Catalog) -> Iterator[Listed]:
    from pyiceberg.exceptions import (
        NoSuchIcebergTableError,
        NoSuchPropertyException,
        NoSuchTableError,
    )

    pending = list(catalog.list_namespaces())
    while pending:
        namespace = pending.pop()
        for identifier in catalog.list_tables(namespace):
            try:
                table = catalog.load_table(identifier)
            except (NoSuchTableError, NoSuchIcebergTableError, NoSuchPropertyException):
                continue  # dropped meanwhile, or no Iceberg table
            except ValueError as error:
                raise PhloSqlError(
                    Code.UNSAFE_DELETION,
                    f"table {'.'.join(identifier)} of the same catalog can't be read, and may use "
                    f"any file: {str(error).splitlines()[0]}",
                    "it has a type that PyIceberg does not know: nothing can be proven dead here",
                ) from error
            yield Listed(name=".".join(identifier), metadata_location=table.metadata_location)
        deeper = catalog.list_namespaces(namespace)
        pending += [each for each in deeper if len(each) > len(namespace)]


def read_all(io: FileIO, tables: Iterable[Listed], home: str) -> tuple[Neighbour, ...]:
    """Their metadata, each file once. `home`: the location whose neighbours are looked for.

    A table without its metadata file reads nothing. One of another catalog in another store isn't
    readable with this catalog's credentials, and can't lie in the location either.
    """
    distinct: dict[str, Listed] = {}
    for each in tables:
        if not each.foreign or _store(each.metadata_location) == _store(home):
            distinct.setdefault(each.metadata_location, each)
    with ThreadPoolExecutor(_READING) as pool:
        found = pool.map(lambda each: _read(io, each), distinct.values())
    return tuple(each for each in found if each is not None)


def _store(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    if not separator or scheme in ("file", "local"):
        return "file"
    return f"{'s3' if scheme in ('s3a', 's3n') else scheme}://{rest.split('/', 1)[0]}"


def _read(io: FileIO, table: Listed) -> Neighbour | None:
    document = metadata_document(io, table.metadata_location, table.name)
    if document is None or "view-uuid" in document:
        return None
    return Neighbour(
        name=table.name,
        metadata_location=table.metadata_location,
        location=str(document.get("location", "")),
        uuid=str(document.get("table-uuid", "")),
        document=document,
    )


def metadata_document(io: FileIO, location: str, name: str) -> dict[str, Any] | None:
    """A metadata file; None where it isn't there. Raises PhloSqlError(STORAGE_UNREADABLE)."""
    import gzip

    if location.startswith("local://"):  # Trino's own scheme, which `register_table` writes
        location = "file://" + location.removeprefix("local://")
    try:
        data = read_bytes(io, location)
    except PhloSqlError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    try:
        plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        found: dict[str, Any] = json.loads(plain)
    except (ValueError, OSError) as error:
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"metadata {location} of {name} cannot be read: {error}",
            "a table that can't be read may use any file: repair or drop it first",
        ) from error
    return found


def history_of_neighbour(io: FileIO, neighbour: Neighbour) -> History | None:
    """All that it reads; None where its manifests are gone. Raises PhloSqlError."""
    from phlo_sql.model.names import TableName
    from phlo_sql.observe.history import history_of
    from phlo_sql.observe.partly import parse_partly

    try:
        metadata, _ = parse_partly(neighbour.document)
    except ValueError as error:
        raise PhloSqlError(
            Code.UNSAFE_DELETION,
            f"table {neighbour.name} of the same catalog can't be read, and may use any file: "
            f"{str(error).splitlines()[0]}",
            "repair or drop it first",
        ) from error
    name = TableName(schema="neighbour", name=neighbour.name)
    try:
        return history_of(metadata, neighbour.metadata_location, io, name, None)
    except PhloSqlError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
