"""The statements of one migration, in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.migrate_names import SCHEMA
from phlo_sql.compile.migrate_reading import PATH, of_partition, value_of, witness
from phlo_sql.compile.migrate_scratch import GOES, cleared, is_table, made, register
from phlo_sql.dialect import copying
from phlo_sql.model.units import human_size
from phlo_sql.plan import Kind, Prediction, Step, Undo

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
_WHY = {
    "files": "copies and comparisons read the source through it; dropping it touches no file",
    "folders": "partitions are taken in place through it, and for that it may have one column only",
}


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
        *made(staging),
        *(
            step
            for name, columns in shown.items()
            for step in making.shown(name, columns, _WHY[name.name])
        ),
        making.table(guarded=bool(in_place)),
        *making.taken(in_place),
        *making.copied(copied),
        *(compare_step(query, verify) for query in queries),
        register(staging),
        *cleared(staging, list(shown)),
    ]
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


@dataclass(frozen=True, slots=True)
class _Making:
    source: SourceTable
    relation: Relation
    intent: Migration
    staging: Staging

    # -- before
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
            undo=GOES,
            checks=(is_table(name, 1),),
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
                undo=GOES,
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
            undo=GOES,
            checks=(is_table(staging.table, 1),),
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
            undo=GOES,
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
            undo=GOES,
            late=True,
            independent=self.source.partitioned,
            predicts=_predicted(files),
        )


def compare_step(query: Statement, verify: str) -> Step:
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


def _quoted(name: str) -> str:
    """A column in a partitioning or sort order, as Trino's properties spell it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()
    return name if plain else '"' + name.replace('"', '""') + '"'
