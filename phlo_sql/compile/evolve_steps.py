"""The statements that lead from one schema to another, in an order that works.

Names are followed statement by statement: each is written with the names that the table has when
its turn comes. Drops come before renames, which may want their names; a ring of renames goes
through a name of its own; columns are added last, next to neighbours that are there by then.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.compile.evolve_checks import absent, has_fact, present
from phlo_sql.compile.evolve_names import Names, loses, needs_whole
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.plan import Check, Kind, Step, Undo
from phlo_sql.schema import properties as known_properties
from phlo_sql.schema import spelling
from phlo_sql.schema.defaults import normal, scalar
from phlo_sql.schema.difference import partition_texts, sort_texts
from phlo_sql.schema.model import (
    Primitive,
    TableSchema,
    by_id,
    children,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.model.names import TableName
    from phlo_sql.schema.model import Field, Path

NO_NARROWING = "none: Iceberg does not narrow a type; the wider one reads everything"


class Steps:
    """Makes the steps from `old` to `new`, which is lined up with it."""

    def __init__(self, old: TableSchema, new: TableSchema, table: TableName, version: int) -> None:
        self.old, self.new, self.table, self.version = old, new, table, version
        self.names = Names.of(old)
        self.was, self.will = by_id(old.fields), by_id(new.fields)
        self.steps: list[Step] = []
        self.sort = old.sort
        self.whole = {
            each.id: why
            for each in old.fields
            if each.id in self.will
            and (why := needs_whole(each.type, self.will[each.id].type)) is not None
        }
        """Columns that get their new type by one statement, with the reason."""

    def made(self) -> tuple[Step, ...]:
        """Every step, numbered from 1."""
        self._format()
        self._sort_without_drops()
        kept = self._drops()
        self._renames()
        self._inside()
        self._types()
        self._facts()
        self._adds()
        for each in kept:
            self._drop(each)
        self._table()
        return tuple(replace(step, id=number) for number, step in enumerate(self.steps, start=1))

    # -- the table
    def _format(self) -> None:
        if self.new.format_version > self.old.format_version:
            self._properties(
                {"format_version": self.new.format_version},
                f"raise the format version to {self.new.format_version}",
                "what follows, or the file, needs it",
                Undo(reason="none: Iceberg has no way back to an older format"),
            )

    def _sort_without_drops(self) -> None:
        """A sort source can't be dropped: the order goes first."""
        if all(term.source in self.will for term in self.old.sort):
            return
        left = replace(
            self.old, sort=tuple(term for term in self.old.sort if term.source in self.will)
        )
        self._sorted_by(sort_texts(left), "a column of the sort order is dropped")
        self.sort = left.sort

    def _table(self) -> None:
        old, new = self.old, self.new
        places = [(term.source, term.transform) for term in old.partitioning]
        if places != [(term.source, term.transform) for term in new.partitioning]:
            self._properties(
                {"partitioning": partition_texts(new)},
                f"partition by {', '.join(partition_texts(new)) or 'nothing'}",
                "files that are there keep their partitions",
                self._back({"partitioning": self._old_partitions()}),
            )
        if self.sort != new.sort:
            self._sorted_by(sort_texts(new), "rows of new files are written in this order")
        changed = {
            name: value
            for name, value in new.properties.items()
            if old.properties.get(name) != value
        }
        for name, value in changed.items():
            self._property(name, value)
        if (old.comment or None) != (new.comment or None):
            self._add(
                dialect.comment_on_table(self.table, new.comment),
                "comment on the table",
                "asked for",
                Undo(
                    reason="puts the comment back",
                    statement=dialect.comment_on_table(self.table, old.comment),
                ),
            )

    def _old_partitions(self) -> list[str] | None:
        if any(term.source not in self.will for term in self.old.partitioning):
            return None
        renamed = replace(self.new, partitioning=self.old.partitioning)
        return partition_texts(renamed)

    def _sorted_by(self, texts: list[str], why: str) -> None:
        back = sort_texts(self.old) if all(t.source in self.will for t in self.old.sort) else None
        self._properties(
            {"sorted_by": texts},
            f"sort by {', '.join(texts) or 'nothing'}",
            why,
            self._back({"sorted_by": back}),
        )

    def _back(self, values: Mapping[str, Any]) -> Undo:
        if any(value is None for value in values.values()):
            return Undo(reason="none: a column that it names is dropped")
        statement = dialect.set_properties(self.table, values)
        return Undo(reason="puts it back", statement=statement)

    def _property(self, name: str, value: str) -> None:
        def said(text: str) -> dict[str, Any]:
            if name in known_properties.KNOWN:
                return {name: known_properties.typed(name, text)}
            return {"extra_properties": {name: text}}

        before = self.old.properties.get(name)
        undo = (
            Undo(reason="none: Trino has no statement that unsets a property")
            if before is None
            else self._back(said(before))
        )
        self._properties(said(value), f"set {name} to {value}", "asked for", undo)

    def _properties(self, values: Mapping[str, Any], summary: str, why: str, undo: Undo) -> None:
        self._add(
            dialect.set_properties(self.table, values), summary, why, undo, kind=Kind.PROPERTIES
        )

    # -- drops and renames
    def _drops(self) -> list[int]:
        """Drop what can go at once; returns columns that must stay until others are added."""
        gone = [each for each in self.was if each not in self.will]
        outer = {each for each in gone if self.names.parents[each] not in gone}
        columns = [each.id for each in self.old.fields]
        kept: list[int] = []
        if set(columns) <= outer:  # the last column of a table can't be dropped
            kept = [columns[-1]]
            self._rename_away(columns[-1])
        for each in self.was:
            if each in outer and each not in kept and not self._in_container(each):
                self._drop(each)
        return kept

    def _rename_away(self, field: int) -> None:
        wanted = {each.name.lower() for each in self.new.fields}
        if self.names.names[field].lower() in wanted:
            self._rename(field, self.names.free(field, wanted), "another column takes its name")

    def _in_container(self, field: int) -> bool:
        """Trino drops and adds through arrays, but not through maps: those get a new type whole."""
        column = self._column(field)
        return column in self.whole

    def _column(self, field: int) -> int:
        while self.names.parents[field]:
            field = self.names.parents[field]
        return field

    def _drop(self, field: int) -> None:
        path, gone = self.names.path(field), self.was[field]
        for _, inner in walk(children(gone.type)):
            self.names.drop(inner.id)
        self.names.drop(field)
        self._add(
            dialect.drop_column(self.table, path),
            f"drop {spelling.written(path)} ({spelling.iceberg(gone.type)})",
            "asked for; its values stay in the files, but nothing reads them",
            Undo(
                reason="none: a column added again is a new one, and empty; older snapshots still"
                " have the values (FOR VERSION AS OF)"
            ),
            destructive=True,
            checks=(absent(self.table, path),),
        )

    def _renames(self) -> None:
        waiting = {
            each: self.will[each].name
            for each in self.was
            if each in self.will and self.was[each].name != self.will[each].name
        }
        while waiting:
            free = next(
                (
                    each
                    for each, name in waiting.items()
                    if name.lower() not in self.names.siblings(each)
                ),
                None,
            )
            if free is not None:
                self._rename(free, waiting.pop(free), "asked for")
                continue
            ring = next(iter(waiting))
            taken = {name.lower() for name in waiting.values()}
            self._rename(ring, self.names.free(ring, taken), "the names go round in a ring")

    def _rename(self, field: int, name: str, why: str) -> None:
        path = self.names.path(field)
        self.names.names[field] = name
        to = self.names.path(field)
        self._add(
            dialect.rename_column(self.table, path, name),
            f"rename {spelling.written(path)} to {name}",
            why,
            Undo(
                reason="gives the name back",
                statement=dialect.rename_column(self.table, to, path[-1]),
            ),
            checks=(present(self.table, to),),
        )

    # -- what is inside columns
    def _inside(self) -> None:
        for field, why in self.whole.items():
            kind = self.will[field].type
            if "fixed" in spelling.iceberg(kind):
                raise PhloSqlError(
                    Code.IMPOSSIBLE_CHANGE,
                    f"{self.will[field].name} holds a fixed type, which Trino can't name in a type",
                    "change its other fields in statements of their own, with Spark",
                )
            path = self.names.path(field)
            self._add(
                dialect.alter_column_type(self.table, path, spelling.trino(kind)),
                f"make {spelling.written(path)} {spelling.iceberg(kind)}",
                why,
                Undo(reason=NO_NARROWING),
                destructive=loses(self.was[field].type, kind),
                late=False,
            )
        for each in self.old.fields:
            if each.id in self.will and each.id not in self.whole:
                self._added_inside(self.will[each.id])

    def _added_inside(self, around: Field) -> None:
        for each in children(around.type):
            if each.id in self.was:
                self._added_inside(each)
                continue
            path = (*self.names.path(around.id), each.name)
            self.names.take((each,), around.id)
            self._add(
                dialect.add_column(self.table, path, spelling.trino(each.type)),
                f"add {spelling.written(path)} ({spelling.iceberg(each.type)})",
                "asked for; files that are there read as NULL",
                Undo(
                    reason="drops it again, with what was written to it",
                    statement=dialect.drop_column(self.table, path),
                ),
            )

    def _types(self) -> None:
        for each, old in self.was.items():
            new = self.will.get(each)
            if new is None or not isinstance(old.type, Primitive) or old.type == new.type:
                continue
            if self._column(each) in self.whole:
                continue
            path = self.names.path(each)
            kind = spelling.trino(new.type)
            checks = (has_fact(self.table, path, "data_type", kind),) if len(path) == 1 else ()
            self._add(
                dialect.alter_column_type(self.table, path, kind),
                f"make {spelling.written(path)} {spelling.iceberg(new.type)}",
                "asked for; files that are there are read as the wider type",
                Undo(reason=NO_NARROWING),
                checks=checks,
            )

    def _facts(self) -> None:
        for column in self.new.fields:
            old = self.was.get(column.id)
            if old is None:
                continue
            path = self.names.path(column.id)
            if old.required and not column.required:
                self._add(
                    dialect.drop_not_null(self.table, path),
                    f"let {spelling.written(path)} be NULL",
                    "asked for",
                    Undo(reason="none: Trino adds no NOT NULL to a column of an Iceberg table"),
                    checks=(has_fact(self.table, path, "is_nullable", "YES"),),
                )
            if normal(old.write_default, old.type) != normal(column.write_default, column.type):
                self._default(old, column, path)
            if (old.doc or None) != (column.doc or None):
                back = dialect.comment_on_column(self.table, path, old.doc)
                self._add(
                    dialect.comment_on_column(self.table, path, column.doc),
                    f"comment on {spelling.written(path)}",
                    "asked for",
                    Undo(reason="puts the comment back", statement=back),
                )

    def _default(self, old: Field, new: Field, path: Path) -> None:
        statement, back = (
            dialect.drop_default(self.table, path)
            if each.write_default is None
            else dialect.set_default(self.table, path, scalar(each.write_default, new.type))
            for each in (new, old)
        )
        shown = "nothing" if new.write_default is None else str(new.write_default)
        self._add(
            statement,
            f"give {spelling.written(path)} the default {shown}",
            "for rows written from now on",
            Undo(reason="puts the default back", statement=back),
        )

    def _adds(self) -> None:
        fields = self.new.fields
        tail = len(fields)
        while tail and fields[tail - 1].id not in self.was:
            tail -= 1
        for place, each in enumerate(fields):
            if each.id in self.was:
                continue
            after = self.names.names.get(fields[place - 1].id) if 0 < place < tail else None
            self.names.take((each,), 0)
            self._add(
                dialect.add_column(
                    self.table,
                    each.name,
                    spelling.trino(each.type),
                    comment=each.doc or None,
                    default=dialect.DEFAULT
                    if each.write_default is None
                    else scalar(each.write_default, each.type),
                    first=place == 0 and tail > 0,
                    after=after,
                ),
                f"add {spelling.written((each.name,))} ({spelling.iceberg(each.type)})",
                "asked for; files that are there read as "
                + ("NULL" if each.write_default is None else "the default"),
                Undo(
                    reason="drops it again, with what was written to it",
                    statement=dialect.drop_column(self.table, each.name),
                ),
                checks=(present(self.table, (each.name,)),),
            )

    def _add(
        self,
        statement: dialect.Statement,
        summary: str,
        why: str,
        undo: Undo,
        *,
        kind: Kind = Kind.DDL,
        destructive: bool = False,
        late: bool = False,
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.steps.append(
            Step(
                id=0,
                kind=kind,
                statement=statement,
                summary=summary,
                why=why,
                undo=undo,
                destructive=destructive,
                late=late,
                checks=checks,
            )
        )
