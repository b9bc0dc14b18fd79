"""The statements of one migration, in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.migrate_names import SCHEMA
from phlo_sql.compile.migrate_reading import PATH, of_partition, value_of, witness
from phlo_sql.dialect import copying
from phlo_sql.dialect.schemas import create_schema, drop_schema
from phlo_sql.model.units import human_size
from phlo_sql.plan import Check, Kind, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.compile.migrate_reading import Relation
    from phlo_sql.dialect import Expression, Statement
    from phlo_sql.model.migration import Chosen, Migration, SourceColumn, SourceFile, SourceTable
    from phlo_sql.model.names import TableName

SLICE_BYTES = 10 * 1024**3
"""Bytes of files that one INSERT copies at most, where they are not one partition."""
GUARD = "gc.enabled"
SOURCE, OWNER = "migrated.source", "migrated.owner"
_HIVE = {
    "hive.metastore": "file",
    "hive.timestamp-precision": "MICROSECONDS",
    "hive.orc.use-column-names": "true",
}
_ICEBERG = {
    "iceberg.catalog.type": "TESTING_FILE_METASTORE",
    "iceberg.add-files-procedure.enabled": "true",
    "iceberg.register-table-procedure.enabled": "true",
    "iceberg.allowed-extra-properties": "*",
}
_WHY = {
    "files": "copies and comparisons read the source through it; dropping it touches no file",
    "folders": "partitions are taken in place through it, and for that it may have one column only",
}
_GOES = Undo(reason="none is needed: `migrate rollback` drops the scratch catalogs and their files")
_WAS = Undo(reason="none is needed: it was made for this run")


def steps_of(
    chosen: Sequence[Chosen],
    relation: Relation,
    intent: Migration,
    staging: Staging,
    queries: Sequence[Statement],
    verify: str,
) -> tuple[Step, ...]:
    """Numbered from 1."""
    making = _Making(relation.source, relation, intent, staging)
    in_place = [each for each in chosen if each.mode == "in-place"]
    copied = [each for each in chosen if each.mode == "copy"]
    one = witness(relation.source) if relation.source.partitioned and in_place else None
    shown = {
        **({staging.files: relation.readable} if relation.table == staging.files else {}),
        **({staging.folders: (one,)} if one is not None else {}),
    }
    steps = [
        *making.catalogs(),
        *(
            step
            for name, columns in shown.items()
            for step in making.shown(name, columns, _WHY[name.name])
        ),
        making.table(guarded=bool(in_place)),
        *making.taken(in_place),
        *making.copied(copied),
        *(_compare(query, verify) for query in queries),
        making.register(),
        *making.cleared(list(shown)),
    ]
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


@dataclass(frozen=True, slots=True)
class _Making:
    source: SourceTable
    relation: Relation
    intent: Migration
    staging: Staging

    # -- before
    def catalogs(self) -> Iterator[Step]:
        staging = self.staging
        metastore = {"hive.metastore.catalog.dir": staging.folder}
        for name, connector, own, what in (
            (staging.hive, "hive", _HIVE, "show the source's files as a table"),
            (staging.iceberg, "iceberg", _ICEBERG, "have the table in the making"),
        ):
            yield Step(
                id=1,
                kind=Kind.CATALOG,
                statement=dialect.create_catalog(
                    name, connector, {**staging.storage, **own, **metastore}
                ),
                summary=f"make catalog {name}",
                why=f"to {what}; nobody else knows it, and it goes at the end",
                undo=Undo(reason="drop it", statement=dialect.drop_catalog(name)),
                checks=(_is_catalog(name, 1),),
            )
        yield Step(
            id=1,
            kind=Kind.DDL,
            statement=create_schema(staging.iceberg, SCHEMA),
            summary=f"make schema {SCHEMA} in both",
            why="they share one metastore",
            undo=_GOES,
        )

    def shown(self, name: TableName, columns: Sequence[SourceColumn], why: str) -> Iterator[Step]:
        """The source's folder as a Hive table."""
        source, staging = self.source, self.staging
        definitions = [
            dialect.ColumnDefinition(name=each.name.lower(), type=each.read_type)
            for each in (*columns, *source.partition_columns)
        ]
        properties: dict[str, dialect.Value] = {
            "external_location": staging.reached(source.location),
            "format": str(source.format).upper(),
        }
        if source.partitioned:
            properties["partitioned_by"] = [each.name.lower() for each in source.partition_columns]
        yield Step(
            id=1,
            kind=Kind.DDL,
            statement=dialect.create_table(name, definitions, properties=properties),
            summary=f"show the source's files as external Hive table {name.name}",
            why=why,
            undo=_GOES,
            checks=(_is_table(name, 1),),
        )
        if source.partitioned:
            yield Step(
                id=1,
                kind=Kind.CALL,
                statement=dialect.call(
                    staging.hive,
                    "sync_partition_metadata",
                    {"schema_name": SCHEMA, "table_name": name.name, "mode": "ADD"},
                ),
                summary=f"find its {len(source.partitions):,} partitions",
                why="the folders' names are the values",
                undo=_GOES,
            )

    def table(self, *, guarded: bool) -> Step:
        source, staging = self.source, self.staging
        kept = {SOURCE: source.location, **({OWNER: source.owner} if source.owner else {})}
        extra = {**source.properties, **kept, **({GUARD: "false"} if guarded else {})}
        properties: dict[str, dialect.Value] = {
            "format": str(source.format or "parquet").upper(),
            "location": staging.location,
            "extra_properties": extra,
        }
        if by := self._partitioning():
            properties["partitioning"] = by
        if source.bucketing is not None and source.bucketing.sorted_by:
            properties["sorted_by"] = [_quoted(each) for each in source.bucketing.sorted_by]
        # In place, NOT NULL is held against counts of NULL, which Avro files don't have (483).
        counted = not (guarded and source.format == "avro")
        columns = [
            dialect.ColumnDefinition(
                name=each.name.lower(),
                type=each.target_type,
                not_null=each.not_null and counted,
                comment=each.comment,
            )
            for each in (*source.columns, *source.partition_columns)
        ]
        return Step(
            id=1,
            kind=Kind.DDL,
            statement=dialect.create_table(
                staging.table, columns, comment=source.comment, properties=properties
            ),
            summary=f"make the table at {staging.location}",
            why="under a name of the scratch catalog, until it is proven",
            undo=_GOES,
            checks=(_is_table(staging.table, 1),),
        )

    def _partitioning(self) -> list[str]:
        if self.intent.partition_by is not None:
            return list(self.intent.partition_by)
        return [_quoted(each.name.lower()) for each in self.source.partition_columns]

    # -- the rows
    def taken(self, chosen: Sequence[Chosen]) -> Iterator[Step]:
        if not self.source.partitioned:
            for each in chosen:
                yield from self._files_taken(each)
            return
        first = self.source.partition_columns[0].name.lower()
        for each in chosen:
            raw = each.partition.raw
            arguments: dict[str, dialect.Value | Expression] = {
                "schema_name": SCHEMA,
                "table_name": self.staging.folders.name,
                # Several keys are joined in another order than the columns' (483): one carries all.
                "partition_filter": dialect.literal({first: raw.partition("=")[2]}),
            }
            yield self._add("add_files_from_table", arguments, raw, each.partition.files)

    def _files_taken(self, each: Chosen) -> Iterator[Step]:
        form = str(each.partition.format).upper()
        groups = (
            [(f.path, (f,)) for f in each.partition.files]
            if self.source.chosen_files
            else [(each.partition.location, each.partition.files)]
        )
        for place, files in groups:
            location = self.staging.reached(place)
            yield self._add("add_files", {"location": location, "format": form}, place, files)

    def _add(
        self,
        procedure: str,
        arguments: dict[str, dialect.Value | Expression],
        place: str,
        files: Sequence[SourceFile],
    ) -> Step:
        return Step(
            id=1,
            kind=Kind.PROCEDURE,
            statement=dialect.execute_procedure(self.staging.table, procedure, arguments),
            summary=f"take {len(files):,} files of {place} in place",
            why="the table's metadata names them; nothing is moved or written beside it",
            undo=_GOES,
            late=True,
            predicts=_predicted(files, added=len(files)),
        )

    def copied(self, chosen: Sequence[Chosen]) -> Iterator[Step]:
        for each in chosen:
            if self.source.partitioned:
                where = of_partition(self.source, each.partition)
                if self.relation.where is not None:
                    where = dialect.all_of([where, self.relation.where])
                yield self._insert(each, where, each.partition.files, each.partition.raw)
                continue
            slices = list(_slices(each.partition.files))
            for number, files in enumerate(slices, 1):
                some = len(slices) > 1 or self.source.chosen_files
                paths = [self.staging.reached(file.path) for file in files]
                place = f"slice {number} of {len(slices)}" if len(slices) > 1 else "the table"
                yield self._insert(each, dialect.is_in(PATH, paths) if some else None, files, place)

    def _insert(
        self, each: Chosen, where: Expression | None, files: Sequence[SourceFile], place: str
    ) -> Step:
        columns = (*self.source.columns, *self.source.partition_columns)
        size = human_size(sum(file.bytes for file in files))
        return Step(
            id=1,
            kind=Kind.WRITE,
            statement=copying.insert_select(
                self.staging.table,
                [column.name.lower() for column in columns],
                [value_of(column) for column in columns],
                self.relation.table,
                where,
            ),
            summary=f"copy {place}: {len(files):,} files, {size}",
            why=each.reason,
            undo=_GOES,
            late=True,
            independent=self.source.partitioned,
            predicts=_predicted(files),
        )

    # -- after
    def register(self) -> Step:
        staging = self.staging
        names: dict[str, dialect.Value | Expression] = {
            "schema_name": staging.target.schema,
            "table_name": staging.target.name,
        }
        catalog = str(staging.target.catalog)
        return Step(
            id=1,
            kind=Kind.CALL,
            statement=dialect.call(
                catalog, "register_table", {**names, "table_location": staging.location}
            ),
            summary=f"register it as {staging.target}",
            why="it is proven: from here on everybody sees it",
            undo=Undo(
                reason="takes the name away; no file goes with it",
                statement=dialect.call(catalog, "unregister_table", names),
            ),
            prechecks=(
                Check(name="absent", query=copying.count_tables(staging.target), expected="0"),
            ),
            checks=(_is_table(staging.target, 1),),
        )

    def cleared(self, shown: Sequence[TableName]) -> Iterator[Step]:
        staging = self.staging
        yield Step(
            id=1,
            kind=Kind.CALL,
            statement=dialect.call(
                staging.iceberg,
                "unregister_table",
                {"schema_name": SCHEMA, "table_name": staging.table.name},
            ),
            summary="forget the name in the scratch catalog",
            why="one table must not have two catalogs that write to it",
            undo=_WAS,
            checks=(_is_table(staging.table, 0),),
        )
        for name in shown:
            yield Step(
                id=1,
                kind=Kind.DDL,
                statement=dialect.drop_table(name),
                summary=f"drop external Hive table {name.name}",
                why="its files stay: they are the source",
                undo=_WAS,
                checks=(_is_table(name, 0),),
            )
        yield Step(
            id=1,
            kind=Kind.DDL,
            statement=drop_schema(staging.iceberg, SCHEMA),
            summary=f"drop schema {SCHEMA}",
            why="nothing is left behind",
            undo=_WAS,
        )
        for catalog in (staging.hive, staging.iceberg):
            yield Step(
                id=1,
                kind=Kind.CATALOG,
                statement=dialect.drop_catalog(catalog),
                summary=f"drop catalog {catalog}",
                why="nothing is left behind",
                undo=_WAS,
                checks=(_is_catalog(catalog, 0),),
            )


