"""Names that come near to one that Trino does not know, asked of the server itself."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUOTED = re.compile(r"'([^']+)'")
_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
_METADATA = re.compile(r"\$[a-z_]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A query for the names of one kind, and what to say when the wanted one is not there."""

    code: Code
    wanted: str
    prefix: str
    query: dialect.Statement

    def improved(self, error: PhloSqlError, names: Sequence[str]) -> PhloSqlError:
        """The error as it is about the part that is missing, with near names where there are."""
        problem = error.problem
        if self.code is not error.code:
            kind = "schema" if self.code is Code.UNKNOWN_SCHEMA else "catalog"
            problem = f"{kind} {self.prefix}{self.wanted} does not exist"
        near = difflib.get_close_matches(self.wanted, names, n=3)
        if not near:
            return PhloSqlError(self.code, problem, error.hint, data=error.data)
        whole = [self.prefix + name for name in near]
        hint = f"did you mean {' or '.join(whole)}?"
        return PhloSqlError(self.code, problem, hint, data={**error.data, "near": whole})


def finds(error: PhloSqlError, catalog: str) -> tuple[Find, ...]:
    """What to ask the server, the outermost name first: the first that is missing is at fault."""
    match = _QUOTED.search(error.problem)
    if match is None:
        return ()
    parts = [_METADATA.sub("", quoted or plain) for quoted, plain in _PART.findall(match[1])]
    if error.code is Code.UNKNOWN_CATALOG and parts:
        return (_catalogs(parts[0]),)
    if error.code is Code.UNKNOWN_SCHEMA and parts:
        within, *schema = parts if len(parts) > 1 else [catalog, *parts]
        return (_schemas(within, ".".join(schema)),)
    if error.code is Code.UNKNOWN_TABLE and len(parts) > 2:
        first, middle, last = parts[0], ".".join(parts[1:-1]), parts[-1]
        return (_catalogs(first), _schemas(first, middle), _tables(first, middle, last))
    return ()


def _catalogs(wanted: str) -> Find:
    source = TableName(catalog="system", schema="metadata", name="catalogs")
    query = dialect.select(["catalog_name"], dialect.table(source))
    return Find(code=Code.UNKNOWN_CATALOG, wanted=wanted, prefix="", query=query)


def _schemas(catalog: str, wanted: str) -> Find:
    source = TableName(catalog=catalog, schema="information_schema", name="schemata")
    query = dialect.select(["schema_name"], dialect.table(source))
    return Find(code=Code.UNKNOWN_SCHEMA, wanted=wanted, prefix=f"{catalog}.", query=query)


def _tables(catalog: str, schema: str, wanted: str) -> Find:
    source = TableName(catalog=catalog, schema="information_schema", name="tables")
    of_schema = dialect.compare("table_schema", "=", schema)
    query = dialect.select(["table_name"], dialect.table(source), where=of_schema)
    prefix = f"{catalog}.{schema}."
    return Find(code=Code.UNKNOWN_TABLE, wanted=wanted, prefix=prefix, query=query)
