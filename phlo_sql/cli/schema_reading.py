"""What the commands of `schema` that only read do."""

from __future__ import annotations

from pathlib import Path

from phlo_sql.errors import Code, PhloSqlError


def read_text(file: str) -> str:
    """A schema file. Raises PhloSqlError(BAD_SCHEMA)."""
    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PhloSqlError(
            Code.BAD_SCHEMA, f"{file} cannot be read as text: {error}", "name a schema file"
        ) from error
