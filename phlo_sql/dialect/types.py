"""Data types as text and as trees."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from phlo_sql.dialect.parser import Parser
from phlo_sql.dialect.render import Expression, reason, trees_of
from phlo_sql.errors import Code, PhloSqlError


def data_type(text: str) -> Expression:
    """A Trino data type, read to its last character. Raises PhloSqlError(INVALID_ARGUMENTS).

    sqlglot's `DataType.build` drops what it does not understand: `bigint x` would be BIGINT.
    """
    try:
        found = trees_of(text, Parser._data_type)
    except (SqlglotError, RecursionError) as error:
        raise _bad(text, reason(error)) from error
    if len(found) != 1 or not isinstance(found[0], exp.DataType):
        raise _bad(text, "this is not one type")
    kind = found[0]
    if any(node.this == exp.DType.USERDEFINED for node in kind.find_all(exp.DataType)):
        raise _bad(text, "Trino has no such type")
    return kind


def _bad(text: str, why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.INVALID_ARGUMENTS,
        f"cannot read the type {text!r}: {why}",
        "write a Trino type: bigint, varchar, decimal(10,2), timestamp(6), array(varchar)",
    )
