"""Which Trino version's grammar has what. Connector support is another question.

The oracle tests hold it against Trino's own parsers 476 and 484. In between it was read off the
parsers 478 to 483, and 477, whose parser is not published, off the release notes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Gate(NamedTuple):
    since: int
    what: str
    applies: Callable[[exp.Expr], bool]


_BRANCH_NODES = (
    nodes.CreateBranch,
    nodes.DropBranch,
    nodes.FastForwardBranch,
    nodes.ShowBranches,
    nodes.BranchTable,
    nodes.BranchSecurable,
)


def _on_materialized_view(action: type[exp.Expr]) -> Callable[[exp.Expr], bool]:
    def applies(node: exp.Expr) -> bool:
        if not isinstance(node, exp.Alter) or node.text("kind") != "MATERIALIZED VIEW":
            return False
        return any(isinstance(found, action) for found in node.args.get("actions") or ())

    return applies


def _changes_default(node: exp.Expr) -> bool:
    if not isinstance(node, exp.AlterColumn):
        return False
    drops = bool(node.args.get("drop")) and not node.args.get("allow_null")
    return drops or node.args.get("default") is not None


_GATES = (
    _Gate(477, "branches of tables", lambda node: isinstance(node, _BRANCH_NODES)),
    _Gate(
        477,
        "a column's DEFAULT",
        lambda node: isinstance(node, exp.DefaultColumnConstraint),
    ),
    _Gate(479, "changing a column's DEFAULT", _changes_default),
    _Gate(479, "WHEN STALE", lambda node: isinstance(node, nodes.WhenStaleProperty)),
    _Gate(
        477,
        "SET AUTHORIZATION of a materialized view",
        _on_materialized_view(nodes.SetAuthorization),
    ),
    _Gate(484, "EXECUTE on a materialized view", _on_materialized_view(nodes.TableExecute)),
)


def _missing(tree: exp.Expr, version: int) -> Iterator[_Gate]:
    gates = [gate for gate in _GATES if gate.since > version]
    if gates:
        for node in tree.walk():
            yield from (gate for gate in gates if gate.applies(node))


def require_version(tree: exp.Expr, version: int) -> None:
    """Raises PhloSqlError(UNSUPPORTED_VERSION) where this version's grammar lacks the tree."""
    gate = max(_missing(tree, version), key=lambda found: found.since, default=None)
    if gate is not None:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {version} has no {gate.what}",
            f"upgrade the server to Trino {gate.since} or newer",
        )
