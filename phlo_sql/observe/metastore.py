"""Tables as a metastore tells them, Hive's or Glue's alike, and what each of them is."""

from __future__ import annotations

import difflib
import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.migration import Format, SourceKind, Statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phlo_sql.model.migration import ColumnStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    type: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    location: str
    input_format: str
    serde: str

    @property
    def format(self) -> Format | None:
        told = f"{self.input_format} {self.serde}".lower()
        if "parquet" in told:
            return "parquet"
        if "orc" in told:
            return "orc"
        return "avro" if "avro" in told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    values: tuple[str, ...]
    storage: Storage
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """`not_null`: names of columns; `others` in SQL's words. What they claim is not always held:
    most of Hive's are neither enforced nor validated."""

    not_null: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """`statistics` by column in lower case."""

    constraints: Constraints
    statistics: Mapping[str, ColumnStatistics]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`type` is Hive's word: MANAGED_TABLE, EXTERNAL_TABLE, VIRTUAL_VIEW, …"""

    name: str
    type: str
    owner: str | None
    parameters: Mapping[str, str]
    storage: Storage
    columns: tuple[Field, ...]
    partition_columns: tuple[Field, ...]
    partitions: tuple[Partition, ...] = ()
    bucket_columns: tuple[str, ...] = ()
    buckets: int = 0
    sort_columns: tuple[str, ...] = ()
    refused: str = ""
    """Why its partitions are not told, where this user may not read them."""


_ROWS = ("numRows", "recordCount")
"""Where Hive and Glue's crawlers write the number of rows; Hive says -1 where it does not know."""


def statistics_of(table: Described) -> Statistics | None:
    """The rows that the metastore has counted, of all partitions; None where it has not."""
    parts = table.partitions if table.partition_columns else (table,)
    counts = [_rows(each.parameters) for each in parts]
    known = [one for one in counts if one is not None]
    rows = sum(known) if known and len(known) == len(counts) else None
    return Statistics(rows=rows) if rows is not None else None


def _rows(parameters: Mapping[str, str]) -> int | None:
    told = next((parameters[name] for name in _ROWS if name in parameters), "")
    return int(told) if told.isascii() and told.isdigit() else None


def kind_of(table: Described, usual: SourceKind) -> tuple[SourceKind, str]:
    """What it is, and why it is left alone where it is."""
    told = {name.lower(): value.lower() for name, value in table.parameters.items()}
    provider = told.get("spark.sql.sources.provider", "")
    if "VIEW" in table.type.upper():
        return SourceKind.VIEW, "it is a view: it has no files of its own"
    if told.get("table_type") == "iceberg" or provider == "iceberg":
        return SourceKind.ICEBERG, "it is an Iceberg table already"
    if provider == "delta" or told.get("table_type") == "delta":
        return SourceKind.DELTA, "it is a Delta Lake table: its log says which files count"
    if provider == "hudi" or "hudi" in f"{table.storage.input_format}{table.storage.serde}".lower():
        return SourceKind.HUDI, "it is a Hudi table: its timeline says which files count"
    if told.get("transactional") == "true":
        return SourceKind.ACID, "it is a transactional table: its files hold deltas to be merged"
    if table.storage.format is None:
        words = table.storage.serde.rpartition(".")[2] or table.storage.input_format
        return SourceKind.OTHER, f"its files are read by {words}, and are no Parquet, ORC or Avro"
    return usual, ""


def chosen(names: Iterable[str], patterns: Sequence[str], database: str) -> tuple[str, ...]:
    """Names that a glob takes, all without one. Raises PhloSqlError(UNKNOWN_TABLE)."""
    every = sorted(names)
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for name in every):
            near = difflib.get_close_matches(pattern.lower(), every, n=3, cutoff=0.5)
            raise PhloSqlError(
                Code.UNKNOWN_TABLE,
                f"database {database} has no table like {pattern}",
                f"did you mean {' or '.join(near)}?" if near else "see its tables with SHOW TABLES",
            )
    if not patterns:
        return tuple(every)
    return tuple(
        name
        for name in every
        if any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
    )


def unknown_database(name: str, present: Iterable[str]) -> PhloSqlError:
    near = difflib.get_close_matches(name.lower(), list(present), n=3, cutoff=0.5)
    return PhloSqlError(
        Code.UNKNOWN_SCHEMA,
        f"database {name} does not exist in the metastore",
        f"did you mean {' or '.join(near)}?" if near else "check --database",
    )
