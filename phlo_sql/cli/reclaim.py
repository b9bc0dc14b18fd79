"""`table expire-snapshots`: free what old snapshots hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import DURATION, TABLE, Options, mutating
from phlo_sql.model.intents import RETENTION

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
@_SHORT
@mutating
def expire_snapshots(
    name: tuple[TableName, str | None],
    older_than: timedelta,
    keep_last: int | None,
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
        allow_short_retention=allow_short_retention,
    )
    return change(intent, options, draw_reclaim.expired)
