"""What a statement reads and changes: the names in its text, made whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.described import describe
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.dialect.render import Statement


class Touched(NamedTuple):
    """`tables` in the order of the text, so that one that is changed comes first; `place` is the
    catalog or schema where that is the target; `procedure` of EXECUTE or CALL, in lower case."""

    tables: tuple[TableName, ...]
    place: str | None
    procedure: str | None


def touched(tree: Statement, catalog: str | None, schema: str | None) -> Touched:
    """Names without a schema or catalog are of the session's; WITH's own names are none."""
    found = describe(tree)
    if isinstance(tree, nodes.Call):
        # Every table procedure of Iceberg that is called takes schema and table first.
        first = [each.name for each in tree.expressions if isinstance(each, exp.Literal)]
        by_place = dict(zip(("schema_name", "table_name"), first, strict=False))
        named = {"catalog": tree.this.catalog or catalog, **by_place, **found.arguments}
        return Touched(tuple(_called(named)), named["catalog"], found.procedure)
    own = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables: dict[TableName, None] = {}
    places: list[str] = []
    for node in tree.find_all(exp.Table, bfs=False):
        if isinstance(node.this, exp.Func | exp.Anonymous):
            continue
        if not node.name or isinstance(node.parent, exp.Use):
            places.append(".".join(part.name.lower() for part in node.parts))
        elif node.db or node.name.lower() not in own:
            name = _whole(node, catalog, schema)
            if name is not None:
                tables[name] = None
    if isinstance(tree, exp.Comment) and not tables:
        tables.update(dict.fromkeys(_commented(tree, catalog, schema)))
    if isinstance(tree, nodes.CreateCatalog | nodes.DropCatalog):
        places.append(tree.name.lower())
    return Touched(tuple(tables), next(iter(places), None), found.procedure)


def _whole(node: exp.Table, catalog: str | None, schema: str | None) -> TableName | None:
    place = (node.db or schema or "").lower()
    if not place:
        return None
    # A metadata table follows its table, as in the policies.
    name = node.name.lower()
    return TableName(
        catalog=(node.catalog or catalog or "").lower() or None,
        schema=place,
        name=name[: name.index("$", 1)] if "$" in name[1:] else name,
    )


def _called(named: dict[str, str | None]) -> Iterator[TableName]:
    place, name = named.get("schema_name"), named.get("table_name")
    if place and name:
        yield TableName(catalog=named["catalog"], schema=place.lower(), name=name.lower())


def _commented(tree: exp.Comment, catalog: str | None, schema: str | None) -> Iterator[TableName]:
    """COMMENT ON COLUMN names a column: what stands before it is the table."""
    names = [part.name for part in tree.this.find_all(exp.Identifier, bfs=False)]
    if tree.text("kind").upper() == "COLUMN" and len(names) > 1:
        parts = [part.lower() for part in names[:-1]][-3:]
        given = [catalog, schema][: 3 - len(parts)] + parts
        if given[-2]:
            above = given[-3] if len(given) > 2 else None
            yield TableName(catalog=above, schema=str(given[-2]), name=str(given[-1]))
