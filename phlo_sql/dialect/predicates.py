"""Predicates: built from values, read from what a user typed, and taken apart again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlglot import Token, TokenType, exp
from sqlglot.errors import SqlglotError

from phlo_sql.dialect import nodes
from phlo_sql.dialect.comparisons import conjuncts
from phlo_sql.dialect.parser import Parser
from phlo_sql.dialect.render import Expression, PhloTrino, reason, sql_of, trees_of
from phlo_sql.dialect.values import Value, column, literal
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BinaryOperator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]

_OPERATORS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_ALLOWED: tuple[type[exp.Expr], ...] = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    *_OPERATORS.values(),
    exp.In,
    exp.Between,
    exp.Is,
    exp.Like,
    exp.Escape,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Column,
    exp.Identifier,
    exp.Dot,
    exp.Literal,
    nodes.TypedLiteral,
    exp.HexString,
    exp.Null,
    exp.Boolean,
    exp.Interval,
    exp.Var,
    exp.Neg,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Date,
    exp.TimestampTrunc,
    exp.Year,
    exp.Month,
    exp.Day,
    exp.Lower,
    exp.Upper,
    exp.Coalesce,
    exp.CurrentDate,
    exp.CurrentTimestamp,
)
"""What may stand in a user's predicate: what Trino could hand to the connector, and no more."""

_VALUES = (exp.Literal, nodes.TypedLiteral, exp.HexString, exp.Neg, exp.Interval)
_CONDITIONS = (
    *_OPERATORS.values(),
    exp.In,
    exp.Between,
    exp.Is,
    exp.Like,
    exp.NullSafeEQ,
    exp.NullSafeNEQ,
    exp.Not,
    exp.Connector,
)
_AROUND_CONDITIONS = (exp.Connector, exp.Not, exp.Paren, exp.Escape, type(None))
_INTERVAL_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_NESTED = (exp.DType.ARRAY, exp.DType.MAP, exp.DType.STRUCT)


def _is_interval(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Literal) and node.text("unit").upper() in _INTERVAL_UNITS


def _is_field(node: exp.Expr) -> bool:
    return isinstance(node.this, exp.Column | exp.Dot) and isinstance(
        node.expression, exp.Identifier
    )


_RULES: tuple[tuple[type[exp.Expr], Callable[[exp.Expr], bool], str], ...] = (
    (exp.In, lambda node: bool(node.expressions), "IN takes a list of values"),
    (exp.Is, lambda node: isinstance(node.expression, exp.Null), "IS takes NULL or NOT NULL"),
    (exp.Interval, _is_interval, "an interval is written INTERVAL '7' DAY"),
    (exp.Coalesce, lambda node: bool(node.expressions), "coalesce takes two values or more"),
    (exp.Dot, _is_field, "only a column has fields, and they have names"),
    (
        exp.Column,
        lambda node: all(isinstance(part, exp.Identifier) for part in node.args.values() if part),
        "only a column has fields, and they have names",
    ),
    (
        exp.DataType,
        lambda node: node.this not in _NESTED or bool(node.expressions),
        "a type lacks what it is made of",
    ),
)
"""What must hold of a node of a kind, and what is said where it does not."""


def predicate(text: str) -> Expression:
    """A WHERE predicate as users type it. Raises PhloSqlError(BAD_PREDICATE).

    Undelimited names come back in lower case, as Trino sees them, and every name delimited.
    """
    try:
        found = trees_of(text, Parser._parse_predicate)
    except (SqlglotError, RecursionError) as error:
        raise _bad(text, reason(error)) from error
    if len(found) != 1:
        raise _bad(text, "it is empty" if not found else "it is more than one predicate")
    for node in found[0].walk():
        if why := _fault(node):
            raise _bad(text, why)
    tree = found[0].transform(_delimited)
    try:
        written = sql_of(tree)
    except PhloSqlError as error:
        raise _bad(text, "Trino has no such condition, or a name in it is empty") from error
    if _literals(written) != _literals(text):
        raise _bad(text, "its values would not stay as they are written")
    return tree


