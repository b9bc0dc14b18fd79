"""A table's schema as a frozen value: fields with their ids, partitioning, sort order, properties.

Types are Iceberg's. A field without an id of its own (read from a file) has one made by `numbered`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phlo_sql.model.names import TableName

Path: TypeAlias = tuple[str, ...]
"""All names of a field from its column down; `element`, `key` and `value` in containers."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without fields, by Iceberg's name: `decimal` has two arguments, `fixed` one."""

    name: str
    arguments: tuple[int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Struct:
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    element: Field


@dataclass(frozen=True, slots=True)
class MapOf:
    key: Field
    value: Field


Type: TypeAlias = Primitive | Struct | ListOf | MapOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column, a struct's field, or what a container holds. Defaults are Iceberg's JSON values."""

    name: str
    type: Type
    id: int = 0
    required: bool = False
    doc: str | None = None
    initial_default: object = None
    write_default: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionTerm:
    """`transform` in Iceberg's spelling: `identity`, `bucket[16]`, `day`."""

    source: int
    transform: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SortTerm:
    source: int
    transform: str = "identity"
    descending: bool = False
    nulls_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSchema:
    """What a table looks like to who reads and writes it; `uuid` is None for a file's.

    `says` tells which of the parts below the fields the source speaks of: a file of columns alone
    says nothing of partitioning, so no difference is found there.
    """

    fields: tuple[Field, ...]
    name: TableName | None = None
    ref: str | None = None
    uuid: str | None = None
    format_version: int = 2
    schema_id: int = 0
    last_id: int = 0
    comment: str | None = None
    partitioning: tuple[PartitionTerm, ...] = ()
    old_sources: frozenset[int] = frozenset()
    """Sources of partition specs that are no longer the default."""
    sort: tuple[SortTerm, ...] = ()
    identifier: frozenset[int] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)
    """Under Trino's names where it has one, else Iceberg's."""
    versions: Mapping[int, tuple[Field, ...]] = field(default_factory=dict)
    location: str = ""
    metadata_location: str = ""
    snapshot_id: int | None = None
    says: frozenset[str] = frozenset({"partitioning", "sort", "properties", "comment", "docs"})


def children(kind: Type) -> tuple[Field, ...]:
    """The fields right inside a type."""
    match kind:
        case Struct(fields):
            return fields
        case ListOf(element):
            return (element,)
        case MapOf(key, value):
            return (key, value)
        case _:
            return ()


def with_children(kind: Type, fields: tuple[Field, ...]) -> Type:
    """The same kind of type around other fields."""
    match kind:
        case Struct():
            return Struct(fields)
        case ListOf():
            return ListOf(fields[0])
        case MapOf():
            return MapOf(fields[0], fields[1])
        case _:
            return kind


def walk(fields: tuple[Field, ...], prefix: Path = ()) -> Iterator[tuple[Path, Field]]:
    """Every field with its path, parents before their children."""
    for each in fields:
        path = (*prefix, each.name)
        yield path, each
        yield from walk(children(each.type), path)


def paths(schema: TableSchema) -> dict[int, Path]:
    """Field id → path."""
    return {each.id: path for path, each in walk(schema.fields)}


def by_id(fields: tuple[Field, ...]) -> dict[int, Field]:
    return {each.id: each for _, each in walk(fields)}


def find(fields: tuple[Field, ...], path: Path) -> Field | None:
    """The field at a path, names compared without regard to case, as Trino does."""
    found: Field | None = None
    for name in path:
        found = next((each for each in fields if each.name.lower() == name.lower()), None)
        if found is None:
            return None
        fields = children(found.type)
    return found


def same_type(left: Type, right: Type) -> bool:
    """Equal without regard to ids, docs and nullability inside."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Primitive):
        return left == right
    mine, theirs = children(left), children(right)
    return len(mine) == len(theirs) and all(
        one.name == other.name and same_type(one.type, other.type)
        for one, other in zip(mine, theirs, strict=True)
    )


def numbered(fields: tuple[Field, ...], first: int = 1) -> tuple[Field, ...]:
    """The same fields with fresh ids, columns before what is inside them."""
    ids = count(first)

    def number(level: tuple[Field, ...]) -> tuple[Field, ...]:
        named = [replace(each, id=next(ids)) for each in level]
        return tuple(
            replace(each, type=with_children(each.type, number(children(each.type))))
            if children(each.type)
            else each
            for each in named
        )

    return number(fields)


def aligned(
    schema: TableSchema, to: TableSchema, known: frozenset[int] = frozenset()
) -> TableSchema:
    """The schema with its fields under the ids that `to` has for the same names.

    Fields whose id is in `known` keep it: both sides mean the same field by it. Others that have
    no namesake get fresh ids.
    """
    ids = count(max([to.last_id, *by_id(to.fields)], default=0) + 1)
    theirs = {each.id: each for _, each in walk(to.fields)}
    mapping: dict[int, int] = {}

    def align(level: tuple[Field, ...], over: tuple[Field, ...]) -> tuple[Field, ...]:
        kept = {each.id for each in level if each.id in known and each.id in theirs}
        free = {each.name.lower(): each for each in over if each.id not in kept}
        found = []
        for each in level:
            twin = theirs[each.id] if each.id in kept else free.pop(each.name.lower(), None)
            if twin is not None and each.id not in kept and twin.id in known:
                twin = None  # `to` knows that field, and this schema dropped it
            new = twin.id if twin is not None else next(ids)
            mapping[each.id] = new
            inside = children(twin.type) if twin is not None else ()
            kind = with_children(each.type, align(children(each.type), inside))
            found.append(replace(each, id=new, type=kind))
        return tuple(found)

    fields = align(schema.fields, to.fields)
    return replace(
        schema,
        fields=fields,
        partitioning=tuple(
            replace(term, source=mapping.get(term.source, term.source))
            for term in schema.partitioning
        ),
        sort=tuple(
            replace(term, source=mapping.get(term.source, term.source)) for term in schema.sort
        ),
        identifier=frozenset(mapping.get(each, each) for each in schema.identifier),
    )


def shared_ids(left: TableSchema, right: TableSchema) -> frozenset[int]:
    """Ids that mean the same field on both sides: those of schema versions that both hold.

    Refs of one table go on numbering each on its own, so a later id may mean two fields.
    """
    if left.uuid is None or left.uuid != right.uuid:
        return frozenset()
    found: set[int] = set()
    for number, fields in left.versions.items():
        if right.versions.get(number) == fields:
            found |= set(by_id(fields))
    return frozenset(found)


def with_docs(told: Type, annotated: Type) -> Type:
    """The type as it is told, with the docs and defaults of one that is shaped alike."""
    match told, annotated:
        case (Struct(ours), Struct(theirs)) if len(ours) == len(theirs):
            pairs = zip(ours, theirs, strict=True)
            return Struct(
                tuple(
                    replace(
                        one,
                        type=with_docs(one.type, other.type),
                        doc=other.doc,
                        initial_default=other.initial_default,
                        write_default=other.write_default,
                    )
                    for one, other in pairs
                )
            )
        case ListOf(one), ListOf(other):
            return ListOf(replace(one, type=with_docs(one.type, other.type)))
        case MapOf(key, one), MapOf(other_key, other):
            return MapOf(
                replace(key, type=with_docs(key.type, other_key.type)),
                replace(one, type=with_docs(one.type, other.type)),
            )
        case _:
            return told
