"""Table names as people write them: `[catalog.]schema.table[@ref]`, parts quoted where needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from phlo_sql.errors import Code, PhloSqlError

_PART = re.compile(r'"((?:[^"]|"")+)"|([^\s."@\x00-\x1f]+)')
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


def _quoted(part: str) -> str:
    return part if _PLAIN.match(part) else '"' + part.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName:
    """A table's name; always lower case, because Trino's Iceberg connector folds every name."""

    schema: str
    name: str
    catalog: str | None = None

    def __str__(self) -> str:
        parts = (self.catalog, self.schema, self.name)
        return ".".join(_quoted(part) for part in parts if part is not None)

    @property
    def identifier(self) -> tuple[str, ...]:
        """Namespace parts and name, as PyIceberg wants them: a dotted schema is nested."""
        return (*self.schema.split("."), self.name)

    def within(self, catalog: str) -> TableName:
        """The same table, with this catalog where it names none."""
        return self if self.catalog else replace(self, catalog=catalog)


def parse_table(text: str) -> tuple[TableName, str | None]:
    """Read `[catalog.]schema.table[@ref]` into a name and a ref (None where none is written).

    Raises PhloSqlError(BAD_NAME).
    """
    parts, position, ref = [], 0, None
    while True:
        match = _PART.match(text, position)
        if match is None:
            raise _bad(text, f"cannot be read at {text[position:] or 'its end'!r}")
        quoted, plain = match.groups()
        parts.append((quoted.replace('""', '"') if quoted is not None else plain).lower())
        position = match.end()
        if position == len(text):
            break
        if text[position] == "@" and text[position + 1 :].strip():
            ref = text[position + 1 :].strip().strip('"')
            break
        if text[position] != ".":
            raise _bad(text, f"cannot be read at {text[position:]!r}")
        position += 1
    if len(parts) == 2:
        return TableName(schema=parts[0], name=parts[1]), ref
    if len(parts) == 3:
        return TableName(catalog=parts[0], schema=parts[1], name=parts[2]), ref
    raise _bad(text, f"has {len(parts)} parts")


def _bad(text: str, why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_NAME,
        f"table name {text!r} {why}",
        'write [catalog.]schema.table[@ref], with double quotes around odd parts: sales."a.b"',
    )
