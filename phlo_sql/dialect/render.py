"""Text to trees and trees to text: the one printer, which reads back what it wrote.

A statement leaves only as text that the parser turns into the same tree again.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from sqlglot import TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError

from phlo_sql.dialect import nodes
from phlo_sql.dialect.generator import Generator
from phlo_sql.dialect.parser import Parser
from phlo_sql.dialect.sameness import digest, same
from phlo_sql.dialect.versions import require_version
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable

Expression: TypeAlias = exp.Expr
"""A tree that is part of a statement: a predicate, a column, a value."""

Statement: TypeAlias = exp.Expr
"""A tree that is one whole statement of the closed set."""

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class PhloTrino(Trino):
    """Trino, whole: no statement is opaque."""

    class Tokenizer(Trino.Tokenizer):
        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            **{
                word: kind
                for word, kind in Trino.Tokenizer.KEYWORDS.items()
                if kind != TokenType.COMMAND
            },
            "SPHERICALGEOGRAPHY": TokenType.GEOGRAPHY,
            "NUMBER": TokenType.BIGDECIMAL,
        }
        COMMANDS: ClassVar[set[TokenType]] = Trino.Tokenizer.COMMANDS - {
            TokenType.SHOW,
            TokenType.EXECUTE,
            TokenType.RENAME,
            TokenType.FETCH,
        }

    Parser = Parser
    Generator = Generator


def reason(error: Exception) -> str:
    """The first line of a parser's message, without its colours and its excerpt."""
    if isinstance(error, ParseError) and error.errors:
        found = error.errors[0]
        where = f" at line {found.get('line')}, column {found.get('col')}"
        near = found.get("highlight")
        described = str(found.get("description") or "").rstrip(".")
        if described.startswith("Required keyword"):  # its own words name Python classes
            described = "something is missing"
        return _one_line(f"{described}{where}" + (f", near {near!r}" if near else ""))
    return _one_line(str(error))


def _one_line(text: str) -> str:
    lines = _ANSI.sub("", text).strip().splitlines()
    return lines[0] if lines else "no reason given"


def trees_of(
    text: str, start: Callable[[Any], exp.Expr | None] = Parser._parse_statement
) -> list[exp.Expr]:
    """Every tree in a text of `;`-separated parts. Raises sqlglot's errors."""
    dialect = PhloTrino()
    parser = dialect.parser(error_level=ErrorLevel.IMMEDIATE)
    try:
        found = parser._parse(start, dialect.tokenize(text), text)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # sqlglot's parser trips over some malformed texts instead of naming the fault.
        raise ParseError("cannot be read") from error
    return [tree for tree in found if tree is not None and not isinstance(tree, exp.Semicolon)]


def parse_script(text: str) -> tuple[Statement, ...]:
    """All statements of a text, separated by `;`; comments are ignored.

    Raises PhloSqlError(UNSUPPORTED_STATEMENT).
    """
    try:
        trees = trees_of(text)
    except (SqlglotError, RecursionError) as error:
        raise PhloSqlError(
            Code.UNSUPPORTED_STATEMENT,
            f"cannot read a statement: {reason(error)}",
            "write a Trino statement that phlo-sql knows",
        ) from error
    for tree in trees:
        if not isinstance(tree, nodes.STATEMENTS) or tree.find(exp.Command):
            raise PhloSqlError(
                Code.UNSUPPORTED_STATEMENT,
                f"not a statement of the closed set: {type(tree).__name__}",
                "write a Trino statement that phlo-sql knows",
            )
    return tuple(trees)


def parse(sql: str) -> Statement:
    """Exactly one statement. Raises PhloSqlError(UNSUPPORTED_STATEMENT)."""
    statements = parse_script(sql)
    if len(statements) != 1:
        raise PhloSqlError(
            Code.UNSUPPORTED_STATEMENT,
            f"expected one statement, found {len(statements)}",
            "write one Trino statement",
        )
    return statements[0]


def render(
    tree: Statement,
    *,
    pretty: bool = False,
    wide: int | None = None,
    version: int | None = None,
) -> str:
    """One statement as text, for the given Trino version (None: any).

    `pretty` lays it out over several lines; `wide` does where it has more characters than that.

    Raises PhloSqlError(UNSUPPORTED_VERSION) where that version's grammar lacks it, and
    PhloSqlError(UNSUPPORTED_STATEMENT) where the text would not read back as the same tree.
    """
    if version is not None:
        require_version(tree, version)
    if not isinstance(tree, nodes.STATEMENTS):
        raise _unfaithful(f"not a statement: {type(tree).__name__}")
    flat = None if pretty else _text(tree, pretty=False)
    if flat is None or (wide is not None and len(flat) > wide):
        text = _text(tree, pretty=True)
        if _reads_back(text, tree):
            return text
        # A value with sqlglot's own line-break mark in it survives only unindented.
    text = _text(tree, pretty=False) if flat is None else flat
    if _reads_back(text, tree):
        return text
    raise _unfaithful(f"does not read back as it was built: {text}")


_READ: dict[bytes, bytes] = {}
"""By the digest of a text, that of the tree which the parser makes of it."""
_MOST = 1 << 17
"""Texts that are remembered, 20 MB: three times those of a plan of 40,000 steps."""


def _reads_back(text: str, tree: Statement) -> bool:
    """Whether the text says what the tree says. A plan writes each statement several times, and
    parsing one takes four times as long as writing it: each text is parsed once."""
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    read = _READ.get(key)
    if read is None:
        if len(_READ) >= _MOST:
            _READ.clear()
        read = _READ[key] = digest(parse(text))
    return read == digest(tree)


def shape(tree: Statement) -> str:
    """The statement with `?` in place of every value: what a log may keep of it."""
    blanked = tree.transform(
        lambda node: exp.Placeholder() if isinstance(node, exp.Literal) else node
    )
    return _text(blanked, pretty=False)


def sql_of(expression: Expression) -> str:
    """A part of a statement as text, read back and compared like a whole one."""
    text = _text(expression, pretty=False)
    try:
        back = trees_of(text, Parser._parse_predicate)
    except (SqlglotError, RecursionError) as error:
        raise _unfaithful(f"{text} cannot be read back: {reason(error)}") from error
    if len(back) != 1 or not same(back[0], expression):
        raise _unfaithful(f"does not read back as it was built: {text}")
    return text


def _text(tree: exp.Expr, *, pretty: bool) -> str:
    try:
        return PhloTrino().generate(
            tree,
            identify=True,
            comments=False,
            pretty=pretty,
            unsupported_level=ErrorLevel.RAISE,
        )
    except (SqlglotError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unfaithful(reason(error)) from error


def _unfaithful(problem: str) -> PhloSqlError:
    return PhloSqlError(
        Code.UNSUPPORTED_STATEMENT,
        f"cannot write this statement: {_one_line(problem)}",
        "this is a fault of phlo-sql or of a name no statement can hold; report it",
    )
