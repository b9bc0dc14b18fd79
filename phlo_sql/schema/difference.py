"""What separates two schemas, and what each difference means to who reads and who writes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql.schema import spelling
from phlo_sql.schema.defaults import normal
from phlo_sql.schema.difference_table import of_table
from phlo_sql.schema.model import (
    Field,
    ListOf,
    MapOf,
    Primitive,
    Struct,
    TableSchema,
    aligned,
    by_id,
    children,
    find,
    paths,
    shared_ids,
    walk,
)
from phlo_sql.schema.terms import partition_texts, sort_texts
from phlo_sql.schema.verdict import Difference, Effect, What

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from phlo_sql.schema.model import Path, Type

__all__ = [
    "Difference",
    "Effect",
    "What",
    "added",
    "differences",
    "dropped",
    "line_up",
    "partition_texts",
    "promotion",
    "retyped",
    "sort_texts",
]


def line_up(left: TableSchema, right: TableSchema) -> TableSchema:
    """The right side under the left side's ids: by id where both share a lineage, else by name."""
    return aligned(right, left, shared_ids(left, right))


def differences(left: TableSchema, right: TableSchema) -> tuple[Difference, ...]:
    """All that leads from left to right; `right` is lined up with `left`."""
    spoken = left.says & right.says
    keys = _key_ids(left.fields) | _key_ids(right.fields)
    found = [
        replace(
            each,
            effect=Effect.IMPOSSIBLE,
            why="Iceberg changes no keys of a map",
            instead="add a column with the new map, copy, then drop the old one",
        )
        if each.id in keys
        else each
        for each in _fields(left, right, docs="docs" in spoken)
    ]
    return (*found, *of_table(left, right, spoken))


def _key_ids(fields: tuple[Field, ...]) -> set[int]:
    """The keys of maps and all inside them (`UpdateSchema`: "Cannot alter map keys")."""
    keys = [each.type.key for _, each in walk(fields) if isinstance(each.type, MapOf)]
    return {inner.id for _, inner in walk(tuple(keys))}


def _fields(left: TableSchema, right: TableSchema, *, docs: bool) -> Iterator[Difference]:
    old, new = by_id(left.fields), by_id(right.fields)
    before, after = paths(left), paths(right)
    gone = {before[each]: each for each in old if each not in new}
    come = {after[each]: each for each in new if each not in old}
    for path, each in gone.items():
        if not _inside(path, gone):
            yield dropped(left, old[each], path)
    for path, each in come.items():
        if not _inside(path, come):
            yield added(new[each], path)
    for each in old:
        if each in new:
            yield from _changed(
                left, (old[each], new[each]), (before[each], after[each]), docs=docs
            )
    yield from _order(left.fields, right.fields, (), 0)


def _inside(path: Path, places: Container[Path]) -> bool:
    """Whether a field around this one is among them too: then that one tells all."""
    return any(path[:depth] in places for depth in range(1, len(path)))


def added(field: Field, path: Path) -> Difference:
    kind = spelling.iceberg(field.type)
    if field.required:
        return Difference(
            what=What.ADDED,
            path=path,
            new=f"{kind} NOT NULL",
            id=field.id,
            effect=Effect.IMPOSSIBLE,
            why="rows that are there have no value for it, and Trino adds no NOT NULL column",
            instead="add it as optional, with a default in format 3",
        )
    if any(each.required and path[-1] != "key" for path, each in walk(children(field.type))):
        return Difference(
            what=What.ADDED,
            path=path,
            new=kind,
            id=field.id,
            effect=Effect.IMPOSSIBLE,
            why="Trino makes every field inside a column optional",
            instead="leave NOT NULL out inside the type",
        )
    return Difference(
        what=What.ADDED,
        path=path,
        new=kind,
        id=field.id,
        effect=Effect.WRITERS if len(path) > 1 else Effect.COMPATIBLE,
        why=_WHOLE if len(path) > 1 else _NAMED,
    )


