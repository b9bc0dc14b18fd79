"""`table expire-snapshots` and `table vacuum`: free what nothing needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import DURATION, OUTPUT, TABLE, Options, mutating
from phlo_sql.model.bounds import RETENTION

if TYPE_CHECKING:
    from datetime import timedelta

    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName

_SHORT = click.option(
    "--allow-short-retention",
    is_flag=True,
    help="Lower the catalog's retention floor for this run.",
)
_OLDER = click.option(
    "--older-than",
    type=DURATION,
    metavar="AGE",
    default=RETENTION,
    show_default="7d",
    help="Age from which on it may go, e.g. 30d or 36h.",
)


@click.command("expire-snapshots")
@click.argument("name", metavar="TABLE", type=TABLE)
@_OLDER
@click.option(
    "--keep-last",
    type=click.IntRange(min=1),
    metavar="N",
    help="Snapshots of each branch that stay whatever their age.",
)
@click.option(
    "--clean-expired-metadata",
    is_flag=True,
    help="Forget schemas and partition specs that no snapshot needs; Trino 479 or newer.",
)
@_SHORT
@mutating
def expire_snapshots(
    name: tuple[TableName, str | None],
    older_than: timedelta,
    keep_last: int | None,
    clean_expired_metadata: bool,
    allow_short_retention: bool,
    ref: str | None,
    options: Options,
) -> Report:
    """Forget old snapshots, and delete the files that only they need.

    The dry run lists which snapshots go and what holds those that stay, and the files that go.
    Branches' and tags' own retention counts. A Nessie catalog keeps one snapshot per commit: use
    vacuum there.

    \b
    Examples:
      phlo-sql table expire-snapshots sales.orders --dry-run
      phlo-sql table expire-snapshots sales.orders --older-than 30d --keep-last 10 --yes
      phlo-sql table expire-snapshots sales.orders --out expire-orders.sql
    """
    from phlo_sql.cli import draw_reclaim
    from phlo_sql.cli.change import change
    from phlo_sql.cli.options import one_ref
    from phlo_sql.model.intents import ExpireSnapshots

    table_name, written_ref = name
    intent = ExpireSnapshots(
        table=table_name,
        ref=one_ref(written_ref, ref),
        older_than=older_than,
        keep_last=keep_last,
        clean_expired_metadata=clean_expired_metadata,
        allow_short_retention=allow_short_retention,
    )
    return change(intent, options, draw_reclaim.expired)


@click.command()
@click.argument("name", metavar="TABLE", type=TABLE)
@_OLDER
@click.option(
    "--list",
    "list_file",
    type=OUTPUT,
    metavar="FILE",
    help="Write the list of all files to delete there, as .parquet or .csv.",
)
@_SHORT
@mutating
def vacuum(
    name: tuple[TableName, str | None],
    older_than: timedelta,
    list_file: str | None,
    allow_short_retention: bool,
    ref: str | None,
    options: Options,
) -> Report:
    """Expire old snapshots, and delete files that nothing references.

    A file goes only if no snapshot, branch, tag, metadata file or other table of the catalog needs
    it; on Nessie, of all refs and their history inside the retention. What can't be proven is
    refused. The list is looked at again right before it runs, and every live file afterwards.

    \b
    Examples:
      phlo-sql table vacuum sales.orders --dry-run
      phlo-sql table vacuum sales.orders --older-than 14d --list dead.csv --dry-run
      phlo-sql table vacuum sales.orders --yes
      phlo-sql table vacuum sales.orders --out vacuum-orders.sql
    """
    from phlo_sql.cli import beside, draw_reclaim
    from phlo_sql.cli.change import change
    from phlo_sql.cli.options import one_ref
    from phlo_sql.model.intents import Vacuum

    if list_file is not None:
        beside.require_format(list_file)
    table_name, written_ref = name
    intent = Vacuum(
        table=table_name,
        ref=one_ref(written_ref, ref),
        older_than=older_than,
        allow_short_retention=allow_short_retention,
        list_file=list_file,
    )
    return change(intent, options, draw_reclaim.vacuumed)
