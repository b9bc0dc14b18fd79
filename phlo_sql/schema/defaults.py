"""A column's default: as people write it, as Iceberg's JSON keeps it, as a value for a literal."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.schema.model import Primitive
from phlo_sql.schema.spelling import iceberg

if TYPE_CHECKING:
    from collections.abc import Callable

    from phlo_sql.schema.model import Type


def read_default(text: str, kind: Type, column: str) -> Any:
    """As Iceberg's JSON has it; `NULL` is None. Raises PhloSqlError(INVALID_ARGUMENTS)."""
    if text.strip().upper() == "NULL":
        return None
    if not isinstance(kind, Primitive):
        raise _bad(text, kind, column, "Trino has no literal of a nested type")
    try:
        return _read(text, kind)
    except (ValueError, InvalidOperation) as error:
        raise _bad(text, kind, column, "that is no value of the type") from error


def _read(text: str, kind: Primitive) -> Any:
    if kind.name == "decimal":
        return _decimal(text, kind)
    if kind.name not in _READERS:
        raise ValueError(text)
    return _READERS[kind.name](text)


def _whole(bits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not -(2**bits) <= number < 2**bits:
            raise ValueError(text)
        return number

    return read


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _timestamp(text: str) -> str:
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)
    return found.isoformat(timespec="microseconds")


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _decimal(text: str, kind: Primitive) -> str:
    precision, scale = int(kind.arguments[0]), int(kind.arguments[1])
    value = Decimal(text)
    fitted = value.quantize(Decimal(1).scaleb(-scale))
    if fitted != value or len(fitted.as_tuple().digits) > max(precision, scale):
        raise ValueError(text)
    return str(fitted)


_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "int": _whole(31),
    "long": _whole(63),
    "float": _float,
    "double": _float,
    "date": lambda text: date.fromisoformat(text).isoformat(),
    "time": lambda text: time.fromisoformat(text).isoformat("microseconds"),
    "timestamp": _timestamp,
    "uuid": lambda text: str(UUID(text)),
    "string": str,
}


def normal(value: Any, kind: Type) -> Any:
    """Iceberg's JSON in the one spelling that `read_default` gives."""
    if value is None or not isinstance(kind, Primitive) or not isinstance(value, str):
        return value
    try:
        return _read(value, kind)
    except (ValueError, InvalidOperation):
        return value


def scalar(value: Any, kind: Type) -> Any:
    """The value for `dialect.literal`."""
    match kind:
        case Primitive("decimal"):
            return Decimal(value)
        case Primitive("date"):
            return date.fromisoformat(value)
        case Primitive("time"):
            return time.fromisoformat(value)
        case Primitive("timestamp"):
            return datetime.fromisoformat(value)
        case Primitive("uuid"):
            return UUID(value)
        case _:
            return value


def _bad(text: str, kind: Type, column: str, why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.INVALID_ARGUMENTS,
        f"{text!r} is no default for {column}, which is {iceberg(kind)}: {why}",
        "write 7, 1.50, true, text, 2026-01-31 or 2026-01-31T12:00:00; NULL takes a default away",
    )
