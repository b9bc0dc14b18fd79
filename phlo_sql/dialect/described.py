"""A statement described in plain values, for rules that judge it without seeing its tree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.render import PhloTrino
from phlo_sql.dialect.reserved import RESERVED
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phlo_sql.dialect.render import Expression, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`target` is the table that it changes, None where it changes none or more than a table.

    `procedure` (lower case) is of EXECUTE, or of CALL with `called`. `arguments` are those given by
    name; a literal's text, or None for what is no literal. `properties` likewise. `types` are the
    new types of columns, `dropped` the columns dropped. `unquoted` and `reserved` are names that
    stand without quotes.
    """

    changes: bool = False
    target: TableName | None = None
    procedure: str | None = None
    called: bool = False
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    positional: int = 0
    where: Expression | None = None
    properties: Mapping[str, str | None] = field(default_factory=dict)
    session: Mapping[str, str | None] = field(default_factory=dict)
    types: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()
    drops_table: bool = False
    unquoted: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()


_READING = (exp.Query, exp.Describe, exp.Use, nodes.ShowBranches, nodes.ShowCreate, nodes.ShowList)
_SETTING = (exp.Set, nodes.ResetSession, nodes.SetRole, exp.Transaction, exp.Commit, exp.Rollback)


def describe(tree: Statement) -> Described:
    """What rules want to know of a statement."""
    changes = not isinstance(tree, (*_READING, *_SETTING, nodes.Explain))
    unquoted, reserved = _names(tree)
    base = Described(changes=changes, unquoted=unquoted, reserved=reserved)
    if isinstance(tree, nodes.Call):
        named, positional = _arguments(tree.expressions)
        return replace(
            base,
            procedure=tree.this.name.lower(),
            called=True,
            arguments=named,
            positional=positional,
        )
    if isinstance(tree, exp.Set):
        return replace(base, session=dict(_session(tree)))
    base = replace(base, target=target_of(tree))
    if isinstance(tree, exp.Alter):
        return _altered(tree, base)
    drops = isinstance(tree, exp.Drop) and tree.text("kind").upper() in ("TABLE", "SCHEMA", "VIEW")
    return replace(base, drops_table=drops)


def target_of(tree: Statement) -> TableName | None:
    """The table that ALTER TABLE, DROP TABLE, INSERT, UPDATE, DELETE, MERGE, TRUNCATE or CREATE
    changes, in lower case as Trino takes it."""
    if not isinstance(
        tree,
        exp.Alter
        | exp.Insert
        | exp.Update
        | exp.Delete
        | exp.Merge
        | exp.Create
        | exp.Drop
        | exp.TruncateTable,
    ):
        return None
    found = tree.this or next(iter(tree.args.get("tables") or tree.expressions), None)
    if isinstance(found, exp.Schema):
        found = found.this
    if not isinstance(found, exp.Table) or not found.name or not found.db:
        return None
    return TableName(
        schema=found.db.lower(), name=found.name.lower(), catalog=found.catalog.lower() or None
    )


def _altered(tree: exp.Alter, base: Described) -> Described:
    found = base
    for action in tree.args.get("actions") or ():
        if isinstance(action, nodes.TableExecute):
            named, positional = _arguments(action.expressions)
            where = action.args.get("where")
            found = replace(
                found,
                procedure=action.this.name.lower(),
                arguments=named,
                positional=positional,
                where=where.this if where is not None else None,
            )
        elif isinstance(action, nodes.SetProperties):
            pairs = {p.this.name.lower(): _literal(p.args.get("value")) for p in action.expressions}
            found = replace(found, properties=pairs)
        elif isinstance(action, exp.Drop):
            columns = action.args.get("tables") or [action.this]
            found = replace(found, dropped=(*found.dropped, *map(_dotted, columns)))
        elif isinstance(action, exp.AlterColumn) and action.args.get("dtype") is not None:
            kind = action.args["dtype"].sql(dialect=PhloTrino).lower()
            found = replace(found, types=(*found.types, (_dotted(action.this), kind)))
    return found


def _dotted(node: exp.Expr) -> str:
    return ".".join(found.name for found in node.find_all(exp.Identifier, bfs=False))


def _arguments(expressions: list[exp.Expr]) -> tuple[dict[str, str | None], int]:
    named = {
        each.this.name.lower(): _literal(each.expression)
        for each in expressions
        if isinstance(each, exp.Kwarg)
    }
    return named, len(expressions) - len(named)


def _literal(node: exp.Expr | None) -> str | None:
    if isinstance(node, exp.Literal):
        return str(node.this)
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    return None


def _session(tree: exp.Set) -> Iterator[tuple[str, str | None]]:
    for item in tree.expressions:
        pair = item.this
        if isinstance(pair, exp.EQ):
            yield pair.this.name.lower(), _literal(pair.expression)


def _names(tree: exp.Expr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    unquoted: dict[str, None] = {}
    reserved: dict[str, None] = {}
    for node in tree.find_all(exp.Identifier):
        if not node.quoted and isinstance(node.parent, exp.Table | exp.Column | exp.Drop):
            kind = reserved if node.name.upper() in RESERVED else unquoted
            kind[node.name] = None
    return tuple(unquoted), tuple(reserved)
