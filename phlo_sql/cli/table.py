"""`table`: maintenance of one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import NAMES, PREDICATE, SIZE, TABLE, Options, slicing
from phlo_sql.cli.spread import SpreadGroup
from phlo_sql.model.bounds import SLICE_BYTES, SLICE_FILES

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName


_ELSEWHERE = {
    "expire-snapshots": ("phlo_sql.cli.reclaim", "expire_snapshots"),
    "stats": ("phlo_sql.cli.stats", "stats"),
    "vacuum": ("phlo_sql.cli.reclaim", "vacuum"),
}


@click.group(cls=SpreadGroup, elsewhere=_ELSEWHERE)
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
    "--sort-by",
    type=NAMES,
    metavar="A,B",
    default=(),
    help="Columns that files are sorted by in this run (Trino has no Z-order: name first the "
    "column that queries filter by most).",
)
@click.option(
    "--rewrite-all", is_flag=True, help="Take files of any size, also where it gains nothing."
)
@click.option(
    "--create-catalog",
    is_flag=True,
    help="Where no catalog of Trino shows the ref: make one for the run, and drop it again.",
)
@click.option("--manifests", is_flag=True, help="Merge manifests too, where that gains.")
@click.option(
    "--max-slice-bytes",
    type=SIZE,
    metavar="SIZE",
    default=SLICE_BYTES,
    show_default="100GB",
    help="Bytes that one statement rewrites at most.",
)
@click.option(
    "--max-slice-files",
    type=click.IntRange(min=2),
    metavar="N",
    default=SLICE_FILES,
    show_default=True,
    help="Files that one statement rewrites at most.",
)
@click.option(
    "--resume", is_flag=True, help="Go on with the last run of this table that was stopped."
)
@click.option(
    "--verify",
    type=click.Choice(["none", "count", "checksum"]),
    default="count",
    show_default=True,
    help="Compare rows, or a checksum of them, of each partition before and after.",
)
@slicing
def optimize(
    name: tuple[TableName, str | None],
    ref: str | None,
    options: Options,
    *,
    resume: bool,
    **given: Any,
) -> Report:
    """Rewrite small files into larger ones and apply deletes.

    \b
    Examples:
      phlo-sql table optimize sales.orders --dry-run
      phlo-sql table optimize sales.orders --target-file-size 256MB --yes
      phlo-sql table optimize sales.orders --where "day >= DATE '2026-01-01'" --dry-run
      phlo-sql table optimize sales.orders@dev --yes
      phlo-sql table optimize sales.orders --parallel 4 --accept-drift --yes
      phlo-sql table optimize sales.orders --resume --yes
      phlo-sql table optimize sales.orders --out optimize-orders.sql
    """
    from phlo_sql.cli import draw
    from phlo_sql.cli.change import change
    from phlo_sql.cli.options import one_ref
    from phlo_sql.cli.resume import resumed
    from phlo_sql.model.intents import Optimize

    table_name, written_ref = name
    intent = Optimize(table=table_name, ref=one_ref(written_ref, ref), **given)
    if resume:
        intent = resumed(intent, options, optimize)
    return change(intent, options, draw.optimized)
