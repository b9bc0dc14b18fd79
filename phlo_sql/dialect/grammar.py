"""What Trino's grammar is made of: names, literals, arguments, properties, principals.

The bottom of the parser; `grammar_tables`, `grammar_grants` and `parser` stand on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError
from sqlglot.parsers.trino import TrinoParser

from phlo_sql.dialect import nodes

Parse = Callable[[Any], Any]


def _date_trunc(args: list[exp.Expr]) -> exp.Expr:
    # sqlglot takes any expression for the unit's name, and drops a third argument.
    if len(args) != 2 or args[0].name.lower() not in nodes.TIME_UNITS or not args[0].is_string:
        raise ParseError("date_trunc takes a unit of time in quotes and a value")
    return exp.TimestampTrunc(this=args[1], unit=args[0])


class Grammar(TrinoParser):
    """sqlglot's Trino parser with exact pieces, and without its fallback to opaque commands."""

    TYPE_LITERAL_PARSERS: ClassVar[dict[exp.DType, Callable[..., exp.Expr]]] = {
        kind: lambda self, this, to: self._typed_literal(this, to) for kind in nodes.LITERAL_TYPES
    }

    PRIMARY_PARSERS: ClassVar[dict[TokenType, Callable[[Any, Any], Any]]] = {
        **TrinoParser.PRIMARY_PARSERS,
        TokenType.HEX_STRING: lambda self, token: self._hex_string(token),
    }
    FUNCTIONS: ClassVar[dict[str, Callable[..., exp.Expr]]] = {
        **TrinoParser.FUNCTIONS,
        "DATE_TRUNC": _date_trunc,
    }

    def _hex_string(self, token: Token) -> exp.Expr:
        # sqlglot reads the number 0x1F as the bytes x'1F'.
        if self.sql[token.start : token.start + 1] not in ("x", "X") or len(token.text) % 2:
            self._fail("bytes, as in X'1F'")
        return self.expression(exp.HexString(this=token.text))

    def _parse_as_command(self, start: Token) -> exp.Command:
        self.raise_error("not a statement of the closed set", start)
        raise ParseError("not a statement of the closed set")

    def _parse_command(self) -> exp.Command:
        return self._parse_as_command(self._prev)

    def _fail(self, what: str) -> NoReturn:
        self.raise_error(f"expected {what}")
        raise ParseError(f"expected {what}")

    def _expect(self, *words: str) -> None:
        if not self._match_text_seq(*words):
            self._fail(" ".join(words))

    def _word(self, *options: str) -> exp.Var:
        if not self._match_texts(options):
            self._fail(" or ".join(options))
        return exp.var(self._prev.text.upper())

    def _name(self) -> exp.Identifier:
        name = self._parse_id_var(any_token=False)
        return name if isinstance(name, exp.Identifier) else self._fail("a name")

    def _path(self) -> exp.Expr:
        """A column or a nested field: an Identifier, or a left-deep Dot of Identifiers."""
        node: exp.Expr = self._name()
        while self._match(TokenType.DOT):
            node = self.expression(exp.Dot(this=node, expression=self._name()))
        return node

    def _string(self) -> exp.Expr:
        return self._parse_string() or self._fail("a string")

    def _relation(self, *, schema: bool = False) -> exp.Table:
        parts = [self._name()]
        while self._match(TokenType.DOT):
            parts.append(self._name())
        if len(parts) > (2 if schema else 3):
            self._fail("catalog.schema" if schema else "catalog.schema.table")
        keys = ("db", "catalog") if schema else ("this", "db", "catalog")
        return self.expression(exp.Table(**dict(zip(keys, reversed(parts), strict=False))))

    def _literal(self) -> exp.Expr:
        node = self._parse_unary()
        bare = node.this if isinstance(node, exp.Neg) else node
        kinds: tuple[type[exp.Expr], ...] = (exp.Literal,)
        if not isinstance(node, exp.Neg):
            kinds += (exp.Boolean, exp.Null, exp.Interval, exp.HexString, nodes.TypedLiteral)
        return node if node is not None and isinstance(bare, kinds) else self._fail("a literal")

    def _typed_literal(self, this: exp.Expr, to: exp.DataType) -> exp.Expr:
        if to.expressions or not (isinstance(this, exp.Literal) and this.is_string):
            self._fail("a string after the type's name")
        kind = exp.var(nodes.LITERAL_TYPES[to.this])
        return self.expression(nodes.TypedLiteral(this=this, kind=kind))

    def _principal(self) -> exp.GrantPrincipal:
        # USER and ROLE are not reserved: they are a kind only when a name follows.
        follows = self._next and (
            self._next.token_type == TokenType.IDENTIFIER
            or (
                self._next.token_type in self.ID_VAR_TOKENS
                and self._next.text.upper() not in ("WITH", "GRANTED", "IN", "COMMENT")
            )
        )
        kind = None
        if follows and self._match_texts(("USER", "ROLE")):
            kind = self._prev.text.upper()
        return self.expression(exp.GrantPrincipal(this=self._name(), kind=kind))

    def _parse_grant_principal(self) -> exp.GrantPrincipal | None:
        return self._principal()

    def _argument(self) -> exp.Expr:
        if self._next and self._next.token_type == TokenType.FARROW:
            delimited = self._curr.token_type == TokenType.IDENTIFIER
            name = self._name()
            self._advance()
            key = name if delimited else exp.var(name.name)
            return self.expression(exp.Kwarg(this=key, expression=self._value()))
        return self._value()

    def _value(self) -> exp.Expr:
        return self._parse_disjunction() or self._fail("a value")

    def _arguments(self) -> list[exp.Expr]:
        if not self._match(TokenType.L_PAREN):
            return []
        empty = self._match(TokenType.R_PAREN, advance=False)
        arguments = [] if empty else self._parse_csv(self._argument)
        self._match_r_paren()
        return arguments

    def _property(self) -> exp.Property:
        name = self._name()
        if not self._match(TokenType.EQ):
            self._fail("=")
        default = self._match(TokenType.DEFAULT)
        value = exp.var("DEFAULT") if default else self._value()
        return self.expression(exp.Property(this=name, value=value))

    def _properties(self) -> exp.Properties | None:
        if not self._match(TokenType.WITH):
            return None
        pairs = self._parse_wrapped_csv(self._property)
        return self.expression(exp.Properties(expressions=pairs))

    def _data_type(self) -> exp.Expr:
        return self._parse_types() or self._fail("a type")
