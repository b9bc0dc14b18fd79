"""Trino's statements and clauses that sqlglot has no node for.

Each is plain data; `parser` makes them from text and `generator` makes text from them.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp

from phlo_sql.dialect.guard import require_pure_sqlglot

require_pure_sqlglot()


class TypedLiteral(exp.Expression, exp.Condition):
    """`DATE '2024-01-01'`: stock sqlglot makes a CAST of it, which `DEFAULT` does not accept."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "kind": True}


class BranchTable(exp.Table):
    """The target `t @ branch` of INSERT, UPDATE, DELETE or MERGE.

    Stock sqlglot drops the branch silently, so that the statement would change main.
    """

    arg_types: ClassVar[dict[str, bool]] = {**exp.Table.arg_types, "branch": True}


class TableExecute(exp.Expression):
    """`ALTER TABLE … EXECUTE procedure(name => value) WHERE …`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False, "where": False}


class SetProperties(exp.Expression):
    """`ALTER … SET PROPERTIES name = value`."""

    arg_types: ClassVar[dict[str, bool]] = {"expressions": True}


class SetAuthorization(exp.Expression):
    """`ALTER … SET AUTHORIZATION principal`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class CreateBranch(exp.Expression):
    """`CREATE BRANCH b IN TABLE t FROM other`."""

    arg_types: ClassVar[dict[str, bool]] = {
        "this": True,
        "table": True,
        "source": False,
        "exists": False,
        "replace": False,
        "properties": False,
    }


class DropBranch(exp.Expression):
    """`DROP BRANCH b IN TABLE t`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "table": True, "exists": False}


class FastForwardBranch(exp.Expression):
    """`ALTER BRANCH a IN TABLE t FAST FORWARD TO b`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "table": True, "to": True}


class ShowBranches(exp.Expression):
    """`SHOW BRANCHES IN TABLE t`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class ShowCreate(exp.Expression):
    """`SHOW CREATE TABLE t`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "kind": True}


class ShowList(exp.Expression):
    """`SHOW TABLES FROM s LIKE pattern` and its siblings; `SHOW_SOURCES` names them."""

    arg_types: ClassVar[dict[str, bool]] = {
        "kind": True,
        "this": False,
        "like": False,
        "escape": False,
    }


class Call(exp.Expression):
    """`CALL catalog.schema.procedure(name => value)`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expressions": False}


class CreateCatalog(exp.Expression):
    """`CREATE CATALOG c USING connector WITH ("dotted.key" = value)`."""

    arg_types: ClassVar[dict[str, bool]] = {
        "this": True,
        "connector": True,
        "exists": False,
        "comment": False,
        "authorization": False,
        "properties": False,
    }


class DropCatalog(exp.Expression):
    """`DROP CATALOG c`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "exists": False, "cascade": False}


class CreateRole(exp.Expression):
    """`CREATE ROLE r WITH ADMIN principal IN catalog`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "admin": False, "catalog": False}


class DropRole(exp.Expression):
    """`DROP ROLE r IN catalog`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "exists": False, "catalog": False}


class SetRole(exp.Expression):
    """`SET ROLE r IN catalog`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "catalog": False}


class GrantRoles(exp.Expression):
    """`GRANT role, role TO principal`."""

    arg_types: ClassVar[dict[str, bool]] = {
        "expressions": True,
        "principals": True,
        "admin_option": False,
        "granted_by": False,
        "catalog": False,
    }


class RevokeRoles(exp.Expression):
    """`REVOKE role, role FROM principal`."""

    arg_types: ClassVar[dict[str, bool]] = dict(GrantRoles.arg_types)


class Deny(exp.Expression):
    """`DENY privilege ON securable TO principal`."""

    arg_types: ClassVar[dict[str, bool]] = {
        "privileges": True,
        "securable": True,
        "principals": True,
        "kind": False,
    }


class BranchSecurable(exp.Expression):
    """`BRANCH b IN t` as the object of GRANT, REVOKE or DENY."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "table": True}


class Explain(exp.Expression):
    """`EXPLAIN statement`, with options or `ANALYZE`."""

    arg_types: ClassVar[dict[str, bool]] = {
        "this": True,
        "expressions": False,
        "analyze": False,
        "verbose": False,
    }


class ResetSession(exp.Expression):
    """`RESET SESSION catalog.property`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class AuthorizationProperty(exp.Property):
    """`CREATE SCHEMA … AUTHORIZATION principal`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class GracePeriodProperty(exp.Property):
    """`CREATE MATERIALIZED VIEW … GRACE PERIOD interval`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


class WhenStaleProperty(exp.Property):
    """`CREATE MATERIALIZED VIEW … WHEN STALE INLINE | FAIL`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


STATEMENTS: tuple[type[exp.Expr], ...] = (
    exp.Query,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.Comment,
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.TruncateTable,
    exp.Analyze,
    exp.Refresh,
    exp.Set,
    exp.Use,
    exp.Describe,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
    exp.Grant,
    exp.Revoke,
    CreateBranch,
    DropBranch,
    FastForwardBranch,
    ShowBranches,
    ShowCreate,
    ShowList,
    Call,
    CreateCatalog,
    DropCatalog,
    CreateRole,
    DropRole,
    SetRole,
    GrantRoles,
    RevokeRoles,
    Deny,
    Explain,
    ResetSession,
)
"""The closed set: what is none of these is refused, whatever sqlglot makes of it."""

ALTER_KINDS = ("MATERIALIZED VIEW", "TABLE", "VIEW", "SCHEMA")
SHOW_CREATE_KINDS = ("MATERIALIZED VIEW", "TABLE", "VIEW", "SCHEMA")
SHOW_SOURCES = {
    "CATALOGS": "",
    "SESSION": "",
    "SCHEMAS": "FROM",
    "TABLES": "FROM",
    "COLUMNS": "FROM",
    "STATS": "FOR",
    "GRANTS": "ON TABLE",
}
"""What `SHOW …` lists, and the words before what it lists it of."""

TRANSACTION_MODES = frozenset(
    {"READ ONLY", "READ WRITE"}
    | {
        f"ISOLATION LEVEL {level}"
        for level in ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
    }
)
EXPLAIN_OPTIONS = frozenset(
    {f"FORMAT {value}" for value in ("TEXT", "GRAPHVIZ", "JSON")}
    | {f"TYPE {value}" for value in ("LOGICAL", "DISTRIBUTED", "VALIDATE", "IO")}
)
LITERAL_TYPES: dict[exp.DType, str] = {
    exp.DType.BIGINT: "BIGINT",
    exp.DType.CHAR: "CHAR",
    exp.DType.DATE: "DATE",
    exp.DType.DECIMAL: "DECIMAL",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.FLOAT: "REAL",
    exp.DType.INT: "INTEGER",
    exp.DType.IPADDRESS: "IPADDRESS",
    exp.DType.JSON: "JSON",
    exp.DType.SMALLINT: "SMALLINT",
    exp.DType.TIME: "TIME",
    exp.DType.TIMETZ: "TIME",
    exp.DType.TIMESTAMP: "TIMESTAMP",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP",
    exp.DType.TINYINT: "TINYINT",
    exp.DType.UUID: "UUID",
    exp.DType.VARCHAR: "VARCHAR",
}
"""Types that may stand before a string to make a literal, as sqlglot names them and Trino does."""

TIME_UNITS = (
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "quarter",
    "year",
)
"""What `date_trunc` cuts to."""
