"""Field names followed from statement to statement, and which columns change their whole type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql.schema import spelling
from phlo_sql.schema.model import ListOf, MapOf, Primitive, Struct, children, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.schema.model import Field, Path, TableSchema, Type

WHOLE_CONTAINERS = 480
"""The first Trino that sets the type of a column with an array or a map in it."""


@dataclass(slots=True)
class Names:
    """The fields as they are named after the statements so far."""

    names: dict[int, str]
    parents: dict[int, int]

    @classmethod
    def of(cls, schema: TableSchema) -> Names:
        found = cls({}, {})
        found.take(schema.fields, 0)
        return found

    def take(self, fields: tuple[Field, ...], parent: int) -> None:
        for each in fields:
            self.names[each.id], self.parents[each.id] = each.name, parent
            self.take(children(each.type), each.id)

    def path(self, field: int) -> Path:
        parts: list[str] = []
        while field:
            parts.append(self.names[field])
            field = self.parents[field]
        return tuple(reversed(parts))

    def siblings(self, field: int) -> set[str]:
        around = self.parents[field]
        return {
            self.names[each].lower()
            for each, parent in self.parents.items()
            if parent == around and each != field
        }

    def free(self, field: int, taken: set[str]) -> str:
        """A name for a field on its way to another, which nothing has or wants."""
        used = taken | self.siblings(field)
        base = f"{self.names[field].lower()}_before_rename"
        numbered = (f"{base}_{number}" for number in range(2, len(used) + 3))
        return next(name for name in (base, *numbered) if name not in used)

    def drop(self, field: int) -> None:
        del self.names[field]
        del self.parents[field]


def needs_whole(old: Type, new: Type) -> str | None:
    """Why a column's type is set whole; None where statements on its fields do."""
    return next((why for why, _ in _reasons(old, new, ())), None)


def whole_fails(old: Field, new: Field, trino_version: int) -> tuple[frozenset[int], str] | None:
    """The fields that change with the column's whole type, where this server can't set it, and why.

    Before 480, `SET DATA TYPE` compared arrays and maps with field ids, which are never the same
    (`IcebergMetadata.buildUpdateSchema`).
    """
    if trino_version >= WHOLE_CONTAINERS:
        return None
    ids: set[int] = set()
    for _, fields in _reasons(old.type, new.type, (), around=old.id):
        ids |= fields
    if not ids or not _keeps_container(old.type, new.type):
        return None
    return (
        frozenset(ids),
        f"Trino {trino_version} can't set the type of a column with an array or a map in it",
    )


def _keeps_container(old: Type, new: Type) -> bool:
    if isinstance(old, ListOf | MapOf):
        return isinstance(new, ListOf | MapOf)
    twins = {each.id: each for each in children(new)}
    return any(
        each.id in twins and _keeps_container(each.type, twins[each.id].type)
        for each in children(old)
    )


def _reasons(
    old: Type,
    new: Type,
    path: Path,
    *,
    around: int = 0,
    held: bool = False,
    inside_map: bool = False,
) -> Iterator[tuple[str, frozenset[int]]]:
    """Reasons, each with the fields that it is about; `held` is what an array or a map holds."""
    if type(old) is not type(new) or isinstance(old, Primitive):
        if old != new and held:
            why = f"{spelling.written(path)} is changed through the column's whole type"
            yield why, frozenset({around})
        return
    within = inside_map or isinstance(old, MapOf)
    before, after = children(old), children(new)
    twins = {each.id: each for each in after}
    ids = {each.id for each in before}
    moved = [each.id for each in before if each.id in twins] != [
        each.id for each in after if each.id in ids
    ]
    appended = [each.id in ids for each in after]
    if isinstance(old, Struct) and (moved or appended != sorted(appended, reverse=True)):
        last = max((place for place, there in enumerate(appended) if there), default=0)
        between = {each.id for each in after[:last] if each.id not in ids}
        why = "only a whole type puts its fields into another order"
        yield why, frozenset(between | ({around} if moved else set()))
    if within and ids != set(twins):
        why = "Trino reaches the fields inside a map only through the whole type"
        yield why, frozenset(ids ^ set(twins))
    for each in before:
        if each.id in twins:
            yield from _reasons(
                each.type,
                twins[each.id].type,
                (*path, each.name),
                around=each.id,
                held=not isinstance(old, Struct),
                inside_map=within,
            )


def loses(old: Type, new: Type) -> bool:
    """Whether a field of the old type is gone from the new one."""
    kept = {each.id for _, each in walk(children(new))}
    return any(each.id not in kept for _, each in walk(children(old)))
