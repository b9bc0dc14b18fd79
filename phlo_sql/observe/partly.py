"""Tables with a column whose type PyIceberg can't load (`variant`), read all the same.

Which files a table has does not depend on such a column. Trino's metadata table names the current
metadata file; in it, types that PyIceberg doesn't know are read as `binary`, and what they really
are is kept beside.
"""

from __future__ import annotations

import copy
import gzip
import json
from typing import TYPE_CHECKING, Any

from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadataUtil
from pyiceberg.types import IcebergType

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.table.metadata import TableMetadata

    from phlo_sql.model.names import TableName

_GZIP = b"\x1f\x8b"


class PartlyReadTable(Table):
    """`types`: by field id, the types that PyIceberg can't load."""

    types: dict[int, str]
    _locate: Callable[[], str]

    def refresh(self) -> Table:
        """Read the newest metadata file."""
        fresh = read_partly(self.catalog, self.name(), self._locate)
        self.metadata, self.metadata_location = fresh.metadata, fresh.metadata_location
        self.types = fresh.types
        return self


def load_partly(catalog: Catalog, name: TableName, locate: Callable[[], str]) -> PartlyReadTable:
    """The table, where `locate` tells its current metadata file.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    return read_partly(catalog, name.identifier, locate)


def read_partly(
    catalog: Catalog, identifier: tuple[str, ...], locate: Callable[[], str]
) -> PartlyReadTable:
    location = locate()
    io = catalog._load_file_io(dict(catalog.properties), location)
    try:
        with io.new_input(location).open() as stream:
            content = stream.read()
    except (OSError, ValueError) as error:
        raise PhloSqlError(
            Code.STORAGE_UNREADABLE,
            f"the metadata file {location} cannot be read",
            "check what PyIceberg needs to reach the object store",
        ) from error
    document = json.loads(gzip.decompress(content) if content[:2] == _GZIP else content)
    metadata, types = parse_partly(document)
    table = PartlyReadTable(identifier, metadata, location, io, catalog)
    table.types, table._locate = types, locate
    return table


def parse_partly(document: Mapping[str, Any]) -> tuple[TableMetadata, dict[int, str]]:
    """A metadata document as PyIceberg's own, and by field id the types that it can't load.

    Raises ValueError for what is no table's metadata.
    """
    readable = dict(document)
    types: dict[int, str] = {}
    for part in readable.keys() & {"schemas", "schema"}:  # format 1 may have `schema` alone
        readable[part] = copy.deepcopy(document[part])
        for schema in readable[part] if part == "schemas" else [readable[part]]:
            _replace(schema, types)
    return TableMetadataUtil.parse_obj(readable), types


def _replace(kind: Any, types: dict[int, str]) -> None:
    """Types that PyIceberg doesn't know become `binary`, in structs, lists and maps too."""
    if not isinstance(kind, dict):
        return
    for field in kind.get("fields", ()):
        found = field["type"]
        if isinstance(found, str) and not _known(found):
            types[int(field["id"])] = found
            field["type"] = "binary"
            for default in ("initial-default", "write-default"):
                field.pop(default, None)
        _replace(field["type"], types)
    for part, number in (("element", "element-id"), ("key", "key-id"), ("value", "value-id")):
        found = kind.get(part)
        if isinstance(found, str) and not _known(found):
            types[int(kind[number])] = found
            kind[part] = "binary"
        _replace(kind.get(part), types)


def _known(name: str) -> bool:
    try:
        IcebergType.model_validate(name)
    except ValueError:
        return False
    return True
