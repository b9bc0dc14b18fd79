"""How each of our own nodes is written: one function a node, gathered in `PRINTERS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.errors import UnsupportedError

from phlo_sql.dialect import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlglot.generator import Generator


def reject(what: str) -> str:
    """Nothing is written that was not meant: raises UnsupportedError."""
    raise UnsupportedError(f"refuses to write {what}")


def option(text: str, allowed: Iterable[str]) -> str:
    return text if text in allowed else reject(f"keyword {text!r}")


def _flag(text: str, node: exp.Expr, key: str) -> str:
    return text if node.args.get(key) else ""


def _after(text: str, gen: Generator, node: exp.Expr, key: str) -> str:
    return f"{text}{gen.sql(node, key)}" if node.args.get(key) else ""


def _list(gen: Generator, node: exp.Expr, key: str = "expressions") -> str:
    return gen.expressions(node, key=key, flat=True)


def _with(gen: Generator, node: exp.Expr) -> str:
    properties = node.args.get("properties")
    return f" WITH ({_list(gen, properties)})" if properties else ""


def _typed_literal(gen: Generator, node: nodes.TypedLiteral) -> str:
    kind = option(node.text("kind"), nodes.LITERAL_TYPES.values())
    return f"{kind} {gen.sql(node, 'this')}"


def _branch_table(gen: Generator, node: nodes.BranchTable) -> str:
    args = {key: value for key, value in node.args.items() if key not in ("branch", "alias")}
    table = gen.sql(exp.Table(**args))
    return f"{table} @ {gen.sql(node, 'branch')}{_after(' AS ', gen, node, 'alias')}"


def _table_execute(gen: Generator, node: nodes.TableExecute) -> str:
    arguments = f"({_list(gen, node)})" if node.expressions else ""
    where = node.args.get("where")
    condition = f" WHERE {gen.sql(where, 'this')}" if where else ""
    return f"EXECUTE {gen.sql(node, 'this')}{arguments}{condition}"


def _set_properties(gen: Generator, node: nodes.SetProperties) -> str:
    return f"SET PROPERTIES {_list(gen, node)}"


def _set_authorization(gen: Generator, node: nodes.SetAuthorization) -> str:
    return f"SET AUTHORIZATION {gen.sql(node, 'this')}"


def _create_branch(gen: Generator, node: nodes.CreateBranch) -> str:
    replace = _flag(" OR REPLACE", node, "replace")
    exists = _flag(" IF NOT EXISTS", node, "exists")
    head = f"CREATE{replace} BRANCH{exists} {gen.sql(node, 'this')}{_with(gen, node)}"
    return f"{head} IN TABLE {gen.sql(node, 'table')}{_after(' FROM ', gen, node, 'source')}"


def _drop_branch(gen: Generator, node: nodes.DropBranch) -> str:
    exists = _flag(" IF EXISTS", node, "exists")
    return f"DROP BRANCH{exists} {gen.sql(node, 'this')} IN TABLE {gen.sql(node, 'table')}"


def _fast_forward_branch(gen: Generator, node: nodes.FastForwardBranch) -> str:
    head = f"ALTER BRANCH {gen.sql(node, 'this')} IN TABLE {gen.sql(node, 'table')}"
    return f"{head} FAST FORWARD TO {gen.sql(node, 'to')}"


def _show_branches(gen: Generator, node: nodes.ShowBranches) -> str:
    return f"SHOW BRANCHES IN TABLE {gen.sql(node, 'this')}"


def _show_create(gen: Generator, node: nodes.ShowCreate) -> str:
    kind = option(node.text("kind"), nodes.SHOW_CREATE_KINDS)
    return f"SHOW CREATE {kind} {gen.sql(node, 'this')}"


def _show_list(gen: Generator, node: nodes.ShowList) -> str:
    kind = option(node.text("kind"), nodes.SHOW_SOURCES)
    source = _after(f" {nodes.SHOW_SOURCES[kind]} ", gen, node, "this")
    like = _after(" LIKE ", gen, node, "like") + _after(" ESCAPE ", gen, node, "escape")
    return f"SHOW {kind}{source}{like}"


def _call(gen: Generator, node: nodes.Call) -> str:
    return f"CALL {gen.sql(node, 'this')}({_list(gen, node)})"


def _create_catalog(gen: Generator, node: nodes.CreateCatalog) -> str:
    exists = _flag(" IF NOT EXISTS", node, "exists")
    head = f"CREATE CATALOG{exists} {gen.sql(node, 'this')} USING {gen.sql(node, 'connector')}"
    comment = _after(" COMMENT ", gen, node, "comment")
    owner = _after(" AUTHORIZATION ", gen, node, "authorization")
    return f"{head}{comment}{owner}{_with(gen, node)}"


def _drop_catalog(gen: Generator, node: nodes.DropCatalog) -> str:
    exists = _flag(" IF EXISTS", node, "exists")
    return f"DROP CATALOG{exists} {gen.sql(node, 'this')}{_after(' ', gen, node, 'cascade')}"


def _in_catalog(gen: Generator, node: exp.Expr) -> str:
    return _after(" IN ", gen, node, "catalog")


def _create_role(gen: Generator, node: nodes.CreateRole) -> str:
    admin = _after(" WITH ADMIN ", gen, node, "admin")
    return f"CREATE ROLE {gen.sql(node, 'this')}{admin}{_in_catalog(gen, node)}"


def _drop_role(gen: Generator, node: nodes.DropRole) -> str:
    exists = _flag(" IF EXISTS", node, "exists")
    return f"DROP ROLE{exists} {gen.sql(node, 'this')}{_in_catalog(gen, node)}"


def _set_role(gen: Generator, node: nodes.SetRole) -> str:
    return f"SET ROLE {gen.sql(node, 'this')}{_in_catalog(gen, node)}"


def _grant_roles(gen: Generator, node: nodes.GrantRoles) -> str:
    head = f"GRANT {_list(gen, node)} TO {_list(gen, node, 'principals')}"
    admin = _flag(" WITH ADMIN OPTION", node, "admin_option")
    return f"{head}{admin}{_after(' GRANTED BY ', gen, node, 'granted_by')}{_in_catalog(gen, node)}"


def _revoke_roles(gen: Generator, node: nodes.RevokeRoles) -> str:
    admin = _flag("ADMIN OPTION FOR ", node, "admin_option")
    head = f"REVOKE {admin}{_list(gen, node)} FROM {_list(gen, node, 'principals')}"
    return f"{head}{_after(' GRANTED BY ', gen, node, 'granted_by')}{_in_catalog(gen, node)}"


def _deny(gen: Generator, node: nodes.Deny) -> str:
    kind = f"{option(node.text('kind'), GRANT_KINDS)} " if node.args.get("kind") else ""
    head = f"DENY {_list(gen, node, 'privileges')} ON {kind}{gen.sql(node, 'securable')}"
    return f"{head} TO {_list(gen, node, 'principals')}"


def _branch_securable(gen: Generator, node: nodes.BranchSecurable) -> str:
    return f"BRANCH {gen.sql(node, 'this')} IN {gen.sql(node, 'table')}"


def _principal(gen: Generator, node: exp.GrantPrincipal) -> str:
    kind = f"{option(node.text('kind'), ('USER', 'ROLE'))} " if node.args.get("kind") else ""
    return f"{kind}{gen.sql(node, 'this')}"


def _explain(gen: Generator, node: nodes.Explain) -> str:
    mode = _flag(" ANALYZE", node, "analyze") + _flag(" VERBOSE", node, "verbose")
    options = f" ({_list(gen, node)})" if node.expressions else ""
    return f"EXPLAIN{mode}{options} {gen.sql(node, 'this')}"


def _reset_session(gen: Generator, node: nodes.ResetSession) -> str:
    return f"RESET SESSION {gen.sql(node, 'this')}"


def _authorization(gen: Generator, node: nodes.AuthorizationProperty) -> str:
    return f"AUTHORIZATION {gen.sql(node, 'this')}"


def _grace_period(gen: Generator, node: nodes.GracePeriodProperty) -> str:
    return f"GRACE PERIOD {gen.sql(node, 'this')}"


def _when_stale(gen: Generator, node: nodes.WhenStaleProperty) -> str:
    return f"WHEN STALE {gen.sql(node, 'this')}"


GRANT_KINDS = ("TABLE", "SCHEMA", "VIEW", "FUNCTION", "CATALOG")

PRINTERS: dict[type[exp.Expr], Callable[..., str]] = {
    nodes.TypedLiteral: _typed_literal,
    nodes.BranchTable: _branch_table,
    nodes.TableExecute: _table_execute,
    nodes.SetProperties: _set_properties,
    nodes.SetAuthorization: _set_authorization,
    nodes.CreateBranch: _create_branch,
    nodes.DropBranch: _drop_branch,
    nodes.FastForwardBranch: _fast_forward_branch,
    nodes.ShowBranches: _show_branches,
    nodes.ShowCreate: _show_create,
    nodes.ShowList: _show_list,
    nodes.Call: _call,
    nodes.CreateCatalog: _create_catalog,
    nodes.DropCatalog: _drop_catalog,
    nodes.CreateRole: _create_role,
    nodes.DropRole: _drop_role,
    nodes.SetRole: _set_role,
    nodes.GrantRoles: _grant_roles,
    nodes.RevokeRoles: _revoke_roles,
    nodes.Deny: _deny,
    nodes.BranchSecurable: _branch_securable,
    exp.GrantPrincipal: _principal,
    nodes.Explain: _explain,
    nodes.ResetSession: _reset_session,
    nodes.AuthorizationProperty: _authorization,
    nodes.GracePeriodProperty: _grace_period,
    nodes.WhenStaleProperty: _when_stale,
}
