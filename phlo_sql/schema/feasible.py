"""As much of a wanted schema as Trino's ALTER can reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql.schema.difference import Effect, What
from phlo_sql.schema.model import by_id, children, with_children

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.schema.difference import Difference
    from phlo_sql.schema.model import Field, TableSchema


def feasible(left: TableSchema, right: TableSchema, found: Sequence[Difference]) -> TableSchema:
    """The right side without what is impossible from the left."""
    bad = [each for each in found if each.effect is Effect.IMPOSSIBLE and each.id]
    was = by_id(left.fields)
    skip = {each.id for each in bad if each.what is What.ADDED}
    keep = {each.id for each in bad if each.what is What.DROPPED}
    same = {
        what: {each.id for each in bad if each.what is what}
        for what in (What.TYPE, What.NULLABLE, What.RENAMED, What.ORDER)
    }

    def one(each: Field) -> Field:
        old = was.get(each.id)
        if old is None:
            return replace(
                each, type=with_children(each.type, level(children(each.type), (), each.id))
            )
        kind = (
            old.type
            if each.id in same[What.TYPE]
            else with_children(each.type, level(children(each.type), children(old.type), each.id))
        )
        return replace(
            each,
            type=kind,
            required=old.required if each.id in same[What.NULLABLE] else each.required,
            name=old.name if each.id in same[What.RENAMED] else each.name,
        )

    def level(fields: tuple[Field, ...], old: tuple[Field, ...], around: int) -> tuple[Field, ...]:
        back = [each for each in old if each.id in keep]
        found = [*(one(each) for each in fields if each.id not in skip), *back]
        if around in same[What.ORDER] or (around and back):
            places = {each.id: place for place, each in enumerate(old)}
            found.sort(key=lambda each: places.get(each.id, len(places)))
        return tuple(found)

    fields = level(right.fields, left.fields, 0)
    fixed = any(
        each.what is What.PARTITIONING and each.effect is Effect.IMPOSSIBLE for each in found
    )
    return replace(
        right,
        fields=fields,
        format_version=max(left.format_version, right.format_version),
        partitioning=left.partitioning if fixed else right.partitioning,
    )
