"""Refuses compiled sqlglot before anything subclasses it.

mypyc-compiled sqlglot (`sqlglotc`, pulled in by `sqlglot[c]` and `sqlglot[rs]`) lets a subclass be
defined but not instantiated: `TypeError: interpreted classes cannot inherit from compiled`
(tobymao/sqlglot#7923, declined upstream). Found out here, it is one clear line.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from phlo_sql.errors import Code, PhloSqlError


def require_pure_sqlglot() -> None:
    """Raises PhloSqlError(INCOMPATIBLE_SQLGLOT) where sqlglot's classes cannot be extended."""
    try:

        class Probe(exp.Expression):
            """An extension of sqlglot, as every node of this dialect is one."""

        Probe(this=exp.Literal.string("x"))
    except (TypeError, SqlglotError) as error:
        raise PhloSqlError(
            Code.INCOMPATIBLE_SQLGLOT,
            f"sqlglot is compiled here and cannot be extended ({error})",
            "run: pip uninstall --yes sqlglotc (it comes with sqlglot[c] or sqlglot[rs])",
        ) from error
