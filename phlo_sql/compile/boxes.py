"""Sets of partitions that one predicate describes, in a form that Trino enforces.

Trino takes a predicate into `optimize` when it is a conjunction with one condition per column, and
each condition follows the partitions: any on an identity column, ranges that start and end at a
partition's edge on the source of `year`, `month`, `day`, `hour` and of `truncate` over whole
numbers, `IS NULL` on all of these (`IcebergUtil.canEnforceConstraintWithPartitionField`, 476 to
483). Every spec that the snapshot's manifests still name must allow it
(`IcebergMetadata.applyFilter`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.compile.selection import Restriction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from phlo_sql.model.state import Column, PartitionField, TableState

_IDENTITY = (bool, int, str, Decimal, date)  # a datetime is a date; floats have NaN
_WHOLE = ("int", "long")
_MOMENTS = ("date", "timestamp", "timestamptz")
_MONTHS_PER_YEAR, _EPOCH_YEAR = 12, 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A partition field whose values a predicate can name; `place` is its place in the spec."""

    place: int
    name: str
    transform: str
    column: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The partitions that have one of these values on each axis."""

    sides: tuple[tuple[Axis, frozenset[object]], ...] = ()

    def with_side(self, axis: Axis, values: Iterable[object]) -> Box:
        return Box(sides=(*self.sides, (axis, frozenset(values))))

    def restriction(self, state: TableState, near: Iterable[int]) -> Restriction:
        """Those of the partitions in these places that lie inside."""
        partitions = state.files.partitions
        found = (
            place
            for place in near
            if all(partitions[place].values[axis.place] in values for axis, values in self.sides)
        )
        return Restriction(partitions=frozenset(found))

    def predicate(self) -> dialect.Expression:
        return dialect.all_of([_condition(axis, values) for axis, values in self.sides])

    @property
    def text(self) -> str:
        """`region=NO, ts_day=2026-01-01..2026-01-30`."""
        return ", ".join(_side_text(axis, values) for axis, values in self.sides)


def axes(state: TableState) -> tuple[Axis, ...]:
    """The fields of the current spec that predicates can name; none where older specs are alive."""
    if any(spec != state.default_spec_id for spec in _specs_alive(state)):
        return ()
    columns = {column.field_id: column for column in state.columns}
    found = []
    for place, field in enumerate(state.specs[state.default_spec_id].fields):
        column = columns.get(field.source_id)
        if column is None or field.transform == "void":
            continue
        axis = Axis(place=place, name=field.name, transform=field.transform, column=column)
        if _follows(field, column) and all(_writable(axis, v) for v in _values(state, place)):
            found.append(axis)
    return tuple(found)


def ordered(values: Iterable[object]) -> list[object]:
    """Values of one axis in their own order, NULL last."""
    values = set(values)
    return [*sorted(v for v in values if v is not None), *([None] if None in values else [])]  # type: ignore[type-var]  # values of one column compare


def _specs_alive(state: TableState) -> set[int]:
    return set(state.files.manifests["spec_id"].to_pylist())


def _values(state: TableState, place: int) -> set[object]:
    partitions = state.files.partitions
    return {p.values[place] for p in partitions if p.spec_id == state.default_spec_id}


def _follows(field: PartitionField, column: Column) -> bool:
    if field.transform == "identity":
        return column.type not in ("float", "double", "binary", "time", "uuid") and not (
            column.type.startswith(("fixed", "timestamp_ns", "timestamptz_ns"))
        )
    if field.transform.startswith("truncate"):
        return column.type in _WHOLE
    return field.transform in ("year", "month", "day", "hour") and column.type in _MOMENTS


def _writable(axis: Axis, value: object) -> bool:
    """A date or time beyond Python's years stays a number, which no literal of its type is."""
    if value is None:
        return True
    if axis.transform == "identity" and axis.column.type in _MOMENTS:
        return isinstance(value, date)
    if axis.transform == "identity":
        return isinstance(value, _IDENTITY)
    try:
        _edges(axis, value)
    except (ValueError, OverflowError, TypeError):
        return False
    return True


def _condition(axis: Axis, values: frozenset[object]) -> dialect.Expression:
    some = ordered(values - {None})
    found = [_ranges(axis, some)] if some else []
    if None in values:
        found.append(dialect.is_null(axis.column.name))
    return dialect.any_of(found)


def _ranges(axis: Axis, values: Sequence[object]) -> dialect.Expression:
    name = axis.column.name
    if axis.transform == "identity":
        if len(values) == 1:
            return dialect.compare(name, "=", values[0])  # type: ignore[arg-type]  # `_writable`
        return dialect.is_in(name, values)  # type: ignore[arg-type]
    joined: list[tuple[object, object]] = []
    for low, high in (_edges(axis, value) for value in values):
        if joined and joined[-1][1] == low:
            joined[-1] = (joined[-1][0], high)
        else:
            joined.append((low, high))
    return dialect.any_of(
        [
            dialect.all_of([dialect.compare(name, ">=", low), dialect.compare(name, "<", high)])  # type: ignore[arg-type]
            for low, high in joined
        ]
    )


def _edges(axis: Axis, value: object) -> tuple[object, object]:
    """Where a partition starts, and where the next one does, in the source column's type."""
    transform, kind = axis.transform, axis.column.type
    if transform.startswith("truncate"):
        width = int(transform[len("truncate[") : -1])
        assert isinstance(value, int)  # noqa: S101 - `_follows` asks for whole numbers
        return value, value + width
    return _moment(_start(transform, value), kind), _moment(_start(transform, value, 1), kind)


def _start(transform: str, value: object, later: int = 0) -> datetime:
    """The moment at which partition `value`, or one `later`, starts."""
    if transform == "day":
        if not isinstance(value, date):
            raise TypeError(value)
        return datetime(value.year, value.month, value.day) + timedelta(days=later)  # noqa: DTZ001 - zone comes last
    assert isinstance(value, int)  # noqa: S101 - the spec has year, month and hour as numbers
    number = value + later
    if transform == "hour":
        return datetime(_EPOCH_YEAR, 1, 1) + timedelta(hours=number)  # noqa: DTZ001
    months = number if transform == "month" else number * _MONTHS_PER_YEAR
    return datetime(_EPOCH_YEAR + months // _MONTHS_PER_YEAR, months % _MONTHS_PER_YEAR + 1, 1)  # noqa: DTZ001


def _moment(start: datetime, kind: str) -> object:
    if kind == "date":
        return start.date()
    return start.replace(tzinfo=UTC) if kind == "timestamptz" else start


def _side_text(axis: Axis, values: frozenset[object]) -> str:
    found = ordered(values)
    first, last = _value_text(axis, found[0]), _value_text(axis, found[-1])
    if len(found) == 1:
        return f"{axis.name}={first}"
    return f"{axis.name}={first}..{last} ({len(found):,} values)"


def _value_text(axis: Axis, value: object) -> str:
    if value is None:
        return "NULL"
    if axis.transform == "hour":
        return _start("hour", value).strftime("%Y-%m-%d %Hh")
    if axis.transform in ("year", "month"):
        return _start(axis.transform, value).strftime("%Y" if axis.transform == "year" else "%Y-%m")
    return str(value)
