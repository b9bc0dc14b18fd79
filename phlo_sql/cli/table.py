"""`table`: maintenance of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import PREDICATE, SIZE, TABLE, Options, mutating

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName


@click.group()
def table() -> None:
    """Optimize tables and look at their health."""


@table.command()
@click.argument("name", metavar="TABLE", type=TABLE)
@click.option(
    "--target-file-size",
    type=SIZE,
    metavar="SIZE",
    help="Size of the files written, e.g. 256MB. Without it: the table's own.",
)
@click.option(
    "--where",
    type=PREDICATE,
    metavar="PREDICATE",
    help="Only the partitions that it selects; widened to whole ones where needed.",
)
@click.option(
    "--verify",
    type=click.Choice(["none", "count"]),
    default="count",
    show_default=True,
    help="Compare the number of rows before and after.",
)
@mutating
def optimize(
    name: tuple[TableName, str | None],
    ref: str | None,
    options: Options,
    **given: Any,
) -> Report:
    """Rewrite small files into larger ones and apply deletes.

    \b
    Examples:
      phlo-sql table optimize sales.orders --dry-run
      phlo-sql table optimize sales.orders --target-file-size 256MB --yes
      phlo-sql table optimize sales.orders --where "day >= DATE '2026-01-01'" --dry-run
      phlo-sql table optimize sales.orders@dev --yes
      phlo-sql table optimize sales.orders --out optimize-orders.sql
    """
    from phlo_sql.cli import draw
    from phlo_sql.cli.change import change
    from phlo_sql.cli.options import one_ref
    from phlo_sql.model.intents import Optimize

    table_name, written_ref = name
    return change(
        Optimize(
            table=table_name,
            ref=one_ref(written_ref, ref),
            **given,
        ),
        options,
        draw.optimized,
    )
