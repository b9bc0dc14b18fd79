"""The grammar of privileges and roles: GRANT, REVOKE, DENY, roles."""

from __future__ import annotations

from typing import Any

from sqlglot import TokenType, exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.grammar import Grammar

_KINDS = ("TABLE", "SCHEMA", "VIEW", "FUNCTION", "CATALOG")


class GrantGrammar(Grammar):
    def _grantor(self) -> exp.Expr:
        if self._match_texts(("CURRENT_USER", "CURRENT_ROLE")):
            return exp.var(self._prev.text.upper())
        return self._principal()

    def _in_catalog(self) -> exp.Identifier | None:
        return self._name() if self._match_text_seq("IN") else None

    def _privilege_or_role(self) -> exp.Expr:
        """Words of a privilege, or the name of a role; which of them, what follows will tell."""
        if self._match(TokenType.IDENTIFIER, advance=False):
            return self._name()
        ends = (TokenType.COMMA, TokenType.ON, TokenType.FROM, TokenType.IDENTIFIER)
        words = []
        while self._curr and self._curr.token_type not in ends and self._curr.text.upper() != "TO":
            words.append(self._curr.text)
            self._advance()
        return exp.var(" ".join(words)) if words else self._fail("a privilege or a role")

    def _privileges(self, items: list[exp.Expr]) -> list[exp.Expr]:
        if any(isinstance(item, exp.Identifier) for item in items):
            self._fail("a privilege")
        return [exp.GrantPrivilege(this=exp.var(item.name.upper())) for item in items]

    def _securable(self) -> tuple[str | None, exp.Expr]:
        if self._match_text_seq("BRANCH"):
            branch = self._name()
            self._expect("IN")
            self._match_text_seq("TABLE")
            table = self._relation()
            return None, self.expression(nodes.BranchSecurable(this=branch, table=table))
        kind = None
        if self._next and self._next.token_type != TokenType.DOT and self._match_texts(_KINDS):
            kind = self._prev.text.upper()
        return kind, self._relation()

    def _role_grant(self, items: list[exp.Expr], *, admin: bool | None) -> dict[str, Any]:
        roles = [
            item if isinstance(item, exp.Identifier) else exp.to_identifier(item.name)
            for item in items
        ]
        principals = self._parse_csv(self._principal)
        admin = admin or self._match_text_seq("WITH", "ADMIN", "OPTION")
        grantor = self._grantor() if self._match_text_seq("GRANTED", "BY") else None
        return {
            "expressions": roles,
            "principals": principals,
            "admin_option": admin,
            "granted_by": grantor,
            "catalog": self._in_catalog(),
        }

    def _parse_grant(self) -> exp.Grant | exp.Command:
        items = self._parse_csv(self._privilege_or_role)
        if not self._match(TokenType.ON):
            self._expect("TO")
            roles = nodes.GrantRoles(**self._role_grant(items, admin=None))
            return self.expression(roles)  # type: ignore[return-value]  # its own statement
        kind, securable = self._securable()
        self._expect("TO")
        return self.expression(
            exp.Grant(
                privileges=self._privileges(items),
                kind=kind,
                securable=securable,
                principals=[self._principal()],
                grant_option=self._match_text_seq("WITH", "GRANT", "OPTION"),
            )
        )

    def _parse_revoke(self) -> exp.Revoke | exp.Command:
        admin = self._match_text_seq("ADMIN", "OPTION", "FOR")
        grant = None if admin else self._match_text_seq("GRANT", "OPTION", "FOR")
        items = self._parse_csv(self._privilege_or_role)
        if admin or not self._match(TokenType.ON):
            self._expect("FROM")
            roles = nodes.RevokeRoles(**self._role_grant(items, admin=admin))
            return self.expression(roles)  # type: ignore[return-value]  # its own statement
        kind, securable = self._securable()
        self._expect("FROM")
        return self.expression(
            exp.Revoke(
                privileges=self._privileges(items),
                kind=kind,
                securable=securable,
                principals=[self._principal()],
                grant_option=grant,
            )
        )

    def _deny(self) -> exp.Expr:
        items = self._parse_csv(self._privilege_or_role)
        self._expect("ON")
        kind, securable = self._securable()
        self._expect("TO")
        return self.expression(
            nodes.Deny(
                privileges=self._privileges(items),
                kind=kind,
                securable=securable,
                principals=[self._principal()],
            )
        )

    def _create_role(self) -> exp.Expr:
        this = self._name()
        admin = self._grantor() if self._match_text_seq("WITH", "ADMIN") else None
        return self.expression(nodes.CreateRole(this=this, admin=admin, catalog=self._in_catalog()))

    def _drop_role(self) -> exp.Expr:
        exists = self._parse_exists()
        this = self._name()
        return self.expression(nodes.DropRole(this=this, exists=exists, catalog=self._in_catalog()))

    def _set_role(self) -> exp.Expr:
        delimited = self._match(TokenType.IDENTIFIER, advance=False)
        this: exp.Expr
        if not delimited and self._match_texts(("ALL", "NONE")):
            this = exp.var(self._prev.text.upper())
        else:
            this = self._name()
        return self.expression(nodes.SetRole(this=this, catalog=self._in_catalog()))
