"""Names and literals: the only way in which a value becomes part of a statement."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.reserved import RESERVED
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import trino_duration

if TYPE_CHECKING:
    from phlo_sql.dialect.render import Expression
    from phlo_sql.model.names import TableName

Scalar: TypeAlias = (
    str | bool | int | float | Decimal | bytes | date | datetime | time | timedelta | UUID | None
)
Value: TypeAlias = Scalar | Sequence["Value"] | Mapping[str, "Value"]
"""What a literal can be made of; a sequence becomes an ARRAY, a mapping a MAP."""


class Default:
    """The word DEFAULT in the place of a property's value."""


DEFAULT: Final = Default()

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_BIGINT = 2**63
_DECIMAL_DIGITS = 38


def _unwritable(what: str, text: object) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_NAME, f"{what}: {text!r}", "use a name or value that Trino can hold"
    )


def checked(text: str) -> str:
    """Text that can travel to a server. Raises PhloSqlError(BAD_NAME) on a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _unwritable("not valid Unicode", text) from error
    return text


def identifier(name: str) -> exp.Identifier:
    """A delimited name. Raises PhloSqlError(BAD_NAME) where it is empty."""
    if not name:
        raise _unwritable("a name is empty", name)
    return exp.Identifier(this=checked(name), quoted=True)


def word(name: str) -> exp.Var:
    """A name that Trino must see undelimited: it folds those of procedures and their arguments.

    `EXECUTE "optimize"` is "Table procedure not registered" on 476.
    """
    if not _WORD.match(name) or name.upper() in RESERVED:
        raise _unwritable("not a name that stands without quotes", name)
    return exp.var(name)


def path(names: str | Sequence[str]) -> Expression:
    """A column, or a nested field by all its names: an Identifier or a left-deep Dot."""
    parts = [names] if isinstance(names, str) else list(names)
    if not parts:
        raise _unwritable("a name is empty", names)
    node: Expression = identifier(parts[0])
    for part in parts[1:]:
        node = exp.Dot(this=node, expression=identifier(part))
    return node


def column(*names: str) -> Expression:
    """A column in an expression; more names reach into a ROW, or name its table first."""
    if not 1 <= len(names) <= 4:
        raise _unwritable("a column has one to four names", names)
    keys = ("this", "table", "db", "catalog")
    parts = [identifier(name) for name in reversed(names)]
    return exp.Column(**dict(zip(keys, parts, strict=False)))


def table(name: TableName) -> exp.Table:
    """A table by its name; the catalog is optional."""
    parts = {"this": identifier(name.name), "db": identifier(name.schema)}
    if name.catalog is not None:
        parts["catalog"] = identifier(name.catalog)
    return exp.Table(**parts)


def metadata_table(name: TableName, kind: str) -> exp.Table:
    """A metadata table of an Iceberg table: `"t$files"` for `files`."""
    if not kind:
        raise _unwritable("a name is empty", kind)
    found = table(name)
    found.set("this", identifier(f"{name.name}${kind}"))
    return found


def literal(value: Value) -> Expression:
    """A value as Trino reads it back, with its type.

    A timedelta becomes a duration string (`'7d'`), an aware datetime is given in UTC.
    Raises PhloSqlError(BAD_NAME) for what Trino has no literal for.
    """
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case str():
            return exp.Literal.string(checked(value))
        case int() | float() | Decimal():
            return _number(value)
        case bytes():
            return exp.HexString(this=value.hex())
        case UUID():
            return typed("UUID", str(value))
        case datetime() | date() | time() | timedelta():
            return _moment(value)
        case Mapping():
            return map_of(value)
        case Sequence():
            return exp.Array(expressions=[literal(item) for item in value])
        case _:
            raise _unwritable("Trino has no literal for this", value)


def typed(kind: str, text: str) -> Expression:
    """`KIND 'text'`."""
    return nodes.TypedLiteral(this=exp.Literal.string(text), kind=exp.var(kind))


def map_of(value: Mapping[str, Value]) -> Expression:
    keys = exp.Array(expressions=[literal(key) for key in value])
    values = exp.Array(expressions=[literal(item) for item in value.values()])
    return exp.Map(keys=keys, values=values)


def _number(value: float | Decimal) -> Expression:
    if isinstance(value, float):
        special = {math.inf: "Infinity", -math.inf: "-Infinity"}
        text = "NaN" if math.isnan(value) else special.get(value, repr(value))
        return typed("DOUBLE", text)
    if isinstance(value, int) and -_BIGINT < value < _BIGINT:
        number: Expression = exp.Literal.number(str(abs(value)))
        return exp.Neg(this=number) if value < 0 else number
    if value == -_BIGINT and isinstance(value, int):
        # Trino reads the digits before the sign, and they are one too many.
        return typed("BIGINT", str(value))
    return _decimal(Decimal(value))


def _decimal(value: Decimal) -> Expression:
    if not value.is_finite():
        raise _unwritable("Trino has no literal for this", value)
    text = format(value, "f")
    if sum(character.isdigit() for character in text) > _DECIMAL_DIGITS:
        raise _unwritable("over 38 digits", value)
    return typed("DECIMAL", text)


def _moment(value: date | time | timedelta) -> Expression:
    if isinstance(value, timedelta):
        return exp.Literal.string(trino_duration(value))
    if isinstance(value, time):
        return typed("TIME", value.isoformat(timespec="microseconds"))
    if not isinstance(value, datetime):
        return typed("DATE", value.isoformat())
    if value.tzinfo is None:
        return typed("TIMESTAMP", value.isoformat(" ", "microseconds"))
    text = value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return typed("TIMESTAMP", f"{text} UTC")
