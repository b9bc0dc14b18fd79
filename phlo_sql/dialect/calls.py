"""Reading a statement back: what it calls, with which arguments, and whether it writes rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from phlo_sql.dialect import nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.dialect.render import Statement


class ReadCall(NamedTuple):
    """A call whose arguments are all named strings. `parts` are the procedure's, unquoted."""

    parts: tuple[str, ...]
    arguments: Mapping[str, str]


def read_call(tree: Statement) -> ReadCall | None:
    """None for what is no `CALL`, and where an argument is anything but `name => 'text'`."""
    if not isinstance(tree, nodes.Call) or not isinstance(tree.this, exp.Table):
        return None
    found = {}
    for argument in tree.expressions:
        value = argument.args.get("expression")
        if not isinstance(value, exp.Literal) or not value.is_string:
            return None
        found[str(argument.this.name)] = str(value.this)
    if len(found) != len(tree.expressions):
        return None
    return ReadCall(tuple(part.name for part in tree.this.parts), found)


def procedure_of(tree: Statement) -> str | None:
    """The table procedure of an `ALTER TABLE … EXECUTE`, in lower case; None: no such statement."""
    found = tree.find(nodes.TableExecute) if isinstance(tree, exp.Alter) else None
    return found.name.lower() if found is not None else None


def is_row_change(tree: Statement) -> bool:
    """Whether it writes rows of a table that is there already."""
    return isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge)
