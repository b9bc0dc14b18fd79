"""Field names followed from statement to statement, and which columns change their whole type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql.schema import spelling
from phlo_sql.schema.model import MapOf, Primitive, Struct, children, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.schema.model import Field, Path, TableSchema, Type


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
    return next(_reasons(old, new, (), inside_map=False), None)


def _reasons(old: Type, new: Type, path: Path, *, inside_map: bool) -> Iterator[str]:
    if type(old) is not type(new) or isinstance(old, Primitive):
        held = path[-1:] in (("element",), ("key",), ("value",))
        if old != new and (inside_map or held):
            yield f"{spelling.written(path)} is changed through the column's whole type"
        return
    within = inside_map or isinstance(old, MapOf)
    before, after = children(old), children(new)
    twins = {each.id: each for each in after}
    moved = [each.id for each in before if each.id in twins] != [
        each.id for each in after if each.id in {one.id for one in before}
    ]
    ids = {each.id for each in before}
    appended = [each.id in ids for each in after]
    if isinstance(old, Struct) and (moved or appended != sorted(appended, reverse=True)):
        yield "only a whole type puts its fields into another order"
    if within and ids != set(twins):
        yield "Trino reaches the fields inside a map only through the whole type"
    for each in before:
        if each.id in twins:
            yield from _reasons(
                each.type, twins[each.id].type, (*path, each.name), inside_map=within
            )


def loses(old: Type, new: Type) -> bool:
    """Whether a field of the old type is gone from the new one."""
    kept = {each.id for _, each in walk(children(new))}
    return any(each.id not in kept for _, each in walk(children(old)))
