"""Rows from one table into another, and whether two tables hold the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from sqlglot import exp

from phlo_sql.dialect import nodes
from phlo_sql.dialect.queries import aliased, count, function, select
from phlo_sql.dialect.render import parse
from phlo_sql.dialect.types import data_type
from phlo_sql.dialect.values import column, identifier, literal, metadata_table, table
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.dialect.render import Expression, Statement

SOURCE, TARGET = "source", "target"
SIDE, ROWS = "$side", "$rows"
"""Columns of what `differences` answers, beside the keys and a checksum for each column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two tables that are to hold the same: an expression for each column to compare."""

    table: TableName
    keys: Sequence[Expression]
    values: Sequence[Expression]
    where: Expression | None = None


def cast(value: Expression, kind: str) -> Expression:
    """`CAST(value AS kind)`."""
    return exp.Cast(this=value.copy(), to=data_type(kind))


def unsigned(value: Expression, kind: str, bits: int) -> Expression:
    """An unsigned number out of the signed one that a reader made of its bits."""
    signed = cast(value, kind)
    whole: Expression = literal(2**bits)
    if bits == 64:
        whole = cast(literal(str(2**bits)), kind)
    negative = exp.LT(this=value.copy(), expression=literal(0))
    return exp.Case(
        ifs=[exp.If(this=negative, true=exp.Add(this=signed, expression=whole))],
        default=signed.copy(),
    )


def insert_select(
    target: TableName,
    columns: Sequence[str],
    values: Sequence[Expression],
    source: TableName,
    where: Expression | None = None,
) -> Statement:
    """`INSERT INTO target (columns) SELECT values FROM source WHERE …`."""
    names = [identifier(each) for each in columns]
    return exp.Insert(
        this=exp.Schema(this=table(target), expressions=names),
        expression=select(list(values), table(source), where=where),
    )


def differences(
    sources: Sequence[Side], target: Side, keys: Sequence[str], values: Sequence[str]
) -> Statement:
    """Groups of rows that are not in both sides with the same number and the same content: no row,
    no difference. Each side is read once; no group is in two of the sources."""
    both: exp.Expr = _summary(SOURCE, sources[0], keys, values)
    for name, one in [*((SOURCE, each) for each in sources[1:]), (TARGET, target)]:
        both = exp.Union(this=both, expression=_summary(name, one, keys, values), distinct=False)
    inner = exp.Subquery(this=both, alias=exp.TableAlias(this=identifier("sides")))
    names = [*keys, ROWS, *values]
    side = exp.Min(this=column(SIDE))
    return exp.Select(
        expressions=[aliased(side, SIDE), *(column(name) for name in names)],
        from_=exp.From(this=inner),
        group=exp.Group(expressions=[column(name) for name in names]),
        having=exp.Having(this=exp.NEQ(this=count(), expression=literal(2))),
    )


def _summary(name: str, side: Side, keys: Sequence[str], values: Sequence[str]) -> exp.Select:
    items = [aliased(literal(name), SIDE)]
    items += [aliased(value, key) for key, value in zip(keys, side.keys, strict=True)]
    items.append(aliased(count(), ROWS))
    for alias, value in zip(values, side.values, strict=True):
        items.append(aliased(exp.Anonymous(this="checksum", expressions=[value.copy()]), alias))
    found = select(items, table(side.table), where=side.where, group_by=side.keys)
    assert isinstance(found, exp.Select)  # noqa: S101 - that is what `select` makes
    return found


def created_catalog(tree: Statement) -> tuple[str, Mapping[str, str]] | None:
    """Name and properties of a CREATE CATALOG."""
    if not isinstance(tree, nodes.CreateCatalog):
        return None
    pairs = tree.args.get("properties")
    found = {each.this.name: each.args["value"].name for each in pairs.expressions} if pairs else {}
    return tree.this.name, found


def count_named(
    source: TableName, of: Mapping[str, str], like: Mapping[str, str] | None = None
) -> Statement:
    """How many rows of a list (of catalogs, of tables) have these values."""
    conditions: list[exp.Expr] = [
        exp.EQ(this=column(name), expression=literal(value)) for name, value in of.items()
    ]
    conditions += [
        exp.Like(this=column(name), expression=literal(value))
        for name, value in (like or {}).items()
    ]
    return select([count()], table(source), where=exp.and_(*conditions))


def count_catalogs(name: str, connector: str | None = None) -> Statement:
    """1 where the server has this catalog (of this connector), 0 where not."""
    of = {"catalog_name": name} | ({"connector_name": connector} if connector else {})
    return count_named(TableName(catalog="system", schema="metadata", name="catalogs"), of)


def count_tables(name: TableName) -> Statement:
    """1 where the table is there, 0 where not."""
    source = TableName(catalog=name.catalog, schema="information_schema", name="tables")
    return count_named(source, {"table_schema": name.schema, "table_name": name.name})


def property_of(names: Sequence[TableName], key: str) -> Statement:
    """One row of name and value for each of these Iceberg tables that has the property."""
    queries = [
        select(
            [aliased(literal(each.name), "name"), "value"],
            table(
                TableName(catalog=each.catalog, schema=each.schema, name=f"{each.name}$properties")
            ),
            where=exp.EQ(this=column("key"), expression=literal(key)),
        )
        for each in names
    ]
    return reduce(lambda one, other: exp.Union(this=one, expression=other, distinct=False), queries)


def count_files(name: TableName) -> Statement:
    """Data files of an Iceberg table."""
    from_ = TableName(catalog=name.catalog, schema=name.schema, name=f"{name.name}$files")
    return select([count()], table(from_))


def show_create_schema(catalog: str, schema: str) -> Statement:
    """`SHOW CREATE SCHEMA`: where tables of the schema lie."""
    this = exp.Table(db=identifier(schema), catalog=identifier(catalog))
    return nodes.ShowCreate(this=this, kind="SCHEMA")


def show_create_table(name: TableName) -> Statement:
    """`SHOW CREATE TABLE`."""
    return nodes.ShowCreate(this=table(name), kind="TABLE")


def count_outside(name: TableName, folder: str) -> Statement:
    """Files of an Iceberg table that do not lie below a folder."""
    below = function("starts_with", column("file_path"), f"{folder.rstrip('/')}/")
    return select([count()], metadata_table(name, "files"), where=exp.Not(this=below))


def main_snapshot(name: TableName) -> Statement:
    """The current snapshot of an Iceberg table."""
    return select(
        ["snapshot_id"],
        metadata_table(name, "refs"),
        where=exp.EQ(this=column("name"), expression=literal("main")),
    )


def renaming_of(tree: Statement) -> tuple[TableName, TableName] | None:
    """What ALTER TABLE … RENAME TO calls what; None where it is no such statement."""
    actions = tree.args.get("actions") if isinstance(tree, exp.Alter) else None
    if not actions or len(actions) != 1 or not isinstance(actions[0], exp.AlterRename):
        return None
    return _name(tree.this), _name(actions[0].this)


def analyze(name: TableName) -> Statement:
    """`ANALYZE`: how many distinct values each column has."""
    return exp.Analyze(tables=[table(name)])


def create_view(name: TableName, columns: Sequence[str], of: TableName) -> Statement:
    """`CREATE VIEW … SECURITY INVOKER`: it gives nobody a right that they don't have."""
    return exp.Create(
        this=table(name),
        kind="VIEW",
        expression=select(list(columns), table(of)),
        properties=exp.Properties(expressions=[exp.SqlSecurityProperty(this="INVOKER")]),
    )


