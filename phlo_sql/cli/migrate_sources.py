"""`migrate from-hive` and `migrate from-glue`: the tables of a metastore's database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phlo_sql.cli.options import OUTPUT, SCHEMA, Options, partition_by, slicing

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report
    from phlo_sql.model.migration import FromTable

_F = TypeVar("_F", bound=Callable[..., Any])


def _choices(command: _F) -> _F:
    """What both commands are told of the tables and of how they come over."""
    for option in reversed(
        (
            click.option("--database", metavar="NAME", required=True, help="Of the metastore."),
            click.option(
                "--target",
                type=SCHEMA,
                metavar="[CATALOG.]SCHEMA",
                required=True,
                help="Where the tables go, under their own names.",
            ),
            click.option(
                "--table",
                "tables",
                metavar="PATTERN",
                multiple=True,
                help="Only these: a name or a glob, may be repeated.",
            ),
            click.option(
                "--mode",
                type=click.Choice(["auto", "in-place", "copy"]),
                default="auto",
                show_default=True,
                help="auto: in place where that is proven safe, by copy where not.",
            ),
            click.option(
                "--verify",
                type=click.Choice(["count", "checksum", "sample"]),
                help="How content is compared; checksum up to 50 GB and count above without it.",
            ),
            partition_by,
            click.option(
                "--if-exists",
                type=click.Choice(["fail", "skip"]),
                default="fail",
                show_default=True,
                help="What to do with a table that exists in the target.",
            ),
            click.option(
                "--report",
                "file",
                type=OUTPUT,
                metavar="FILE",
                help="Write what was done, proofs and timings: .json, .html.",
            ),
            click.option(
                "--resume", is_flag=True, help="Go on where the last run stopped; then the rest."
            ),
        )
    ):
        command = option(command)
    return command


def _source_catalog(usual: str) -> Callable[[_F], _F]:
    return click.option(
        "--source-catalog",
        metavar="NAME",
        default=usual,
        show_default=True,
        help="Trino's catalog that shows the metastore: grants on its tables come over, and it is "
        "asked what files do not tell.",
    )


@click.command("from-hive")
@click.option("--uri", metavar="THRIFT", required=True, help="thrift://host:9083.")
@click.option(
    "--cut-over",
    type=OUTPUT,
    metavar="FILE",
    help="Save the runbook that swaps the names, and run nothing of it; of several tables one "
    "each, with its name in the file's.",
)
@_source_catalog("hive")
@_choices
@slicing
def from_hive(
    options: Options,
    *,
    tables: tuple[str, ...],
    resume: bool,
    file: str | None,
    cut_over: str | None,
    **given: Any,
) -> Report:
    """Bring tables of a Hive metastore into Iceberg; views and other formats are left alone.

    \b
    Examples:
      phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales --dry-run
      phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target nessie.sales \\
        --parallel 4 --report migration.html --yes
      phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales \\
        --table "orders*" --mode copy --yes
      phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales \\
        --table events --partition-by "day(at)" --partition-by region --yes
      phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales \\
        --table orders --if-exists skip --cut-over swap-orders.sql --yes
    """
    from phlo_sql.cli.migrating_tables import migrated_tables
    from phlo_sql.model.migration import FromHive

    intent = FromHive(tables=tables, **given)

    def then(report: Report, table: FromTable, /, *, several: bool) -> Report:
        from phlo_sql.cli.cut_over import named, saved

        name = named(str(cut_over), table.table.name) if several else str(cut_over)
        return saved(report, table, intent, options, name)

    after = then if cut_over else None
    return migrated_tables(intent, options, resume=resume, file=file, then=after)


@click.command("from-glue")
@click.option(
    "--region",
    metavar="REGION",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    help="AWS's  [AWS_REGION, AWS_DEFAULT_REGION]; the profile's own without it.",
)
@click.option("--endpoint", metavar="URL", help="Glue's address, where it is not AWS's own.")
@_source_catalog("glue")
@_choices
@slicing
def from_glue(
    options: Options, *, tables: tuple[str, ...], resume: bool, file: str | None, **given: Any
) -> Report:
    """Bring tables of AWS Glue into Iceberg, with AWS's usual credentials and profiles.

    \b
    Examples:
      phlo-sql migrate from-glue --database sales --region eu-west-1 --target sales --dry-run
      AWS_PROFILE=lake phlo-sql migrate from-glue --database sales --target sales --yes
      phlo-sql migrate from-glue --database sales --region eu-west-1 --target sales \\
        --table orders --if-exists skip --yes
    """
    from phlo_sql.cli.migrating_tables import migrated_tables
    from phlo_sql.model.migration import FromGlue

    intent = FromGlue(tables=tables, **given)
    return migrated_tables(intent, options, resume=resume, file=file)
