"""`access audit-log` and `access collect`: what was done, asked for and taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import DURATION, SIZE, Options, configured, pruning

if TYPE_CHECKING:
    from datetime import timedelta

    from phlo_sql.cli.output import Report


@click.command("audit-log")
@click.option("--user", "user_name", metavar="USER", help="Only what this user did.")
@click.option("--start-time", metavar="TIME", help="From then on: 2h ago, yesterday, ISO (UTC).")
@click.option("--end-time", metavar="TIME", help="Until then, in the same ways.")
@click.option("--table", metavar="TABLE", help="Only this table; * is any run of characters.")
@click.option("--action", metavar="ACTION", help="optimize, vacuum, evolve, grant, select, …")
@click.option("--denied", is_flag=True, help="Only what was refused.")
@click.option("--limit", type=click.IntRange(min=0), default=1000, show_default=True,
              help="The newest so many; 0: all.")  # fmt: skip
@click.option("--follow", is_flag=True, help="Go on with what is to come, until Ctrl-C.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--verify", "verifying", is_flag=True, help="Follow the chain of hashes; exit 1 "
              "where a row was altered or inserted, or is missing.")  # fmt: skip
@click.option("--prune", "cutting", is_flag=True, help="Take away what is older than --older-than.")
@click.option("--older-than", type=DURATION, metavar="DURATION", help="For --prune: 365d, …")
@pruning
def audit_log(
    user_name: str | None,
    start_time: str | None,
    end_time: str | None,
    table: str | None,
    action: str | None,
    denied: bool,
    limit: int,
    follow: bool,
    as_csv: bool,
    verifying: bool,
    cutting: bool,
    older_than: timedelta | None,
    options: Options,
) -> Report | int:
    """Show who did what: every operation, refusal and change of a policy.

    \b
    Examples:
      phlo-sql access audit-log --start-time '2h ago'
      phlo-sql access audit-log --user ann --table 'iceberg.sales.*' --denied
      phlo-sql access audit-log --verify
      phlo-sql access audit-log --prune --older-than 365d --yes
    """
    from datetime import UTC, datetime

    from phlo_sql.audit.moments import parse_moment
    from phlo_sql.audit.store import Filter
    from phlo_sql.cli import access_audit

    if cutting != (older_than is not None):
        raise click.UsageError("--prune and --older-than belong together")
    if cutting and older_than is not None:
        return access_audit.prune(older_than, options)
    if verifying:
        return access_audit.verify(options)
    if as_csv and options.as_json:
        raise click.UsageError("choose one of --csv and --json")
    now = datetime.now(UTC)
    wanted = Filter(
        user=user_name,
        start=parse_moment(start_time, now) if start_time is not None else None,
        end=parse_moment(end_time, now) if end_time is not None else None,
        table=table,
        action=action,
        denied=denied,
        limit=limit,
    )
    return access_audit.show(wanted, as_csv=as_csv, follow=follow, options=options)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8190, show_default=True,
              help="Port to listen on.")  # fmt: skip
@click.option("--spool", metavar="DIR", help="Where events wait until PostgreSQL has them.")
@click.option("--max-body", type=SIZE, default="32MB", show_default=True, metavar="SIZE",
              help="Largest event to take.")  # fmt: skip
@click.option("--certificate", metavar="FILE", help="PEM file: listen by https.")
@click.option("--key", metavar="FILE", help="PEM file of that certificate's key.")
@configured
def collect(
    host: str,
    port: int,
    spool: str | None,
    max_body: int,
    certificate: str | None,
    key: str | None,
    options: Options,
) -> Report:
    """Take what Trino's HTTP event listener posts into the audit trail, until Ctrl-C or SIGTERM.

    \b
    An event is on disk before Trino is answered, and waits there while PostgreSQL is
    away. Needs the extra `collect`, and the token of PHLO_SQL_COLLECT_TOKEN.

    \b
    Example:
      phlo-sql access collect --spool /var/lib/phlo-sql/events
    """
    from phlo_sql.cli.access_collect import run

    return run(host, port, spool, max_body, (certificate, key), options)