def drop_view(name: TableName) -> Statement:
    return exp.Drop(tables=[table(name)], kind="VIEW")


def is_of_view(tree: Statement) -> bool:
    """Whether it makes or drops a view."""
    return isinstance(tree, exp.Create | exp.Drop) and tree.text("kind").upper() == "VIEW"


def _name(node: exp.Table) -> TableName:
    return TableName(catalog=node.catalog or None, schema=node.db, name=node.name)


def schema_location(text: str) -> str | None:
    """The location in what SHOW CREATE SCHEMA answered."""
    tree = parse(text)
    properties = tree.args.get("properties")
    for each in properties.expressions if properties else ():
        if isinstance(each, exp.Property) and each.this.name.lower() == "location":
            return str(each.args["value"].name)
    return None


def where_of(tree: Statement) -> Expression | None:
    """The condition of an INSERT … SELECT."""
    query = tree.args.get("expression") if isinstance(tree, exp.Insert) else None
    found = query.args.get("where") if isinstance(query, exp.Select) else None
    return found.this if found is not None else None


def catalog_of(tree: Statement) -> str | None:
    """The catalog that a statement changes something in, or makes or drops; None: it only reads."""
    if isinstance(tree, exp.Query):
        return None
    if isinstance(tree, nodes.CreateCatalog | nodes.DropCatalog):
        return str(tree.this.name)
    found = tree.this if isinstance(tree.this, exp.Expr) else None
    if found is None:
        found = next(iter(tree.args.get("tables") or ()), None)
    if isinstance(found, exp.Schema):
        found = found.this
    return str(found.catalog) if isinstance(found, exp.Table) else ""


def running_queries(queries: TableName, mark: str) -> Statement:
    """Ids of queries that have not ended and whose text holds the mark."""
    ended = exp.Not(
        this=exp.In(this=column("state"), expressions=[literal("FINISHED"), literal("FAILED")])
    )
    text = column("query")
    held = exp.GT(this=function("strpos", text, mark), expression=literal(0))
    # This query holds the mark too.
    other = exp.EQ(this=function("strpos", text.copy(), "strpos"), expression=literal(0))
    return select(["query_id"], table(queries), where=exp.and_(ended, held, other))
