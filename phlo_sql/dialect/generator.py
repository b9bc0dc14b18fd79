"""The generator, hardened: whatever stock sqlglot writes verbatim is checked or refused here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import exp
from sqlglot.expressions.properties import PropertiesLocation
from sqlglot.generators.trino import TrinoGenerator

from phlo_sql.dialect import nodes
from phlo_sql.dialect.printers import PRINTERS, option, reject
from phlo_sql.dialect.reserved import RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE = re.compile(r"[a-z_][a-z0-9_]*\Z")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)
_AFTER_SCHEMA = PropertiesLocation.POST_SCHEMA
_CLAUSE_ORDER = (
    exp.DefaultColumnConstraint,
    exp.NotNullColumnConstraint,
    exp.CommentColumnConstraint,
    exp.Properties,
)


def _words(text: str) -> str:
    if text and all(_WORD.match(word) for word in text.split(" ")):
        return text
    return reject(f"raw text {text!r}")


def _position(gen: Any, node: exp.ColumnPosition) -> str:
    word = option(node.text("position"), ("FIRST", "LAST", "AFTER"))
    return f"{word} {gen.sql(node, 'this')}" if node.args.get("this") else word


def _order_of(constraint: exp.Expr) -> int:
    kind = type(constraint.args["kind"])
    if kind not in _CLAUSE_ORDER:
        reject(f"a column with {kind.__name__}")
    return _CLAUSE_ORDER.index(kind)


def is_bare(name: str) -> bool:
    """Whether a name says the same with and without quotes."""
    return bool(_BARE.match(name)) and name.upper() not in RESERVED


class Generator(TrinoGenerator):
    TYPE_MAPPING: ClassVar[dict[exp.DType, str]] = {
        **TrinoGenerator.TYPE_MAPPING,
        exp.DType.GEOGRAPHY: "SPHERICALGEOGRAPHY",
        exp.DType.BIGDECIMAL: "NUMBER",
    }
    PROPERTIES_LOCATION: ClassVar[dict[type[exp.Expression], PropertiesLocation]] = {
        **TrinoGenerator.PROPERTIES_LOCATION,
        nodes.AuthorizationProperty: _AFTER_SCHEMA,
        nodes.GracePeriodProperty: _AFTER_SCHEMA,
        nodes.WhenStaleProperty: _AFTER_SCHEMA,
    }
    TRANSFORMS: ClassVar[dict[type[exp.Expr], Callable[..., str]]] = {
        **TrinoGenerator.TRANSFORMS,
        **PRINTERS,
        exp.Command: lambda _, node: reject(f"an opaque command {node.name!r}"),
        exp.Var: lambda _, node: _words(node.name),
        exp.ColumnPosition: _position,
        # The stock transform lower-cases the target's name and alias in place.
        exp.Merge: lambda self, node: self.merge_sql(node),
    }

    def identifier_sql(self, expression: exp.Identifier) -> str:
        # Trino: "Zero-length delimited identifier not allowed".
        name = expression.name or reject("an empty name")
        parent = expression.parent
        if isinstance(parent, exp.AlterColumn) and parent.args.get("allow_null") and is_bare(name):
            # DROP NOT NULL looks its column up as it is written, quotes and all (476 to 483).
            return name
        return '"' + name.replace('"', '""') + '"'

    def literal_sql(self, expression: exp.Literal) -> str:
        if not expression.is_string and not _NUMBER.match(expression.name):
            reject(f"number {expression.name!r}")
        return super().literal_sql(expression)

    def anonymous_sql(self, expression: exp.Anonymous) -> str:
        _words(expression.name)
        return super().anonymous_sql(expression)

    def not_sql(self, expression: exp.Not) -> str:
        # `a NOT IN (1)` and its like are nodes of their own in Trino, and what people write.
        inner = expression.this
        if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
            return f"{self.sql(inner, 'this')} IS NOT NULL"
        if isinstance(inner, exp.In | exp.Between):
            left, text = self.sql(inner, "this"), self.sql(inner)
            if text.startswith(f"{left} "):
                return f"{left} NOT {text[len(left) + 1 :]}"
        return super().not_sql(expression)

    def property_sql(self, expression: exp.Property) -> str:
        if type(expression) is not exp.Property:
            return super().property_sql(expression)
        return f"{self.sql(expression, 'this')} = {self.sql(expression, 'value')}"

    def alter_sql(self, expression: exp.Alter) -> str:
        option(expression.text("kind"), nodes.ALTER_KINDS)
        return super().alter_sql(expression)

    def transaction_sql(self, expression: exp.Transaction) -> str:
        for mode in expression.args.get("modes") or []:
            option(mode.upper(), nodes.TRANSACTION_MODES)
        return super().transaction_sql(expression)

    def version_sql(self, expression: exp.Version) -> str:
        option(expression.name, ("VERSION", "TIMESTAMP"))
        option(expression.text("kind"), ("AS OF",))
        return super().version_sql(expression)

    def datatype_sql(self, expression: exp.DataType) -> str:
        known = isinstance(expression.this, exp.DType | exp.Interval)
        if not known or expression.this == exp.DType.USERDEFINED:
            reject(f"type {expression.this!r}")
        return super().datatype_sql(expression)

    def columndef_sql(self, expression: exp.ColumnDef, sep: str = " ") -> str:
        if isinstance(expression.parent, exp.DataType):
            # Trino lower-cases the names of ROW fields that are not delimited; we delimit all.
            name = expression.this
            if isinstance(name, exp.Identifier) and not name.quoted:
                expression.set("this", exp.to_identifier(name.name.lower(), quoted=True))
        elif constraints := expression.args.get("constraints"):
            expression.set("constraints", sorted(constraints, key=_order_of))
        return super().columndef_sql(expression, sep)
