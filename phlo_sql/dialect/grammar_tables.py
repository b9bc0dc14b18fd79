"""The grammar of tables, views, schemas, branches and catalogs: ALTER, CREATE, DROP, COMMENT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from sqlglot import TokenType, exp
from sqlglot.parsers.trino import TrinoParser

from phlo_sql.dialect import nodes
from phlo_sql.dialect.grammar_grants import GrantGrammar

if TYPE_CHECKING:
    from phlo_sql.dialect.grammar import Parse


class TableGrammar(GrantGrammar):
    ALTER_PARSERS: ClassVar[dict[str, Parse]] = {
        "ADD": lambda self: self._add_column(),
        "ALTER": lambda self: self._alter_column(),
        "DROP": lambda self: self._drop_column(),
        "RENAME": lambda self: self._rename(),
        "SET": lambda self: self._alter_set(),
        "EXECUTE": lambda self: self._execute_procedure(),
    }
    # Only the clauses around WITH (…): a name inside WITH (…) is never a keyword.
    PROPERTY_PARSERS: ClassVar[dict[str, Parse]] = {
        **{
            word: TrinoParser.PROPERTY_PARSERS[word]
            for word in ("COMMENT", "SECURITY", "MATERIALIZED")
            if word in TrinoParser.PROPERTY_PARSERS
        },
        "AUTHORIZATION": lambda self: self._authorization(),
        "GRACE": lambda self: self._grace_period(),
        "WHEN": lambda self: self._when_stale(),
        "WITH": lambda self: self._with(),
    }
    SCHEMA_UNNAMED_CONSTRAINTS: ClassVar[set[str]] = {"LIKE"}

    # -- clauses of CREATE
    def _authorization(self) -> exp.Expr:
        return self.expression(nodes.AuthorizationProperty(this=self._principal()))

    def _grace_period(self) -> exp.Expr:
        self._expect("PERIOD")
        return self.expression(nodes.GracePeriodProperty(this=self._parse_interval()))

    def _when_stale(self) -> exp.Expr:
        self._expect("STALE")
        return self.expression(nodes.WhenStaleProperty(this=self._word("FAIL", "INLINE")))

    def _with(self) -> Any:
        if self._match(TokenType.L_PAREN, advance=False):
            return self._parse_wrapped_csv(self._property)
        return self._parse_with_property()  # WITH [NO] DATA

    # -- columns
    def _column_def(self, *, exists: bool | None = None) -> exp.ColumnDef:
        path = self._path()
        return self._column_tail(path, self._data_type(), exists=exists)

    def _column_tail(
        self, this: exp.Expr, kind: exp.Expr, *, exists: bool | None = None
    ) -> exp.ColumnDef:
        clauses: list[exp.Expr] = []
        if self._match(TokenType.DEFAULT):
            clauses.append(exp.DefaultColumnConstraint(this=self._literal()))
        if self._match_text_seq("NOT", "NULL"):
            clauses.append(exp.NotNullColumnConstraint())
        if self._match(TokenType.COMMENT):
            clauses.append(exp.CommentColumnConstraint(this=self._string()))
        if properties := self._properties():
            clauses.append(properties)
        constraints = [exp.ColumnConstraint(kind=clause) for clause in clauses]
        return self.expression(
            exp.ColumnDef(this=this, kind=kind, exists=exists, constraints=constraints)
        )

    def _parse_field_def(self) -> exp.Expr | None:
        """An element of CREATE TABLE, or a bare name in the column list of INSERT or CTAS."""
        path = self._path()
        kind = self._parse_types()
        return self._column_tail(path, kind) if kind else path

    # -- ALTER
    def _parse_alter(self) -> exp.Alter | exp.Command:
        start = self._prev
        if self._match_text_seq("BRANCH"):
            return self._fast_forward()  # type: ignore[return-value]  # a statement of its own
        kind = next((k for k in nodes.ALTER_KINDS if self._match_text_seq(*k.split())), None)
        if kind is None:
            return self._parse_as_command(start)
        exists = self._parse_exists()
        this = self._relation(schema=kind == "SCHEMA")
        if not self._match_texts(self.ALTER_PARSERS):
            return self._parse_as_command(start)
        action = self.ALTER_PARSERS[self._prev.text.upper()](self)
        return self.expression(exp.Alter(this=this, kind=kind, exists=exists, actions=[action]))

    def _fast_forward(self) -> exp.Expr:
        branch = self._name()
        self._expect("IN", "TABLE")
        table = self._relation()
        self._expect("FAST", "FORWARD", "TO")
        return self.expression(nodes.FastForwardBranch(this=branch, table=table, to=self._name()))

    def _add_column(self) -> exp.Expr:
        self._expect("COLUMN")
        column = self._column_def(exists=self._parse_exists(not_=True))
        if self._match_texts(("FIRST", "LAST", "AFTER")):
            word = self._prev.text.upper()
            other = self._name() if word == "AFTER" else None
            column.set("position", exp.ColumnPosition(this=other, position=word))
        return column

    def _alter_column(self) -> exp.Expr:
        self._expect("COLUMN")
        path = self._path()
        if self._match_text_seq("SET", "DATA", "TYPE"):
            return self.expression(exp.AlterColumn(this=path, dtype=self._data_type()))
        if self._match_text_seq("SET", "DEFAULT"):
            return self.expression(exp.AlterColumn(this=path, default=self._literal()))
        if self._match_text_seq("DROP", "DEFAULT"):
            return self.expression(exp.AlterColumn(this=path, drop=True))
        self._expect("DROP", "NOT", "NULL")
        return self.expression(exp.AlterColumn(this=path, drop=True, allow_null=True))

    def _drop_column(self) -> exp.Expr:
        self._expect("COLUMN")
        exists = self._parse_exists()
        return self.expression(exp.Drop(kind="COLUMN", exists=exists, tables=[self._path()]))

    def _rename(self) -> exp.Expr:
        if self._match_text_seq("TO"):
            return self.expression(exp.AlterRename(this=self._relation()))
        self._expect("COLUMN")
        exists = self._parse_exists()
        path = self._path()
        self._expect("TO")
        return self.expression(exp.RenameColumn(this=path, to=self._name(), exists=exists))

    def _alter_set(self) -> exp.Expr:
        if self._match_text_seq("PROPERTIES"):
            pairs = self._parse_csv(self._property)
            return self.expression(nodes.SetProperties(expressions=pairs))
        self._expect("AUTHORIZATION")
        return self.expression(nodes.SetAuthorization(this=self._principal()))

    def _execute_procedure(self) -> exp.Expr:
        name = self._name()
        this = name if name.args.get("quoted") else exp.var(name.name)
        arguments = self._arguments()
        where = self._parse_where()
        return self.expression(nodes.TableExecute(this=this, expressions=arguments, where=where))

    # -- CREATE and DROP
    def _parse_create(self) -> exp.Create | exp.Command:
        index = self._index
        replace = self._match_text_seq("OR", "REPLACE")
        if self._match_text_seq("BRANCH"):
            return self._create_branch(replace=replace)  # type: ignore[return-value]
        if not replace and self._match_text_seq("CATALOG"):
            return self._create_catalog()  # type: ignore[return-value]
        if not replace and self._match_text_seq("ROLE"):
            return self._create_role()  # type: ignore[return-value]
        self._retreat(index)
        return super()._parse_create()

    def _create_branch(self, *, replace: bool | None) -> exp.Expr:
        exists = self._parse_exists(not_=True)
        this = self._name()
        properties = self._properties()
        self._expect("IN", "TABLE")
        table = self._relation()
        source = self._name() if self._match(TokenType.FROM) else None
        return self.expression(
            nodes.CreateBranch(
                this=this,
                table=table,
                source=source,
                exists=exists,
                replace=replace,
                properties=properties,
            )
        )

    def _create_catalog(self) -> exp.Expr:
        exists = self._parse_exists(not_=True)
        this = self._name()
        self._expect("USING")
        name = self._name()
        connector = name if name.args.get("quoted") else exp.var(name.name)
        comment = self._string() if self._match(TokenType.COMMENT) else None
        owner = self._principal() if self._match_text_seq("AUTHORIZATION") else None
        return self.expression(
            nodes.CreateCatalog(
                this=this,
                exists=exists,
                connector=connector,
                comment=comment,
                authorization=owner,
                properties=self._properties(),
            )
        )

    # `_parse_drop` gained a parameter between sqlglot 30.19 and 30.30: all of them pass through.
    def _parse_drop(self, *args: Any, **kwargs: Any) -> exp.Drop | exp.Command:
        if self._match_text_seq("BRANCH"):
            return self._drop_branch()  # type: ignore[return-value]
        if self._match_text_seq("CATALOG"):
            return self._drop_catalog()  # type: ignore[return-value]
        if self._match_text_seq("ROLE"):
            return self._drop_role()  # type: ignore[return-value]
        return super()._parse_drop(*args, **kwargs)

    def _drop_branch(self) -> exp.Expr:
        exists = self._parse_exists()
        this = self._name()
        self._expect("IN", "TABLE")
        return self.expression(nodes.DropBranch(this=this, table=self._relation(), exists=exists))

    def _drop_catalog(self) -> exp.Expr:
        exists = self._parse_exists()
        this = self._name()
        cascade = self._word("CASCADE", "RESTRICT") if self._curr else None
        return self.expression(nodes.DropCatalog(this=this, exists=exists, cascade=cascade))

    # -- COMMENT, and the table of a statement
    def _parse_comment(self, *_args: Any, **_kwargs: Any) -> exp.Expr:
        self._expect("ON")
        kind = self._word("TABLE", "VIEW", "COLUMN").name
        this = self._path() if kind == "COLUMN" else self._relation()
        self._expect("IS")
        text = exp.Null() if self._match(TokenType.NULL) else self._string()
        return self.expression(exp.Comment(this=this, kind=kind, expression=text))

    def _parse_table_parts(self, *args: Any, **kwargs: Any) -> exp.Table | exp.Dot | None:
        table = super()._parse_table_parts(*args, **kwargs)
        if not isinstance(table, exp.Table):
            return table
        if table.args.get("db") == "" or table.args.get("this") == "":
            self._fail("a qualified name")
        if self._match(TokenType.PARAMETER):
            return self.expression(nodes.BranchTable(**table.args, branch=self._name()))
        return table
