"""The answer of a step that compares two tables: a row is a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phlo_sql.dialect.copying import ROWS, SIDE, SOURCE, TARGET
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.plan import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.observe.trino import Outcome
    from phlo_sql.plan import Step

_TOLD = 5


def refuse_different(step: Step, outcome: Outcome) -> None:
    """Raises PhloSqlError(CONTENT_DIFFERS), naming where and in what the two sides differ."""
    if step.kind is not Kind.COMPARE or not outcome.rows:
        return
    found = told(outcome.columns, outcome.rows)
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    raise PhloSqlError(
        Code.CONTENT_DIFFERS,
        f"source and target differ: {'; '.join(found[:_TOLD])}{more}",
        "nothing is registered under the table's name yet: go back with `migrate rollback`, and "
        "find out whether somebody wrote to the source meanwhile",
        data={"differences": found},
    )


def told(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """One line for each group of rows: its key, and the numbers or columns that differ."""
    keys = list(columns[1 : columns.index(ROWS)])
    groups: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        named = dict(zip(columns, row, strict=True))
        key = tuple(named[name] for name in keys)
        groups.setdefault(key, {})[str(named[SIDE])] = named
    lines = []
    for key, sides in groups.items():
        place = ", ".join(f"{name} = {value}" for name, value in zip(keys, key, strict=True))
        lines.append(f"{place + ': ' if place else ''}{_difference(sides)}")
    return lines


def _difference(sides: Mapping[str, Mapping[str, Any]]) -> str:
    if len(sides) < 2:
        side = next(iter(sides))
        return f"{sides[side][ROWS]} rows in the {side} only"
    one, other = sides[SOURCE], sides[TARGET]
    if one[ROWS] != other[ROWS]:
        return f"{one[ROWS]} rows in the source, {other[ROWS]} in the target"
    unlike = [name for name in one if name not in (SIDE, ROWS) and one[name] != other[name]]
    return f"column {', '.join(unlike)} has other content"