def _fault(node: exp.Expr) -> str | None:
    """Why a node cannot stand where it does: sqlglot reads more than Trino's grammar has."""
    if not isinstance(node, _ALLOWED):
        return f"{_name(node)} cannot stand in it"
    if isinstance(node, _VALUES) and node.parent is None:
        return "it is a value, not a condition"
    if isinstance(node, _CONDITIONS) and not isinstance(node.parent, _AROUND_CONDITIONS):
        return "a condition inside another needs brackets"
    for kind, fits, why in _RULES:
        if isinstance(node, kind) and not fits(node):
            return why
    return None


def _literals(text: str) -> list[str]:
    """What is written between quotes and as numbers: the parser must have kept all of it."""
    kinds = (TokenType.STRING, TokenType.NUMBER, TokenType.HEX_STRING)
    found = (token for token in PhloTrino().tokenize(text) if token.token_type in kinds)
    return [_literal_text(token) for token in found]


def _literal_text(token: Token) -> str:
    if token.token_type == TokenType.NUMBER:
        return token.text.lstrip("0.")  # `.5` comes back as 0.5
    unit = token.text.lower()
    return unit if unit in nodes.TIME_UNITS else token.text  # 'month' comes back as 'MONTH'


def _delimited(node: exp.Expr) -> exp.Expr:
    node.comments = None
    if isinstance(node, exp.Identifier) and not node.quoted:
        return exp.Identifier(this=node.name.lower(), quoted=True)
    return node


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"function {node.name}"
    return "a subquery" if isinstance(node, exp.Query | exp.Subquery) else type(node).__name__


def _bad(text: str, why: str) -> PhloSqlError:
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return PhloSqlError(
        Code.BAD_PREDICATE,
        f"cannot read the predicate {shown!r}: {why}",
        "write a condition on columns as in a WHERE clause: day >= DATE '2024-01-01'",
    )


# -- building
def _side(value: Expression | str) -> Expression:
    return column(value) if isinstance(value, str) else value.copy()


def compare(
    left: Expression | str, operator: BinaryOperator, value: Value | Expression
) -> Expression:
    """A column (by its name, or any expression) against a value."""
    right = value.copy() if isinstance(value, exp.Expr) else literal(value)
    return _OPERATORS[operator](this=_side(left), expression=right)


def is_in(left: Expression | str, values: Iterable[Value]) -> Expression:
    """`left IN (…)`; no values make a condition that nothing meets."""
    items = [literal(value) for value in values]
    if not items:
        return exp.Boolean(this=False)
    return exp.In(this=_side(left), expressions=items)


def in_paths(paths: Iterable[str]) -> Expression:
    """`"$path" IN (…)`: exactly these data files."""
    return is_in("$path", paths)


def is_null(left: Expression | str) -> Expression:
    return exp.Is(this=_side(left), expression=exp.Null())


def is_not_null(left: Expression | str) -> Expression:
    return exp.Not(this=is_null(left))


def between(left: Expression | str, low: Value, high: Value) -> Expression:
    return exp.Between(this=_side(left), low=literal(low), high=literal(high))


def all_of(conditions: Sequence[Expression]) -> Expression:
    """Their conjunction; TRUE of none."""
    return _joined(exp.And, conditions, empty=True)


def any_of(conditions: Sequence[Expression]) -> Expression:
    """Their disjunction; FALSE of none."""
    return _joined(exp.Or, conditions, empty=False)


def negated(condition: Expression) -> Expression:
    simple = isinstance(condition, exp.In | exp.Column | exp.Boolean | exp.Paren)
    inner = condition.copy()
    return exp.Not(this=inner if simple else exp.Paren(this=inner))


def _joined(
    kind: type[exp.Connector], conditions: Sequence[Expression], *, empty: bool
) -> Expression:
    if kind is exp.And:
        conditions = [part for condition in conditions for part in conjuncts(condition)]
    if not conditions:
        return exp.Boolean(this=empty)
    if len(conditions) == 1:
        return conditions[0].copy()
    tree, *rest = (_wrapped(condition) for condition in conditions)
    for part in rest:
        tree = kind(this=tree, expression=part)
    return tree


def _wrapped(condition: Expression) -> Expression:
    inner = condition.copy()
    return exp.Paren(this=inner) if isinstance(inner, exp.Connector) else inner
