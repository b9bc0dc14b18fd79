"""The parser: which statement begins here, and the few that stand alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sqlglot import TokenType, exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.grammar_tables import TableGrammar

if TYPE_CHECKING:
    from phlo_sql.dialect.grammar import Parse


class Parser(TableGrammar):
    # What is not listed here begins as sqlglot says; ALTER, CREATE and DROP are overridden.
    HEADS: ClassVar[dict[tuple[str, ...], Parse]] = {
        ("CALL",): lambda self: self._call(),
        ("DENY",): lambda self: self._deny(),
        ("EXPLAIN",): lambda self: self._explain(),
        ("SHOW", "BRANCHES"): lambda self: self._show_branches(),
        ("SHOW", "CREATE"): lambda self: self._show_create(),
        ("SHOW",): lambda self: self._show_list(),
        ("RESET", "SESSION"): lambda self: self._reset_session(),
        ("SET", "ROLE"): lambda self: self._set_role(),
    }

    def _parse_statement(self) -> exp.Expr | None:
        if self._curr and self._curr.token_type != TokenType.IDENTIFIER:
            for words, parse in self.HEADS.items():
                if self._match_text_seq(*words):
                    return parse(self)  # type: ignore[no-any-return]
        return super()._parse_statement()

    def _parse_predicate(self) -> exp.Expr | None:
        return self._parse_disjunction()

    def _call(self) -> exp.Expr:
        this = self._relation()
        if not self._match(TokenType.L_PAREN, advance=False):
            self._fail("(")
        return self.expression(nodes.Call(this=this, expressions=self._arguments()))

    def _explain(self) -> exp.Expr:
        if self._match_text_seq("ANALYZE"):
            verbose = self._match_text_seq("VERBOSE")
            return self.expression(
                nodes.Explain(this=self._parse_statement(), analyze=True, verbose=verbose)
            )
        options = None
        opens = self._match(TokenType.L_PAREN, advance=False)
        if opens and self._next and self._next.text.upper() in ("TYPE", "FORMAT"):
            options = self._parse_wrapped_csv(self._explain_option)
        return self.expression(nodes.Explain(this=self._parse_statement(), expressions=options))

    def _explain_option(self) -> exp.Var:
        text = f"{self._curr.text.upper()} {self._next.text.upper()}" if self._next else ""
        if text not in nodes.EXPLAIN_OPTIONS:
            self._fail("an option of EXPLAIN")
        self._advance(2)
        return exp.var(text)

    def _reset_session(self) -> exp.Expr:
        return self.expression(nodes.ResetSession(this=self._path()))

    def _show_branches(self) -> exp.Expr:
        if not self._match_texts(("FROM", "IN")):
            self._fail("FROM or IN")
        self._expect("TABLE")
        return self.expression(nodes.ShowBranches(this=self._relation()))

    def _show_create(self) -> exp.Expr:
        if self._match_text_seq("MATERIALIZED", "VIEW"):
            kind = "MATERIALIZED VIEW"
        else:
            kind = self._word("TABLE", "VIEW", "SCHEMA").name
        this = self._relation(schema=kind == "SCHEMA")
        return self.expression(nodes.ShowCreate(this=this, kind=kind))

    def _show_list(self) -> exp.Expr:
        kind = self._word(*nodes.SHOW_SOURCES).name
        words = nodes.SHOW_SOURCES[kind].split()
        this: exp.Expr | None = None
        if words and (self._match_text_seq(*words) or self._also_in(words)):
            this = self._name() if kind == "SCHEMAS" else self._relation(schema=kind == "TABLES")
        elif kind in ("COLUMNS", "STATS", "GRANTS"):
            self._fail(" ".join(words))
        like = escape = None
        if kind not in ("STATS", "GRANTS") and self._match(TokenType.LIKE):
            like = self._string()
            escape = self._string() if self._match(TokenType.ESCAPE) else None
        return self.expression(nodes.ShowList(kind=kind, this=this, like=like, escape=escape))

    def _also_in(self, words: list[str]) -> bool | None:
        return words == ["FROM"] and self._match_text_seq("IN")
