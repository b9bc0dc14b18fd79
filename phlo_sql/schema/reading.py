"""A schema from a file, whatever of the readable formats it has."""

from __future__ import annotations

import importlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.schema.model import TableSchema

READABLE = {".sql": "sql", ".py": "python", ".json": "json_schema", ".avsc": "avro"}
"""Ending → module of `schema.formats`."""


def is_file(text: str) -> bool:
    """Whether a name is that of a schema file, not of a table."""
    return PurePath(text.lower()).suffix in READABLE


def read_file(name: str, text: str) -> TableSchema:
    """Raises PhloSqlError(BAD_SCHEMA), with the file's name."""
    suffix = PurePath(name.lower()).suffix
    if suffix not in READABLE:
        raise PhloSqlError(
            Code.BAD_SCHEMA,
            f"{name} has no ending that tells its format",
            f"name it {', '.join('*' + each for each in READABLE)}",
        )
    module: Any = importlib.import_module(f"phlo_sql.schema.formats.{READABLE[suffix]}")
    try:
        found: TableSchema = module.read(text)
    except PhloSqlError as error:
        raise PhloSqlError(error.code, f"{name}: {error.problem}", error.hint) from error
    return found
