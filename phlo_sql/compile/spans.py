"""Sets of one column's values as ranges, and how partition transforms cut them.

Ranges of dates, timestamps and whole numbers are kept half open, `low <= x < high`, so that two
that mean the same are equal. Of other types a bound may also be excluded below or included above.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phlo_sql.dialect import Comparison

_WHOLE = ("int", "long")
_TIMES = ("year", "month", "day", "hour")
_UNITS = {"date": "day", "day": "day", "month": "month", "year": "year", "hour": "hour"}
_EPOCH = 1970


class UnreadableValueError(Exception):
    """A comparison that has no meaning for its column, or another one in each session."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Values between two bounds; None is no bound."""

    low: Any = None
    high: Any = None
    low_in: bool = True
    high_in: bool = False

    @property
    def empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        closed = self.low_in and self.high_in
        return bool(self.low > self.high or (self.low == self.high and not closed))

    def meets(self, later: Span) -> bool:
        """Whether nothing lies between this and one that starts no earlier."""
        if self.high is None or later.low is None or later.low < self.high:
            return True
        return bool(later.low == self.high and (self.high_in or later.low_in))

    def joined(self, later: Span) -> Span:
        if self.high is None or later.high is None:
            return Span(low=self.low, low_in=self.low_in)
        low_in = self.low_in or (self.low == later.low and later.low_in)
        if self.high == later.high:
            high, high_in = self.high, self.high_in or later.high_in
        else:
            last = max(self, later, key=lambda each: each.high)
            high, high_in = last.high, last.high_in
        return Span(low=self.low, high=high, low_in=low_in, high_in=high_in)

    def intersect(self, other: Span) -> Span:
        low, low_in = self.low, self.low_in
        if other.low is not None and (low is None or other.low > low):
            low, low_in = other.low, other.low_in
        elif other.low is not None and other.low == low:
            low_in = low_in and other.low_in
        high, high_in = self.high, self.high_in
        if other.high is not None and (high is None or other.high < high):
            high, high_in = other.high, other.high_in
        elif other.high is not None and other.high == high:
            high_in = high_in and other.high_in
        return Span(low=low, high=high, low_in=low_in, high_in=high_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The values that a condition lets through, and whether NULL is one."""

    spans: tuple[Span, ...]
    null: bool = False

    @staticmethod
    def everything() -> Domain:
        return Domain(spans=(Span(),), null=True)

    @property
    def empty(self) -> bool:
        return not self.spans and not self.null

    def union(self, other: Domain) -> Domain:
        """Ranges that meet become one, so that two domains that mean the same are equal."""
        joined: list[Span] = []
        both = (*self.spans, *other.spans)
        for span in sorted(both, key=lambda each: (each.low is not None, each.low)):
            last = joined[-1] if joined else None
            if last is not None and last.meets(span):
                joined[-1] = last.joined(span)
            else:
                joined.append(span)
        return Domain(spans=tuple(joined), null=self.null or other.null)

    def intersect(self, other: Domain) -> Domain:
        spans = (own.intersect(its) for own in self.spans for its in other.spans)
        return Domain(
            spans=tuple(span for span in spans if not span.empty), null=self.null and other.null
        )


def domain_of(kind: str, comparison: Comparison) -> Domain:
    """What a comparison lets through of a column of this type. Raises UnreadableValueError."""
    if comparison.operator == "IS NULL":
        return Domain(spans=(), null=True)
    if comparison.operator == "IS NOT NULL":
        return Domain(spans=(Span(),))
    unit = _unit(kind, comparison.cut)
    values = [_value(kind, each, unit) for each in comparison.values]
    try:
        spans = _spans(comparison.operator, values, kind, unit)
    except OverflowError as error:
        raise UnreadableValueError(
            "the value is too large", "compare with an earlier one"
        ) from error
    return Domain(spans=tuple(span for span in spans if not span.empty))


def _unit(kind: str, cut: str | None) -> str | None:
    if cut is None or (kind == "date" and cut in ("date", "day")):
        return None
    if kind not in ("date", "timestamp", "timestamptz") or cut not in _UNITS:
        raise UnreadableValueError(
            f"it cannot be cut to {cut}", "compare the column itself with constants"
        )
    return _UNITS[cut]


def _spans(operator: str, values: list[Any], kind: str, unit: str | None) -> list[Span]:
    if operator in ("=", "IN"):
        ordered = sorted(set(values))
        return [span for value in ordered for span in _points(kind, unit, value)]
    if operator == "BETWEEN":
        low, high = values
        above = _spans(">=", [low], kind, unit)[0]
        return [above.intersect(_spans("<=", [high], kind, unit)[0])]
    (value,) = values
    if operator == "<>":
        return [*_spans("<", values, kind, unit), *_spans(">", values, kind, unit)]
    if not _discrete(kind):
        return [_open(operator, value)]
    start, following = _unit_of(kind, unit, value)
    match operator:
        case "<":
            return [Span(high=value if start == value else following)]
        case "<=":
            return [Span(high=following)]
        case ">":
            return [Span(low=following)]
        case _:
            return [Span(low=value if start == value else following)]


def _open(operator: str, value: Any) -> Span:
    if operator in ("<", "<="):
        return Span(high=value, high_in=operator == "<=")
    return Span(low=value, low_in=operator == ">=")


def _points(kind: str, unit: str | None, value: Any) -> list[Span]:
    if not _discrete(kind):
        return [Span(low=value, high=value, high_in=True)]
    start, following = _unit_of(kind, unit, value)
    # date_trunc and CAST give nothing but whole units: no row equals a value inside one.
    return [Span(low=start, high=following)] if start == value else []


def _unit_of(kind: str, unit: str | None, value: Any) -> tuple[Any, Any]:
    """Start of the unit that the value lies in, and of the one after."""
    if unit is not None:
        start = _floor(unit, value)
        return start, _after(unit, start)
    if kind in _WHOLE:
        return value, value + 1
    return value, value + (timedelta(days=1) if kind == "date" else timedelta(microseconds=1))


def _discrete(kind: str) -> bool:
    return kind in _WHOLE or kind in ("date", "timestamp", "timestamptz")


def _value(kind: str, value: object, unit: str | None) -> Any:
    found: object = None
    if kind in ("date", "timestamp", "timestamptz"):
        found = _moment(kind, value, unit)
    elif isinstance(value, bool) or kind == "boolean":
        found = value if isinstance(value, bool) and kind == "boolean" else None
    elif kind in _WHOLE and isinstance(value, int | Decimal):
        found = int(value) if value == int(value) else None
    elif kind.startswith("decimal") and isinstance(value, int | Decimal):
        found = Decimal(value)
    elif kind == "string" and isinstance(value, str):
        found = value
    if found is None:
        raise UnreadableValueError(
            f"it cannot be compared with {value!r} here", "write a constant of the column's type"
        )
    return found


def _moment(kind: str, value: object, unit: str | None) -> date | datetime | None:
    if not isinstance(value, date):
        return None
    if kind == "date":
        if not isinstance(value, datetime):
            return value
        return value.date() if value == datetime(value.year, value.month, value.day) else None  # noqa: DTZ001
    zoned = kind == "timestamptz"
    if not isinstance(value, datetime):
        if zoned and unit is None:
            raise UnreadableValueError(
                "a date is another moment in each session's time zone",
                "write TIMESTAMP '2024-01-01 00:00:00 UTC', or CAST the column AS date",
            )
        midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001
        return midnight.replace(tzinfo=UTC) if zoned else midnight
    if zoned != (value.tzinfo is not None):
        raise UnreadableValueError(
            f"{value} has {'no' if zoned else 'a'} time zone",
            "write a timestamp with the column's own kind of time zone",
        )
    return value.astimezone(UTC) if zoned else value


def _floor(transform: str, value: Any) -> Any:
    """Where the partition that a value lies in starts."""
    if transform.startswith("truncate"):
        return value - value % _width(transform)
    if isinstance(value, datetime):
        start = value.replace(minute=0, second=0, microsecond=0)
        start = start if transform == "hour" else start.replace(hour=0)
    else:
        start = value
    if transform == "year":
        return start.replace(month=1, day=1)
    return start.replace(day=1) if transform == "month" else start


def _after(transform: str, start: Any) -> Any:
    """Where the partition after this one starts. Raises OverflowError past the year 9999."""
    if transform.startswith("truncate"):
        return start + _width(transform)
    if transform in ("day", "hour"):
        return start + (timedelta(days=1) if transform == "day" else timedelta(hours=1))
    year, month = (start.year + 1, 1) if transform == "year" else (start.year, start.month + 1)
    if month > 12:
        year, month = year + 1, 1
    if year > 9999:
        raise OverflowError(year)
    return start.replace(year=year, month=month)


def _width(transform: str) -> int:
    return int(transform[len("truncate[") : -1])


def aligned(kind: str, transform: str, domain: Domain) -> bool:
    """Whether Trino enforces the domain by this field: every partition is wholly in or out."""
    unbounded = all(span == Span() for span in domain.spans)
    if transform == "identity":
        return kind not in ("uuid",) or unbounded
    if transform.startswith("bucket"):
        return not domain.spans
    if not _cuts(kind, transform):
        return unbounded
    bounds = (each for span in domain.spans for each in (span.low, span.high) if each is not None)
    return all(_floor(transform, each) == each for each in bounds)


def _cuts(kind: str, transform: str) -> bool:
    if transform.startswith("truncate"):
        return kind in _WHOLE
    return transform in _TIMES and kind in ("date", "timestamp", "timestamptz")


def widened(kind: str, transform: str, domain: Domain) -> Domain | None:
    """The least domain that is aligned and holds this one; None where there is none to write."""
    if transform == "identity" or not _cuts(kind, transform):
        return None
    spans: list[Span] = []
    for span in sorted(domain.spans, key=lambda each: (each.low is not None, each.low)):
        low = None if span.low is None else _floor(transform, span.low)
        wide = Span(low=low, high=_ceiling(transform, span.high))
        last = spans[-1] if spans else None
        if last is not None and (last.high is None or (low is not None and low <= last.high)):
            high = None if None in (last.high, wide.high) else max(last.high, wide.high)
            spans[-1] = Span(low=last.low, high=high)
        else:
            spans.append(wide)
    return Domain(spans=tuple(spans), null=domain.null)


def _ceiling(transform: str, value: Any) -> Any:
    if value is None or _floor(transform, value) == value:
        return value
    return _end(transform, _floor(transform, value))


def _end(transform: str, start: Any) -> Any:
    """Where the next partition starts; None after the last that a date can lie in."""
    try:
        return _after(transform, start)
    except OverflowError:
        return None


def partition_span(kind: str, transform: str, value: Any) -> Domain | None:
    """The source values of a partition; None where its value says nothing (bucket).

    Raises TypeError, ValueError or OverflowError where Python cannot hold them.
    """
    if value is None:
        return Domain(spans=(), null=True)
    if transform.startswith("bucket") or (transform != "identity" and not _cuts(kind, transform)):
        return Domain(spans=(Span(),))
    if transform == "identity":
        if not _discrete(kind):
            return Domain(spans=(Span(low=value, high=value, high_in=True),))
        return Domain(spans=(Span(low=value, high=_unit_of(kind, None, value)[1]),))
    start = value if transform.startswith("truncate") else _start(kind, transform, value)
    return Domain(spans=(Span(low=start, high=_end(transform, start)),))


def _start(kind: str, transform: str, value: Any) -> date | datetime:
    if transform == "day":
        start = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone comes below
    elif transform == "hour":
        start = datetime(_EPOCH, 1, 1) + timedelta(hours=value)  # noqa: DTZ001
    else:
        months = value if transform == "month" else value * 12
        start = datetime(_EPOCH + months // 12, months % 12 + 1, 1)  # noqa: DTZ001
    if kind == "date":
        return start.date()
    return start.replace(tzinfo=UTC) if kind == "timestamptz" else start
