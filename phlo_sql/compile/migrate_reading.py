"""The source as a relation: its columns as expressions, its partitions as predicates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect import copying

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phlo_sql.dialect import Expression
    from phlo_sql.model.migration import Format, SourceColumn, SourcePartition, SourceTable
    from phlo_sql.model.names import TableName

_SAMPLED = 20
"""Partitions whose content is compared where a sample is asked for."""
_ONE_IN = 16
PATH = "$path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Where the source is read from. `paths` are the only files of it that count, None: all.
    `others` are the tables of partitions that have another format than the source."""

    table: TableName
    source: SourceTable
    paths: tuple[str, ...] | None = None
    others: Mapping[Format, TableName] = field(default_factory=dict)

    def of(self, partition: SourcePartition) -> TableName:
        """Where this partition is read from."""
        return self.others.get(partition.format, self.table)

    @property
    def readable(self) -> tuple[SourceColumn, ...]:
        """Columns that the reader has a type for."""
        return tuple(each for each in self.source.columns if each.read_type)

    @property
    def where(self) -> Expression | None:
        return None if self.paths is None else of_paths(self.paths)


_CHECKED = ("boolean", "integer", "bigint", "real", "double", "date", "varchar", "varbinary")


def witness(source: SourceTable) -> SourceColumn | None:
    """A column whose type `add_files_from_table` knows: it wants one, and checks no file by it."""
    found = (each for each in source.columns if each.read_type in _CHECKED)
    return next((each for each in found if each.target_type == each.read_type), None)


def of_paths(paths: Iterable[str]) -> Expression:
    return dialect.is_in(dialect.column(PATH), list(paths))


def value_of(column: SourceColumn) -> Expression:
    """A column of the source, as the table is to hold it."""
    name = dialect.column(column.name.lower())
    if column.unsigned is not None:
        return copying.unsigned(name, column.target_type, column.unsigned)
    if column.target_type.endswith("with time zone"):
        return dialect.function(
            "with_timezone", copying.cast(name, "timestamp(6)"), dialect.literal("UTC")
        )
    if column.read_type == column.target_type:
        return name
    return copying.cast(name, column.target_type)


def of_partition(source: SourceTable, partition: SourcePartition) -> Expression:
    """The rows of one partition, in the source and in the table alike."""
    conditions = []
    for column, value in zip(source.partition_columns, partition.values, strict=True):
        if value is None:
            conditions.append(dialect.is_null(column.name.lower()))
        else:
            conditions.append(
                dialect.compare(column.name.lower(), "=", typed(value, column.target_type))
            )
    return dialect.all_of(conditions)


def typed(value: str, kind: str) -> str | int | date:
    if kind in ("integer", "bigint"):
        return int(value)
    return date.fromisoformat(value) if kind == "date" else value


def compared(relation: Relation, target: TableName, verify: str) -> tuple[dialect.Statement, ...]:
    """Queries whose every row is a difference between the source and the table."""
    if verify == "sample":
        return (
            _differences(relation, target, (), None),
            _differences(relation, target, relation.readable, _sample(relation)),
        )
    return (
        _differences(relation, target, relation.readable if verify == "checksum" else (), None),
    )


def _differences(
    relation: Relation,
    target: TableName,
    columns: Sequence[SourceColumn],
    sample: tuple[Expression, Expression] | None,
) -> dialect.Statement:
    keys = [each.name.lower() for each in relation.source.partition_columns]
    names = [each.name.lower() for each in columns]
    ours, theirs = sample or (None, None)
    sources = [
        copying.Side(
            table=table,
            keys=[_key(each) for each in relation.source.partition_columns],
            values=[value_of(each) for each in columns],
            where=_both(relation.where, ours),
        )
        for table in (relation.table, *relation.others.values())
    ]
    return copying.differences(
        sources,
        copying.Side(
            table=target,
            keys=[dialect.column(name) for name in keys],
            values=[dialect.column(name) for name in names],
            where=theirs,
        ),
        keys,
        names,
    )


def _key(column: SourceColumn) -> Expression:
    return value_of(column)


def _both(one: Expression | None, other: Expression | None) -> Expression | None:
    found = [each for each in (one, other) if each is not None]
    return dialect.all_of(found) if found else None


def _sample(relation: Relation) -> tuple[Expression, Expression] | None:
    """Some partitions, spread over all; of a table without partitions, rows by the hash of their
    first column that can be hashed. None: nothing to sample by, so everything."""
    source = relation.source
    if source.partitioned:
        every = max(1, len(source.partitions) // _SAMPLED)
        found = [of_partition(source, each) for each in source.partitions[::every]]
        return dialect.any_of(found), dialect.any_of(found)
    for each in relation.readable:
        if each.target_type.partition("(")[0] in _HASHED:
            return _hashed(value_of(each)), _hashed(dialect.column(each.name.lower()))
    return None


_HASHED = ("integer", "bigint", "varchar", "date", "decimal", "double", "boolean")


def _hashed(value: Expression) -> Expression:
    bytes_of = dialect.function("to_utf8", copying.cast(value, "varchar"))
    number = dialect.function("from_big_endian_64", dialect.function("xxhash64", bytes_of))
    part = dialect.function("bitwise_and", number, dialect.literal(_ONE_IN - 1))
    return dialect.any_of([dialect.compare(part, "=", 0), dialect.is_null(part)])
