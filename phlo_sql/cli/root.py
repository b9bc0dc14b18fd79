"""The root group. A group's module is imported when one of its commands is named."""

from __future__ import annotations

import importlib

import click

from phlo_sql import TESTED_TRINO_VERSIONS, __version__

GROUPS = {
    "table": ("phlo_sql.cli.table", "Optimize tables and look at their health."),
    "schema": ("phlo_sql.cli.schema", "Change, compare and export schemas."),
    "migrate": ("phlo_sql.cli.migrate", "Bring files into Iceberg, with proof and a way back."),
    "runbook": ("phlo_sql.cli.runbook", "Show and apply saved runbooks."),
    "access": ("phlo_sql.cli.access", "Who may do what."),
    "stack": ("phlo_sql.cli.stack", "Start and stop the local servers for trying and testing."),
    "completion": ("phlo_sql.cli.completion", "Print the completion script of a shell."),
    "doctor": ("phlo_sql.cli.doctor", "Check settings, server, catalog and procedures."),
}


class LazyGroup(click.Group):
    """Lists its commands without importing them: `--help` costs what click costs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in GROUPS:
            return None
        command = getattr(importlib.import_module(GROUPS[cmd_name][0]), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake in GROUPS
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in GROUPS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    prog_name="phlo-sql",
    message="%(prog)s %(version)s, tested with Trino "
    + " and ".join(str(version) for version in TESTED_TRINO_VERSIONS),
)
def cli() -> None:
    """Lakehouse maintenance for Trino and Iceberg, as SQL that a DBA can read first.

    \b
    Examples:
      phlo-sql table optimize sales.orders --dry-run
      phlo-sql table optimize sales.orders --target-file-size 256MB --yes
      phlo-sql table optimize sales.orders --out runbook.sql
      phlo-sql runbook apply runbook.sql
      phlo-sql stack up
      phlo-sql doctor
    """
