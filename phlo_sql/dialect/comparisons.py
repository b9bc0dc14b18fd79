"""Predicates taken apart: which columns they name, and what of them is a simple comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

from sqlglot import exp

from phlo_sql.dialect import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.dialect.render import Expression

Constant: TypeAlias = str | bool | int | float | Decimal | date | datetime
Operator: TypeAlias = Literal[
    "=", "<>", "<", "<=", ">", ">=", "IN", "BETWEEN", "IS NULL", "IS NOT NULL"
]

_OPERATORS: dict[type[exp.Expr], tuple[Operator, Operator]] = {
    exp.EQ: ("=", "="),
    exp.NEQ: ("<>", "<>"),
    exp.LT: ("<", ">"),
    exp.LTE: ("<=", ">="),
    exp.GT: (">", "<"),
    exp.GTE: (">=", "<="),
}
"""Each operator, and what it becomes when its sides change places."""

_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*\Z", re.ASCII)
_TIMESTAMP = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?: (\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?)?"
    r"(?: ?([A-Za-z][A-Za-z0-9_/+-]*|[+-]\d{2}:\d{2}))?\s*\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A column, alone or cut to a unit of time, against constants.

    `column` has one name, or all names into a nested field, in lower case. `cut` says what stands
    around it: "date" is CAST(c AS date) or date(c), a unit is date_trunc(unit, c).
    `values` are none for IS [NOT] NULL, two for BETWEEN, any for IN, else one.
    """

    column: tuple[str, ...]
    operator: Operator
    values: tuple[Constant, ...] = ()
    cut: str | None = None


def columns_of(expression: Expression) -> tuple[tuple[str, ...], ...]:
    """The columns that a predicate names, each once, in lower case: Trino folds every name."""
    found = dict.fromkeys(_paths(expression))
    return tuple(found)


def _paths(node: exp.Expr) -> Iterator[tuple[str, ...]]:
    path = _path(node)
    if path is not None:
        yield path
        return
    for child in node.iter_expressions():
        yield from _paths(child)


def _path(node: exp.Expr) -> tuple[str, ...] | None:
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return tuple(part.name.lower() for part in node.parts)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        above = _path(node.this)
        return None if above is None else (*above, node.expression.name.lower())
    return None


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """The conditions that must all hold, in their order; brackets around an AND are undone."""
    return _parts(expression, exp.And)


def disjuncts(expression: Expression) -> tuple[Expression, ...]:
    """The conditions of which one must hold, in their order; brackets around an OR are undone."""
    return _parts(expression, exp.Or)


def _parts(expression: Expression, kind: type[exp.Connector]) -> tuple[Expression, ...]:
    found: list[Expression] = []
    rest = [expression]
    while rest:
        node = rest.pop()
        bare = node.unnest()
        if isinstance(bare, kind):
            rest += [bare.expression, bare.this]
        else:
            found.append(node)
    return tuple(found)


def comparison(expression: Expression) -> Comparison | None:
    """The condition as a simple comparison, or None where it is anything else."""
    node = expression.unnest()
    if isinstance(node, exp.Not):
        return _negation(node.this.unnest())
    if isinstance(node, exp.Is):
        return _nullness(node, "IS NULL")
    if type(node) in _OPERATORS:
        return _binary(node)
    if isinstance(node, exp.In) and not node.args.get("query"):
        return _compared(node.this, "IN", node.expressions)
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        return _compared(node.this, "BETWEEN", [node.args["low"], node.args["high"]])
    path = _path(node)
    return None if path is None else Comparison(column=path, operator="=", values=(True,))


def _negation(inner: exp.Expr) -> Comparison | None:
    if isinstance(inner, exp.Is):
        return _nullness(inner, "IS NOT NULL")
    path = _path(inner)
    return None if path is None else Comparison(column=path, operator="=", values=(False,))


def _nullness(node: exp.Is, operator: Operator) -> Comparison | None:
    path = _path(node.this.unnest())
    if path is None or not isinstance(node.expression, exp.Null):
        return None
    return Comparison(column=path, operator=operator)


def _binary(node: exp.Expr) -> Comparison | None:
    straight, turned = _OPERATORS[type(node)]
    found = _compared(node.this, straight, [node.expression])
    return found or _compared(node.expression, turned, [node.this])


def _compared(side: exp.Expr, operator: Operator, others: list[exp.Expr]) -> Comparison | None:
    subject = _subject(side.unnest())
    values = tuple(constant(other) for other in others)
    if subject is None or any(value is None for value in values):
        return None
    path, cut = subject
    known = tuple(value for value in values if value is not None)
    return Comparison(column=path, operator=operator, values=known, cut=cut)


def _subject(node: exp.Expr) -> tuple[tuple[str, ...], str | None] | None:
    cut: str | None = None
    if _is_date_call(node) or (type(node) is exp.Cast and node.to.is_type(exp.DType.DATE)):
        node, cut = node.this, "date"
    elif isinstance(node, exp.TimestampTrunc):
        node, cut = node.this, node.text("unit").lower()
    path = _path(node.unnest())
    return None if path is None else (path, cut)


def _is_date_call(node: exp.Expr) -> bool:
    return isinstance(node, exp.Date) and not any(
        value for key, value in node.args.items() if key != "this"
    )


def constant(expression: Expression) -> Constant | None:
    """The Python value of a literal; None for what is none, NULL included."""
    node = expression.unnest()
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else _number(node.name)
    if isinstance(node, exp.Neg):
        return _negative(constant(node.this))
    if isinstance(node, nodes.TypedLiteral):
        return _typed(node.text("kind"), node.this.name)
    if type(node) is exp.Cast:
        return _cast(node)
    if _is_date_call(node):
        value = constant(node.this)
        return _date(value) if isinstance(value, str) else None
    return None


def _negative(value: Constant | None) -> Constant | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return -value


def _number(text: str) -> Constant:
    """As Trino types it: with an exponent a double, with a point a decimal, else an integer."""
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)


def _cast(node: exp.Cast) -> Constant | None:
    value = constant(node.this)
    kind = node.to.this
    if not isinstance(value, str) or node.to.expressions:
        return None
    return _typed(nodes.LITERAL_TYPES[kind], value) if kind in nodes.LITERAL_TYPES else None


def _typed(kind: str, text: str) -> Constant | None:
    try:
        match kind:
            case "DATE":
                return _date(text)
            case "TIMESTAMP":
                return _timestamp(text)
            case "DECIMAL":
                return Decimal(text)
            case "BIGINT" | "INTEGER" | "SMALLINT" | "TINYINT":
                return int(text)
            case "DOUBLE" | "REAL":
                return float(text)
            case "VARCHAR":
                return text
            case _:
                return None
    except (ValueError, ArithmeticError, LookupError, OSError):  # the last two: time zones
        return None


def _date(text: str) -> date | None:
    match = _DATE.match(text)
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def _timestamp(text: str) -> datetime | None:
    match = _TIMESTAMP.match(text)
    if match is None:
        return None
    *parts, fraction, zone = match.groups()
    fraction = (fraction or "").ljust(6, "0")
    if fraction[6:].strip("0"):
        return None  # finer than a Python datetime can say
    numbers = [int(part or 0) for part in parts]
    year, month, day, hour, minute, second = numbers
    micros = int(fraction[:6])
    return datetime(year, month, day, hour, minute, second, micros, tzinfo=_zone(zone))


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text.upper() in ("UTC", "Z"):
        return UTC
    if text[0] in "+-":
        hours, minutes = text[1:].split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-offset if text[0] == "-" else offset)
    return ZoneInfo(text)