def _compare(query: Statement, verify: str) -> Step:
    what = "rows" if verify == "count" else "rows and content"
    return Step(
        id=1,
        kind=Kind.COMPARE,
        statement=query,
        summary=f"compare {what} with the source ({verify})",
        why="each row of the answer would be a difference, and stop the run before the table "
        "is registered",
        undo=Undo(reason="none is needed: it only reads"),
    )


def _predicted(files: Sequence[SourceFile], added: int | None = None) -> Prediction:
    rows = [file.rows for file in files]
    known = [each for each in rows if each is not None]
    return Prediction(added_data_files=added, rows=sum(known) if len(known) == len(rows) else None)


def _slices(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    found: list[SourceFile] = []
    size = 0
    for file in files:
        if found and size + file.bytes > SLICE_BYTES:
            yield found
            found, size = [], 0
        found.append(file)
        size += file.bytes
    if found:
        yield found


def _is_catalog(name: str, expected: int) -> Check:
    return Check(name="catalog", query=copying.count_catalogs(name), expected=str(expected))


def _is_table(name: TableName, expected: int) -> Check:
    return Check(name="table", query=copying.count_tables(name), expected=str(expected))


def _quoted(name: str) -> str:
    """A column in a partitioning or sort order, as Trino's properties spell it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else '"' + name.replace('"', '""') + '"'
