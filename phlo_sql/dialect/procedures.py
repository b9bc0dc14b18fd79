"""What stands in an `ALTER TABLE … EXECUTE` or names a catalog, and a query at another time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.dialect import nodes
from phlo_sql.dialect.comparisons import constant
from phlo_sql.dialect.queries import Version, for_version

if TYPE_CHECKING:
    from phlo_sql.dialect.comparisons import Constant
    from phlo_sql.dialect.render import Expression, Statement


def where_of(statement: Statement) -> Expression | None:
    """The predicate of a table procedure; None where it has none."""
    action = statement.find(nodes.TableExecute)
    where = None if action is None else action.args.get("where")
    return None if where is None else where.this.copy()


def argument_of(statement: Statement, name: str) -> Constant | None:
    """The value of a named argument of a table procedure."""
    action = statement.find(nodes.TableExecute)
    for argument in action.expressions if action is not None else ():
        if argument.this.name == name:
            return constant(argument.expression)
    return None


def catalog_of(statement: Statement) -> str | None:
    """The catalog that `CREATE CATALOG` or `DROP CATALOG` names."""
    if isinstance(statement, nodes.CreateCatalog | nodes.DropCatalog):
        return str(statement.this.name)
    return None


def as_of(query: Statement, version: Version) -> Statement:
    """A query of one table as of a snapshot or ref."""
    found = query.copy()
    source = found.args["from_"]
    source.set("this", for_version(source.this, version))
    return found