_WHOLE = "an INSERT writes the whole value, and fails where this field is missing from it"
"""Trino 476 to 483: "Insert query has mismatched column types", whatever names the value has."""
_NAMED = (
    "it reads as NULL, or its default, where files do not have it; an INSERT that names its"
    " columns goes on"
)


def dropped(left: TableSchema, field: Field, path: Path) -> Difference:
    within = {field.id, *by_id(children(field.type))}
    partition = {term.source for term in left.partitioning}
    effect, why, instead = Effect.READERS, "queries and inserts that name it fail", ""
    if within & partition:
        effect, why = Effect.IMPOSSIBLE, "the table is partitioned by it"
        instead = "keep the column; Trino drops no source of a partition spec, present or past"
    elif within & left.old_sources:
        effect, why = Effect.IMPOSSIBLE, "an old partition spec has it as its source"
        instead = "keep the column, or write the table anew with CREATE TABLE AS"
    elif within & left.identifier:
        effect, why = Effect.IMPOSSIBLE, "it is an identifier field: rows are told apart by it"
        instead = "take it out of the identifier fields first, which Spark can"
    elif path[-1] in ("element", "key", "value") and len(path) > 1:
        effect, why = Effect.IMPOSSIBLE, "a container always holds something"
        instead = "drop the whole column"
    return Difference(
        what=What.DROPPED,
        path=path,
        old=spelling.iceberg(field.type),
        id=field.id,
        effect=effect,
        why=why,
        instead=instead,
    )


def _changed(
    left: TableSchema, pair: tuple[Field, Field], place: tuple[Path, Path], *, docs: bool
) -> Iterator[Difference]:
    (old, new), (path, _) = pair, place
    if old.name != new.name:
        held = _held(left.fields, path)
        yield Difference(
            what=What.RENAMED,
            path=path,
            old=old.name,
            new=new.name,
            id=old.id,
            effect=Effect.IMPOSSIBLE if held else Effect.READERS,
            why="Trino renames no field inside an array or a map"
            if held
            else "files are read by id and stay as they are; queries and inserts by the old name"
            " fail",
            instead="add a field of the new name beside it" if held else "",
        )
    if type(old.type) is not type(new.type) or (
        isinstance(old.type, Primitive) and old.type != new.type
    ):
        yield retyped(old, new.type, path)
    if old.required != new.required:
        yield _nullability(left, old, new, path)
    if docs and (old.doc or None) != (new.doc or None):
        yield _doc(old, new, path)
    if normal(old.write_default, old.type) != normal(new.write_default, new.type):
        yield _default(old, new, path)


def _held(fields: tuple[Field, ...], path: Path) -> bool:
    """Whether a list or a map lies on the way to the field."""
    return any(
        isinstance(found.type, ListOf | MapOf)
        for depth in range(1, len(path))
        if (found := find(fields, path[:depth])) is not None
    )


def retyped(old: Field, kind: Type, path: Path) -> Difference:
    why = promotion(old.type, kind)
    return Difference(
        what=What.TYPE,
        path=path,
        old=spelling.iceberg(old.type),
        new=spelling.iceberg(kind),
        id=old.id,
        effect=Effect.COMPATIBLE if why is None else Effect.IMPOSSIBLE,
        why=why or "Iceberg promotes it: files are read as the wider type",
        instead="" if why is None else "add a column of the new type, copy, then drop the old one",
    )


def promotion(old: Type, new: Type) -> str | None:
    """Why Iceberg can't promote a type; None where it can (spec, "Schema Evolution")."""
    match old, new:
        case (Primitive("int"), Primitive("long")) | (Primitive("float"), Primitive("double")):
            return None
        case Primitive("decimal", (wide, scale)), Primitive("decimal", (wider, other)):
            if scale != other:
                return "Iceberg keeps the scale of a decimal"
            if int(wider) < int(wide):
                return f"values of {wide} digits may not fit into {wider}"
            return None
        case (Struct(), Struct()) | (ListOf(), ListOf()) | (MapOf(), MapOf()):
            return None
        case _:
            return (
                f"Iceberg promotes {spelling.iceberg(old)[:60]} "
                f"{_PROMOTIONS.get(getattr(old, 'name', ''), 'to nothing else')}"
            )


