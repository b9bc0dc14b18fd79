"""The statements of one migration, in their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.migrate_names import SCHEMA
from phlo_sql.compile.migrate_reading import PATH, of_partition, value_of, witness
from phlo_sql.compile.migrate_scratch import GOES, cleared, is_table, made, register
from phlo_sql.compile.migrate_shown import shown
from phlo_sql.dialect import copying
from phlo_sql.model.units import human_size
from phlo_sql.plan import Kind, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.compile.migrate_reading import Relation
    from phlo_sql.dialect import Expression, Statement
    from phlo_sql.model.migration import Chosen, Migration, SourceFile, SourceTable

SLICE_BYTES = 10 * 1024**3
"""Bytes of files that one INSERT copies at most, but for a file that is larger."""
ANALYZED_UP_TO = 50 * 1024**3
"""Bytes up to which a table that is taken in place is read once more for its statistics."""
GUARD = "gc.enabled"
SOURCE, OWNER = "migrated.source", "migrated.owner"


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
    names, showing = shown(relation, staging, in_place, one)
    steps = [
        *made(staging),
        *showing,
        making.table(guarded=bool(in_place)),
        *making.taken(in_place),
        *making.copied(copied),
        *(compare_step(query, verify) for query in queries),
        *([_analyzed(staging)] if in_place and relation.source.bytes <= ANALYZED_UP_TO else ()),
        register(staging),
        *cleared(staging, names),
    ]
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


@dataclass(frozen=True, slots=True)
class _Making:
    source: SourceTable
    relation: Relation
    intent: Migration
    staging: Staging

    # -- before
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
        columns = [
            dialect.ColumnDefinition(
                name=each.name.lower(),
                type=each.target_type,
                not_null=each.not_null,
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
            slices = list(_slices(each.partition.files))
            for number, files in enumerate(slices, 1):
                place = each.partition.raw or "the table"
                if len(slices) > 1:
                    place = f"{each.partition.raw} slice {number} of {len(slices)}".lstrip()
                yield self._insert(each, self._where(each, files, slices), files, place)

    def _where(
        self, each: Chosen, files: Sequence[SourceFile], slices: Sequence[object]
    ) -> Expression | None:
        """One partition's rows, of these files where they are not all."""
        found = [of_partition(self.source, each.partition)] if self.source.partitioned else []
        if self.source.partitioned and len(slices) == 1 and self.relation.where is not None:
            found.append(self.relation.where)
        elif len(slices) > 1 or (self.source.chosen_files and not self.source.partitioned):
            paths = [self.staging.reached(file.path) for file in files]
            found.append(dialect.is_in(PATH, paths))
        return dialect.all_of(found) if found else None

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
                self.relation.of(each.partition),
                where,
            ),
            summary=f"copy {place}: {len(files):,} files, {size}",
            why=each.reason,
            undo=GOES,
            late=True,
            independent=self.source.partitioned,
            predicts=_predicted(files),
        )


def _analyzed(staging: Staging) -> Step:
    """What is copied has statistics by its writing; files that are taken in place have none."""
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=copying.analyze(staging.table),
        summary="count the distinct values of its columns",
        why="the files don't tell them, and joins are planned by them",
        undo=GOES,
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
