"""`schema`: change a table's columns, compare schemas, write them in other formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import OUTPUT_FOLDER, TABLE, Options, Parameter, mutating, reading

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName

    Path = tuple[str, ...]


class ColumnParameter(Parameter):
    """`address.city` → its names."""

    name = "column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from phlo_sql.schema.spelling import parse_path

        return value if isinstance(value, tuple) else parse_path(value)


class PairParameter(Parameter):
    """`column:something` → the column's names and the rest, read by the kind of pair."""

    def __init__(self, kind: str) -> None:
        self.name = self.kind = kind

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path, Any]:
        if isinstance(value, tuple):
            return value
        flag = param.opts[0] if param is not None else "the option"
        return read_pair(value, self.kind, flag)


def read_pair(text: str, kind: str, flag: str) -> tuple[Path, Any]:
    """Raises PhloSqlError(INVALID_ARGUMENTS, BAD_TYPE)."""
    from phlo_sql.errors import Code, PhloSqlError
    from phlo_sql.schema.spelling import iceberg, parse_path, parse_type, split_path

    path, rest = split_path(text)
    if not rest.startswith(":") or (not rest[1:].strip() and kind != "text"):
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"{flag} {text!r} has no {kind} after the column",
            f"write {flag} {_EXAMPLES[kind]}",
        )
    rest = rest[1:]
    match kind:
        case "type":
            return path, iceberg(parse_type(rest))
        case "name":
            name = parse_path(rest.strip())
            if len(name) > 1:
                raise PhloSqlError(
                    Code.INVALID_ARGUMENTS,
                    f"{flag} {text!r}: a new name is one name, not a path",
                    'a field stays where it is; put a name that has a dot in quotes: "a.b"',
                )
            return path, name[0]
        case "column":
            return path, parse_path(rest.strip())
        case _:
            return path, rest


_EXAMPLES = {
    "type": "price:decimal(10,2)",
    "name": "old:new",
    "column": "new:existing",
    "text": "price:'net, in euro'",
    "value": "price:0",
}


@click.group()
def schema() -> None:
    """Change, compare and export schemas."""


@schema.command()
@click.argument("name", metavar="TABLE", type=TABLE)
@click.option(
    "--add-column",
    "adds",
    metavar="COLUMN:TYPE",
    multiple=True,
    type=PairParameter("type"),
    help="Add a column, or a field: address.zip:varchar, items.element.price:double.",
)
@click.option(
    "--drop-column",
    "drops",
    metavar="COLUMN",
    multiple=True,
    type=ColumnParameter(),
    help="Drop a column or a field.",
)
@click.option(
    "--rename",
    "renames",
    metavar="OLD:NEW",
    multiple=True,
    type=PairParameter("name"),
    help="Rename a column or a field; two may swap their names.",
)
@click.option(
    "--alter-type",
    "types",
    metavar="COLUMN:TYPE",
    multiple=True,
    type=PairParameter("type"),
    help="Widen a type: int to bigint, real to double, decimal to more digits.",
)
@click.option(
    "--make-optional",
    "optional",
    metavar="COLUMN",
    multiple=True,
    type=ColumnParameter(),
    help="Let a NOT NULL column be NULL.",
)
@click.option(
    "--comment",
    "comments",
    metavar="COLUMN:TEXT",
    multiple=True,
    type=PairParameter("text"),
    help="Comment on a column; an empty text removes the comment.",
)
@click.option("--table-comment", metavar="TEXT", help="Comment on the table.")
@click.option(
    "--default",
    "defaults",
    metavar="COLUMN:VALUE",
    multiple=True,
    type=PairParameter("value"),
    help="Default of a column (format 3); NULL takes it away.",
)
@click.option(
    "--first",
    metavar="COLUMN",
    multiple=True,
    type=ColumnParameter(),
    help="Put this added column first.",
)
@click.option(
    "--after",
    metavar="COLUMN:OTHER",
    multiple=True,
    type=PairParameter("column"),
    help="Put this added column behind another.",
)
@click.option(
    "--from",
    "file",
    metavar="FILE",
    help="A wanted schema (.sql, .py, .json, .avsc): the difference becomes the plan.",
)
@click.option(
    "--allow-breaking", is_flag=True, help="Allow changes that break who reads or writes."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with the steps that the last run on this table left; other flags are not read.",
)
@mutating
def evolve(
    name: tuple[TableName, str | None],
    ref: str | None,
    options: Options,
    *,
    file: str | None,
    resume: bool,
    **given: Any,
) -> Report:
    """Change the columns of a table without writing a file.

    Every flag speaks of the table as it is before the command; their order says nothing.

    \b
    Examples:
      phlo-sql schema evolve sales.orders --add-column note:varchar --dry-run
      phlo-sql schema evolve sales.orders --rename a:b --rename b:a --allow-breaking
      phlo-sql schema evolve sales.orders --alter-type id:bigint --comment "id:order number"
      phlo-sql schema evolve sales.orders --add-column address.zip:varchar --allow-breaking
      phlo-sql schema evolve sales.orders --from orders.sql --out evolve-orders.sql
      phlo-sql schema evolve sales.orders --ref dev --drop-column note --allow-breaking
      phlo-sql schema evolve sales.orders --resume --yes
    """
    from phlo_sql.cli.change import change
    from phlo_sql.cli.draw_schema import evolved
    from phlo_sql.cli.options import one_ref
    from phlo_sql.cli.schema_reading import left_over, read_text
    from phlo_sql.model.intents import Evolve

    table_name, written_ref = name
    if resume:
        return change(left_over(table_name, one_ref(written_ref, ref), options), options, evolved)
    intent = Evolve(
        table=table_name,
        ref=one_ref(written_ref, ref),
        file=file,
        file_text=read_text(file) if file else None,
        **given,
    )
    return change(intent, options, evolved)


