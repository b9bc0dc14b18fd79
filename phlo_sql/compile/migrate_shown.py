"""The source's files as Hive tables of the scratch catalog: what the metastore says, no more.

Folders are found by their names, then put right: a partition that lies elsewhere is registered at
its place, a folder that is no partition (or of another format) is taken out again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from phlo_sql import dialect
from phlo_sql.compile.migrate_names import SCHEMA
from phlo_sql.compile.migrate_reading import of_partition
from phlo_sql.compile.migrate_scratch import GOES, is_table, names_of
from phlo_sql.model.migration import NULL_PARTITION, SourcePartition
from phlo_sql.plan import Check, Kind, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.compile.migrate_reading import Relation
    from phlo_sql.dialect import Expression
    from phlo_sql.model.migration import Chosen, Format, SourceColumn, SourceTable
    from phlo_sql.model.names import TableName

_READ = "copies and comparisons read the source through it; dropping it touches no file"
_TAKEN = "partitions are taken in place through it, and for that it may have one column only"


def shown(
    relation: Relation, staging: Staging, in_place: Sequence[Chosen], one: SourceColumn | None
) -> tuple[list[TableName], list[Step]]:
    """The tables that are made, and the steps that make them; `one` is the column of the table that
    partitions are taken in place through, None: there are none."""
    source = relation.source
    making = _Showing(source, staging)
    names: list[TableName] = []
    steps: list[Step] = []
    if relation.table == staging.files:
        names.append(relation.table)
        steps += making.main(relation.table, relation.readable)
    for form, name in relation.others.items():
        names.append(name)
        steps += making.other(name, relation.readable, form)
    if one is not None:
        names.append(staging.folders)
        taken = [each.partition for each in in_place]
        steps += making.taken(staging.folders, one, taken)
    return names, steps


class _Showing:
    def __init__(self, source: SourceTable, staging: Staging) -> None:
        self.source, self.staging = source, staging

    def main(self, name: TableName, columns: Sequence[SourceColumn]) -> Iterator[Step]:
        """Every partition of the table's own format."""
        yield self._table(name, columns, self.source.format, _READ)
        if not self.source.partitioned:
            return
        yield self._found(name)
        for raw in self.source.strangers:
            yield self._unregistered(name, _stranger(raw, self.source), raw, "no partition")
        for each in self.source.partitions:
            own = each.format == self.source.format
            found = _found_as(each.raw)
            misread = not each.custom_location and found != each.values
            if misread or not (own or each.custom_location):
                what = "of other values" if misread else each.format
                yield self._unregistered(name, replace(each, values=found), each.raw, what)
            if own and (each.custom_location or misread):
                yield self._registered(name, each)

    def other(
        self, name: TableName, columns: Sequence[SourceColumn], form: Format
    ) -> Iterator[Step]:
        """The partitions of one other format."""
        yield self._table(name, columns, form, _READ)
        for each in self.source.partitions:
            if each.format == form:
                yield self._registered(name, each)

    def taken(
        self, name: TableName, one: SourceColumn, partitions: Sequence[SourcePartition]
    ) -> Iterator[Step]:
        """What is taken in place goes by the partition's name, so others do no harm there."""
        yield self._table(name, (one,), self.source.format, _TAKEN)
        yield self._found(name)
        elsewhere = [each for each in partitions if each.custom_location]
        places = {each.values for each in elsewhere}
        for raw in self.source.strangers:
            if (stranger := _stranger(raw, self.source)).values in places:
                yield self._unregistered(name, stranger, raw, "no partition")
        for each in elsewhere:
            yield self._registered(name, each)

    def _table(
        self, name: TableName, columns: Sequence[SourceColumn], form: Format | None, why: str
    ) -> Step:
        source = self.source
        definitions = [
            dialect.ColumnDefinition(name=each.name.lower(), type=each.read_type)
            for each in (*columns, *source.partition_columns)
        ]
        properties: dict[str, dialect.Value] = {
            "external_location": self.staging.reached(source.location),
            "format": str(form).upper(),
        }
        if source.partitioned:
            properties["partitioned_by"] = self._keys()
        return Step(
            id=1,
            kind=Kind.DDL,
            statement=dialect.create_table(name, definitions, properties=properties),
            summary=f"show the source's files as external Hive table {name.name}",
            why=why,
            undo=GOES,
            checks=(is_table(name, 1),),
        )

    def _found(self, name: TableName) -> Step:
        return Step(
            id=1,
            kind=Kind.CALL,
            statement=dialect.call(
                self.staging.hive,
                "sync_partition_metadata",
                {"schema_name": SCHEMA, "table_name": name.name, "mode": "ADD"},
            ),
            summary=f"find its {len(self.source.partitions):,} partitions",
            why="the folders' names are the values",
            undo=GOES,
        )

    def _registered(self, name: TableName, each: SourcePartition) -> Step:
        place = self.staging.reached(each.location)
        return Step(
            id=1,
            kind=Kind.CALL,
            statement=self._about(name, "register_partition", each, {"location": place}),
            summary=f"show partition {each.raw} at {each.location}",
            why=self._because(each),
            undo=GOES,
            checks=(self._counted(name, each, 1),),
        )

    def _because(self, each: SourcePartition) -> str:
        if each.custom_location:
            return "the metastore says that it lies there"
        if each.format != self.source.format:
            return f"its files are {each.format}"
        return "Hive reads the folder's name otherwise than its writer meant it"

    def _unregistered(self, name: TableName, each: SourcePartition, raw: str, what: str) -> Step:
        return Step(
            id=1,
            kind=Kind.CALL,
            statement=self._about(name, "unregister_partition", each, {}),
            summary=f"leave {raw} out of it",
            why=f"to the metastore the folder is {what}; nothing is deleted",
            undo=GOES,
            checks=(self._counted(name, each, 0),),
        )

    def _about(
        self,
        name: TableName,
        procedure: str,
        each: SourcePartition,
        more: dict[str, dialect.Value | Expression],
    ) -> dialect.Statement:
        values = [NULL_PARTITION if value is None else value for value in each.values]
        given = {"partition_columns": self._keys(), "partition_values": values}
        return dialect.call(self.staging.hive, procedure, {**names_of(name), **given, **more})

    def _counted(self, name: TableName, each: SourcePartition, expected: int) -> Check:
        query = dialect.select(
            [dialect.count()],
            dialect.metadata_table(name, "partitions"),
            where=of_partition(self.source, each),
        )
        return Check(name="partition", query=query, expected=str(expected))

    def _keys(self) -> list[str]:
        return [each.name.lower() for each in self.source.partition_columns]


def _stranger(raw: str, source: SourceTable) -> SourcePartition:
    """A folder that is found by its name, but belongs to no partition."""
    return SourcePartition(
        values=_found_as(raw),
        raw=raw,
        location=f"{source.location}/{raw}",
        format=source.format or "parquet",
    )


def _found_as(raw: str) -> tuple[str | None, ...]:
    """The values that Hive reads from a folder's name: `%C3%A9` are two letters to it (Trino's
    HivePartitionManager, after Hive's FileUtils.unescapePathName), where others mean one of UTF-8.
    """
    values = (unquote(each.partition("=")[2], encoding="latin-1") for each in raw.split("/"))
    return tuple(None if each == NULL_PARTITION else each for each in values)
