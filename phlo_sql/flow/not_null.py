"""NOT NULL of a metastore's table, where its files bear it out: what Hive says of its columns is
as a rule neither enforced nor validated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import shows
from phlo_sql.flow.edges import file_properties

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import FromTable, SourceColumn, SourceTable
    from phlo_sql.observe.null_counts import Nulls


def borne_out(intent: FromTable, edges: Edges) -> SourceTable:
    """The source, with NOT NULL of those columns alone in which no NULL is; of the others it says
    why. Footers of Parquet files tell, else a catalog of Trino that shows the table is asked."""
    source = intent.source
    claimed = [each for each in (*source.columns, *source.partition_columns) if each.not_null]
    if not claimed:
        return source
    edges.note(f"looking for NULL in columns of {intent.shown or source.location}")
    proof = _Proof(intent, edges, [each.name.lower() for each in source.columns if each.not_null])
    return replace(
        source,
        columns=tuple(proof.of_column(each) for each in source.columns),
        partition_columns=tuple(
            _of_key(each, [part.values[place] for part in source.partitions])
            for place, each in enumerate(source.partition_columns)
        ),
    )


def _of_key(column: SourceColumn, values: Sequence[str | None]) -> SourceColumn:
    if column.not_null and None in values:
        return replace(column, not_null=False, nullable_for="it is NULL in a partition")
    return column


class _Proof:
    def __init__(self, intent: FromTable, edges: Edges, names: Sequence[str]) -> None:
        self.intent, self.edges = intent, edges
        self.footers = self._footers(names)
        self.shown: bool | None = None

    def of_column(self, column: SourceColumn) -> SourceColumn:
        if not column.not_null:
            return column
        told = self.footers.get(column.name.lower())
        if told is None:  # ORC's own statistics always count what is no list, map or struct
            found = self._asked(column)
            counted = self.intent.source.format == "orc" and "(" not in column.read_type
            return replace(found, counted=counted or not self.intent.source.files)
        with_null = next((path for path, each in told if each.count), None)
        if with_null is not None:
            return _nullable(column, f"it is NULL in {with_null}")
        found = column if all(each.count == 0 for _, each in told) else self._asked(column)
        return replace(found, counted=all(each.counted for _, each in told))

    def _footers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, Nulls]]]:
        """Empty where some files are no Parquet."""
        from pyiceberg.io.pyarrow import PyArrowFileIO

        from phlo_sql.observe.null_counts import of_files

        intent = self.intent
        if not names or any(each.format != "parquet" for each in intent.source.partitions):
            return {}
        paths = [each.path for part in intent.source.partitions for each in part.files]
        io = PyArrowFileIO(file_properties(intent.table, intent.ref, self.edges))
        return of_files(io, paths, names)

    def _asked(self, column: SourceColumn) -> SourceColumn:
        """By a query that statistics of the files answer as a rule."""
        intent, name = self.intent, self.intent.shown
        if not intent.source.files:
            return column
        if self.shown is None:
            self.shown = name is not None and shows(name, intent.source, self.edges)
        if not self.shown or name is None:
            return _nullable(
                column,
                f"its files do not tell whether it is NULL, and {name} is not seen to be this "
                "table: name a catalog of Trino that shows it with --source-catalog",
            )
        query = dialect.select(
            ["$path"],
            dialect.table(name),
            where=dialect.is_null(dialect.column(column.name.lower())),
            limit=1,
        )
        try:
            rows = self.edges.session.query(query)
        except PhloSqlError as error:
            if error.code in (Code.SERVER_DOWN, Code.INTERRUPTED):
                raise
            return _nullable(column, f"whether it is NULL can't be asked: {error.problem}")
        return _nullable(column, f"it is NULL in {rows[0][0]}") if rows else column


def _nullable(column: SourceColumn, why: str) -> SourceColumn:
    return replace(column, not_null=False, nullable_for=why)
