"""`migrate`: bring files and tables into Iceberg, with proof, and a way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import OUTPUT, TABLE, Options, going_back, local, partition_by, slicing
from phlo_sql.cli.spread import SpreadGroup

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.names import TableName


@click.group(
    cls=SpreadGroup,
    elsewhere={
        "detach": ("phlo_sql.cli.migrate_detach", "detach"),
        "from-hive": ("phlo_sql.cli.migrate_sources", "from_hive"),
        "from-glue": ("phlo_sql.cli.migrate_sources", "from_glue"),
    },
)
def migrate() -> None:
    """Bring tables and files into Iceberg, with proof that nothing changed, and a way back."""


@migrate.command()
@click.argument("path", metavar="PATH")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "avro", "orc"]),
    required=True,
    help="What the files are.",
)
@click.option("--table", metavar="TABLE", type=TABLE, required=True, help="The table to make.")
@click.option(
    "--mode",
    type=click.Choice(["auto", "in-place", "copy"]),
    default="auto",
    show_default=True,
    help="auto: in place where that is proven safe, by copy where not.",
)
@click.option(
    "--verify",
    type=click.Choice(["count", "checksum", "sample"]),
    help="How content is compared; checksum up to 50 GB and count above, where not given.",
)
@partition_by
@click.option("--location", metavar="FOLDER", help="Where the table's own files go.")
@click.option(
    "--if-exists",
    type=click.Choice(["fail", "skip"]),
    default="fail",
    show_default=True,
    help="What to do where the table exists.",
)
@click.option(
    "--report",
    "file",
    type=OUTPUT,
    metavar="FILE",
    help="Write what was done, proofs and timings: .json, .html.",
)
@click.option("--resume", is_flag=True, help="Go on where the last run on this table stopped.")
@slicing
def convert(
    path: str,
    form: Any,
    table: tuple[TableName, str | None],
    ref: str | None,
    options: Options,
    *,
    resume: bool,
    file: str | None,
    **given: Any,
) -> Report:
    """Make a table of data files: a file, a folder, partition folders (key=value) or a glob.

    \b
    Examples:
      phlo-sql migrate convert s3://lake/raw/orders --format parquet --table sales.orders --dry-run
      phlo-sql migrate convert s3://lake/raw/orders --format parquet --table sales.orders --yes
      phlo-sql migrate convert "/data/2026-*.avro" --format avro --table sales.orders --mode copy
      phlo-sql migrate convert s3://lake/raw/orders --format orc --table sales.orders@dev
    """
    from phlo_sql.cli.migrating import converted, gone_on
    from phlo_sql.cli.options import one_ref
    from phlo_sql.model.migration import Convert

    name, written_ref = table
    at = one_ref(written_ref, ref)
    if resume:
        return gone_on(name, at, options, file)
    intent = Convert(
        path=path if ":/" in path else str(Path(path).absolute()),
        format=form,
        table=name,
        ref=at,
        **given,
    )
    return converted(intent, options, file)


@migrate.command()
@click.argument("operation", metavar="ID")
@going_back
def rollback(operation: str, options: Options) -> Report:
    """Take away all that one migration made: the table's name, its own files, scratch catalogs.

    ID is the operation's, as `migrate status` lists it. The source stays as it is.

    \b
    Examples:
      phlo-sql migrate status
      phlo-sql migrate rollback 20260102T030405-0123456789ab --dry-run
      phlo-sql migrate rollback 20260102T030405-0123456789ab --yes
    """
    from phlo_sql.cli.migrating import rolled_back

    return rolled_back(operation, options)


@migrate.command()
@click.argument("operation", metavar="[ID]", required=False)
@local
def status(operation: str | None, options: Options) -> Report:
    """List the migrations that this machine's journal knows, or show one.

    \b
    Examples:
      phlo-sql migrate status
      phlo-sql migrate status 20260102T030405-0123456789ab
    """
    from phlo_sql.cli.migrating import listed

    return listed(operation)
