"""CREATE TABLE, the state of a table's columns as one value, and what a view's query reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from phlo_sql.dialect.build import _pairs
from phlo_sql.dialect.predicates import all_of, compare
from phlo_sql.dialect.queries import count, function, select
from phlo_sql.dialect.render import PhloTrino, parse
from phlo_sql.dialect.types import data_type
from phlo_sql.dialect.values import DEFAULT, Default, Scalar, column, identifier, literal, table
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phlo_sql.dialect.render import Statement
    from phlo_sql.dialect.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDefinition:
    """A column of CREATE TABLE; `type` in Trino's spelling."""

    name: str
    type: str
    not_null: bool = False
    comment: str | None = None
    default: Scalar | Default = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedTable:
    """What a CREATE TABLE says: columns and table properties as Python values."""

    name: tuple[str, ...]
    columns: tuple[ColumnDefinition, ...]
    comment: str | None
    properties: dict[str, object]


def create_table(
    name: TableName,
    columns: Sequence[ColumnDefinition],
    *,
    comment: str | None = None,
    properties: Mapping[str, Value] | None = None,
) -> Statement:
    """`CREATE TABLE … COMMENT … WITH (…)`."""
    definitions = [_definition(each) for each in columns]
    clauses: list[exp.Expr] = []
    if comment is not None:
        clauses.append(exp.SchemaCommentProperty(this=literal(comment)))
    clauses += _pairs(properties or {})
    return exp.Create(
        this=exp.Schema(this=table(name), expressions=definitions),
        kind="TABLE",
        properties=exp.Properties(expressions=clauses) if clauses else None,
    )


def _definition(each: ColumnDefinition) -> exp.ColumnDef:
    clauses: list[exp.Expr] = []
    if not isinstance(each.default, Default):
        clauses.append(exp.DefaultColumnConstraint(this=literal(each.default)))
    if each.not_null:
        clauses.append(exp.NotNullColumnConstraint())
    if each.comment is not None:
        clauses.append(exp.CommentColumnConstraint(this=literal(each.comment)))
    return exp.ColumnDef(
        this=identifier(each.name),
        kind=data_type(each.type),
        constraints=[exp.ColumnConstraint(kind=clause) for clause in clauses],
    )


_FACTS = ("column_name", "ordinal_position", "data_type", "is_nullable")


def columns_digest(name: TableName) -> Statement:
    """The number of a table's columns and a checksum of their names, places, types, nullability."""
    row = exp.Struct(expressions=[column(each) for each in _FACTS])
    checksum = exp.Anonymous(this="checksum", expressions=[row])
    return select([count(), function("to_hex", checksum)], _columns(name), where=_named(name))


def column_fact(name: TableName, column_name: str, fact: str = "data_type") -> Statement:
    """One fact of one column, e.g. its `data_type` or `is_nullable`; no row where it is absent."""
    where = all_of([_named(name), compare("column_name", "=", column_name.lower())])
    return select([fact], _columns(name), where=where)


def count_columns(name: TableName, column_name: str) -> Statement:
    """1 where the table has the column, 0 where not."""
    where = all_of([_named(name), compare("column_name", "=", column_name.lower())])
    return select([count()], _columns(name), where=where)


def _columns(name: TableName) -> exp.Table:
    return table(TableName(catalog=name.catalog, schema="information_schema", name="columns"))