@schema.command()
@click.argument("left", metavar="T1")
@click.argument("right", metavar="T2")
@click.option("--ref", metavar="REF", help="Ref of tables that name none after an @.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "sql"]),
    default="text",
    show_default=True,
    help="sql: the ALTER statements that lead from T1 to T2.",
)
@click.option("--exit-code", is_flag=True, help="Exit 1 where there are breaking differences.")
@reading
def diff(
    left: str, right: str, ref: str | None, form: str, options: Options, *, exit_code: bool
) -> Report:
    """Compare two schemas: tables, refs, snapshots, times or files.

    T@dev is a ref, T@8954597067493422955 a snapshot, T@2026-01-01 a time (UTC); a name that ends
    in .sql, .py, .json or .avsc is a file.

    \b
    Examples:
      phlo-sql schema diff sales.orders@main sales.orders@dev
      phlo-sql schema diff sales.orders orders.sql --exit-code
      phlo-sql schema diff sales.orders@2026-01-01 sales.orders
      phlo-sql schema diff sales.orders sales.orders_v2 --format sql
    """
    from phlo_sql.cli.schema_reading import compared

    return compared(left, right, ref, form == "sql", exit_code, options)


@schema.command("export")
@click.argument("name", metavar="TABLE", type=TABLE)
@click.option("--ref", metavar="REF", help="Nessie ref that the table is read at.")
@click.option(
    "--format",
    "form",
    type=click.Choice(
        ["markdown", "sql", "python", "json-schema", "avro", "arrow", "pydantic", "mermaid"]
    ),
    default="markdown",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--out",
    "folder",
    type=OUTPUT_FOLDER,
    metavar="DIR",
    help="Write a file for each table there; TABLE may be a glob: sales.*",
)
@reading
def export_schema(
    name: tuple[TableName, str | None],
    ref: str | None,
    form: str,
    folder: str | None,
    options: Options,
) -> Report:
    """Write a table's schema in a format that others read.

    \b
    Examples:
      phlo-sql schema export sales.orders
      phlo-sql schema export sales.orders --format sql
      phlo-sql schema export sales.orders@dev --format python
      phlo-sql schema export "sales.*" --format markdown --out docs/tables
    """
    from phlo_sql.cli.options import one_ref
    from phlo_sql.cli.schema_export import exported

    table, written_ref = name
    return exported(table, one_ref(written_ref, ref), form, folder, options)
