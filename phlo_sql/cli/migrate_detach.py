"""`migrate detach`: cut the tie between a table and the files of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import TABLE, Options, mutating

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName


@click.command()
@click.argument("table", metavar="TABLE", type=TABLE)
@click.option(
    "--verify",
    type=click.Choice(["count", "checksum"]),
    help="How content is compared; checksum up to 50 GB and count above, where not given.",
)
@click.option("--location", metavar="FOLDER", help="Where the table's own files go.")
@mutating
def detach(
    table: tuple[TableName, str | None], ref: str | None, options: Options, **given: Any
) -> Report:
    """Give a table that was taken in place files of its own; then its source may go.

    The same command goes on where a run of it stopped.

    \b
    Examples:
      phlo-sql migrate detach sales.orders --dry-run
      phlo-sql migrate detach sales.orders --yes
      phlo-sql migrate detach nessie.sales.orders@dev --out detach-orders.sql
    """
    from phlo_sql.cli.migrating import detached
    from phlo_sql.cli.options import one_ref
    from phlo_sql.model.migration import Detach

    name, written = table
    return detached(Detach(table=name, ref=one_ref(written, ref), **given), options)