def _named(name: TableName) -> exp.Expr:
    return all_of(
        [compare("table_schema", "=", name.schema), compare("table_name", "=", name.name)]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a query reads of a table: every column (`*`), or these names (of any table in it)."""

    everything: bool
    names: frozenset[str]


def reading(sql: str, name: TableName) -> Reading | None:
    """How a view's query reads the table; None where it does not.

    A name that another table of the query has too is counted: better one warning too many. A
    query that can't be read counts as reading everything where it holds the table's name.
    """
    try:
        tree = parse(sql)
    except PhloSqlError:
        if name.name not in sql.lower():
            return None
        return Reading(everything=False, names=frozenset({*_words(sql)}))
    if not any(_is(each, name) for each in tree.find_all(exp.Table)):
        return None
    stars = [each for each in tree.find_all(exp.Star) if not isinstance(each.parent, exp.Count)]
    found = {each.name.lower() for each in tree.find_all(exp.Identifier)}
    return Reading(everything=bool(stars), names=frozenset(found))


def _words(sql: str) -> set[str]:
    return {each.strip('"').lower() for each in sql.replace(",", " ").replace("(", " ").split()}


def _is(found: exp.Table, name: TableName) -> bool:
    catalog, schema = found.catalog.lower(), found.db.lower()
    return (
        found.name.lower() == name.name
        and schema in ("", name.schema)
        and catalog in ("", (name.catalog or "").lower())
    )


def null_of(kind: str) -> exp.Expr:
    """`CAST(NULL AS type)`."""
    return exp.Cast(this=exp.Null(), to=data_type(kind))


def read_create_table(sql: str) -> CreatedTable:
    """What a CREATE TABLE says. Raises PhloSqlError(BAD_SCHEMA)."""
    try:
        tree = parse(sql)
    except PhloSqlError as error:
        raise _not_create(error.problem) from error
    schema = tree.this if isinstance(tree, exp.Create) else None
    if (
        not isinstance(tree, exp.Create)
        or tree.kind != "TABLE"
        or not isinstance(schema, exp.Schema)
    ):
        raise _not_create("it is no CREATE TABLE with columns")
    if not all(isinstance(each, exp.ColumnDef) for each in schema.expressions):
        raise _not_create("LIKE and other clauses among the columns are not read")
    comment, properties = None, {}
    for each in (tree.args.get("properties") or exp.Properties(expressions=[])).expressions:
        if isinstance(each, exp.SchemaCommentProperty):
            comment = each.this.name
        elif type(each) is exp.Property:
            properties[each.this.name.lower()] = _python(each.args["value"])
    found = schema.this
    parts = (found.args.get("catalog"), found.args.get("db"), found.this)
    return CreatedTable(
        name=tuple(part.name for part in parts if part is not None),
        columns=tuple(_read_column(each) for each in schema.expressions),
        comment=comment,
        properties=properties,
    )


def _read_column(each: exp.ColumnDef) -> ColumnDefinition:
    clauses = [clause.kind for clause in each.args.get("constraints") or ()]
    comment = next(
        (c.this.name for c in clauses if isinstance(c, exp.CommentColumnConstraint)), None
    )
    default = next((c.this for c in clauses if isinstance(c, exp.DefaultColumnConstraint)), None)
    return ColumnDefinition(
        name=each.this.name,
        type=each.args["kind"].sql(dialect=PhloTrino, identify=True),
        not_null=any(isinstance(clause, exp.NotNullColumnConstraint) for clause in clauses),
        comment=comment,
        default=DEFAULT if default is None else _python(default),
    )


def _python(value: exp.Expr) -> Any:
    if isinstance(value, exp.Array):
        return [_python(each) for each in value.expressions]
    if isinstance(value, exp.Map):
        keys, values = (_python(value.args[side]) for side in ("keys", "values"))
        return dict(zip(keys, values, strict=True))
    if isinstance(value, exp.Boolean):
        return bool(value.this)
    if isinstance(value, exp.Null):
        return None
    if isinstance(value, exp.Neg):
        return -_python(value.this)
    if isinstance(value, exp.Literal) and not value.is_string:
        return float(value.this) if any(sign in value.this for sign in ".eE") else int(value.this)
    return (
        value.name
        if isinstance(value, exp.Literal)
        else value.this.name
        if isinstance(value.this, exp.Expr)
        else str(value.this)
    )


def _not_create(why: str) -> PhloSqlError:
    return PhloSqlError(
        Code.BAD_SCHEMA,
        f"the file is not read as a table: {why}",
        "write one CREATE TABLE statement, as `schema export --format sql` does",
    )
