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
_METADATA = re.compile(r"\$[a-z_]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """A query for names, and the prefix that makes them whole."""

    wanted: str
    prefix: str
    query: dialect.Statement

    def improved(self, error: PhloSqlError, names: Sequence[str]) -> PhloSqlError:
        """The error with near names in its hint and its document."""
        near = difflib.get_close_matches(self.wanted, names, n=3, cutoff=0.6)
        if not near:
            near = [name for name in names if self.wanted in name or name in self.wanted][:3]
        if not near:
            return error
        whole = [self.prefix + name for name in near]
        hint = f"did you mean {' or '.join(whole)}?"
        return PhloSqlError(error.code, error.problem, hint, data={**error.data, "near": whole})


def query_for(error: PhloSqlError, catalog: str) -> Find | None:
    """What to ask the server for the names that could have been meant; None where nothing helps."""
    match = _QUOTED.search(error.problem)
    if match is None:
        return None
    parts = _METADATA.sub("", match[1]).split(".")
    if error.code is Code.UNKNOWN_CATALOG:
        source = TableName(catalog="system", schema="metadata", name="catalogs")
        query = dialect.select(["catalog_name"], dialect.table(source))
        return Find(wanted=parts[0], prefix="", query=query)
    if error.code is Code.UNKNOWN_SCHEMA:
        within = parts[0] if len(parts) > 1 else catalog
        source = TableName(catalog=within, schema="information_schema", name="schemata")
        query = dialect.select(["schema_name"], dialect.table(source))
        return Find(wanted=parts[-1], prefix=f"{within}.", query=query)
    if error.code is Code.UNKNOWN_TABLE and len(parts) >= 3:
        within, schema = parts[0], ".".join(parts[1:-1])
        source = TableName(catalog=within, schema="information_schema", name="tables")
        query = dialect.select(
            ["table_name"],
            dialect.table(source),
            where=dialect.compare("table_schema", "=", schema),
        )
        return Find(wanted=parts[-1], prefix=f"{within}.{schema}.", query=query)
    return None