_PROMOTIONS = {
    "int": "to long only",
    "float": "to double only",
    "decimal": "to a decimal of more digits and the same scale only",
}


def _nullability(left: TableSchema, old: Field, new: Field, path: Path) -> Difference:
    effect, instead = Effect.COMPATIBLE, ""
    why = "what was written stays valid; readers may now meet NULL"
    if new.required:
        effect, why = Effect.IMPOSSIBLE, "Trino adds no NOT NULL to a column of an Iceberg table"
        instead = "hold it by a check where rows are written"
    elif len(path) > 1:
        effect, why = Effect.IMPOSSIBLE, "Trino drops NOT NULL from columns only, not inside them"
        instead = "add a new field beside it"
    elif old.id in left.identifier:
        effect, why = Effect.IMPOSSIBLE, "it is an identifier field, which is never NULL"
        instead = "take it out of the identifier fields first"
    return Difference(
        what=What.NULLABLE,
        path=path,
        old="NOT NULL" if old.required else "optional",
        new="NOT NULL" if new.required else "optional",
        id=old.id,
        effect=effect,
        why=why,
        instead=instead,
    )


def _doc(old: Field, new: Field, path: Path) -> Difference:
    nested = len(path) > 1
    return Difference(
        what=What.DOC,
        path=path,
        old=old.doc or None,
        new=new.doc or None,
        id=old.id,
        effect=Effect.IMPOSSIBLE if nested else Effect.COMPATIBLE,
        why="Trino comments on columns, not on fields inside them"
        if nested
        else "a comment is for people",
        instead="say it in the comment of the column" if nested else "",
    )


def _default(old: Field, new: Field, path: Path) -> Difference:
    effect, instead = Effect.COMPATIBLE, ""
    why = "rows written from now on get it where a statement leaves the column out"
    if len(path) > 1:
        effect, why = Effect.IMPOSSIBLE, "Trino sets defaults of columns, not of fields inside them"
        instead = "give the whole column a default"
    elif new.write_default is None:
        effect = Effect.WRITERS
        why = "an INSERT that leaves the column out "
        why += "fails" if new.required else "writes NULL, no longer the default"
    return Difference(
        what=What.DEFAULT,
        path=path,
        old=_shown(old.write_default),
        new=_shown(new.write_default),
        id=old.id,
        effect=effect,
        why=why,
        instead=instead,
    )


def _shown(value: object) -> str | None:
    return None if value is None else str(value)


def _order(
    left: tuple[Field, ...], right: tuple[Field, ...], path: Path, around: int
) -> Iterator[Difference]:
    ids, others = {each.id for each in left}, {each.id for each in right}
    before = [each for each in left if each.id in others]
    after = [each for each in right if each.id in ids]
    if [each.id for each in before] != [each.id for each in after]:
        yield Difference(
            what=What.ORDER,
            path=path,
            old=_names(before),
            new=_names(after),
            id=around,
            effect=Effect.WRITERS if path else Effect.IMPOSSIBLE,
            why="an INSERT fills a ROW by place: its values would land in other fields, silently"
            if path
            else "Trino moves no column that is there; SELECT * and INSERT without names see it",
            instead=""
            if path
            else "name columns in queries, or drop and add (a new, empty column)",
        )
    twins = {each.id: each for each in right}
    for each in left:
        if each.id in twins:
            yield from _order(
                children(each.type), children(twins[each.id].type), (*path, each.name), each.id
            )


def _names(fields: list[Field]) -> str:
    names = [each.name for each in fields]
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
