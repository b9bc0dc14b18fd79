"""`access`: who may do what."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import Options, local

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report

_ELSEWHERE = {
    "audit-log": ("phlo_sql.cli.audit", "audit_log", "Who did what, when; and is the log whole."),
    "collect": ("phlo_sql.cli.audit", "collect", "Receive Trino's events into the audit log."),
}
"""Commands of other modules: name → module, attribute, summary. Imported when they are named."""


class AccessGroup(click.Group):
    """Also holds the commands that other modules add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *(name for name in _ELSEWHERE if _there(name))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE or not _there(cmd_name):
            return super().get_command(ctx, cmd_name)
        module, attribute, _ = _ELSEWHERE[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake in _ELSEWHERE
        return command


def _there(name: str) -> bool:
    return importlib.util.find_spec(_ELSEWHERE[name][0]) is not None


@click.group(cls=AccessGroup)
def access() -> None:
    """Who may do what, and who did what."""


@access.command()
@click.option("--admin", metavar="USER", help="The first admin of everything.")
@click.option(
    "--database-role",
    metavar="ROLE",
    help="PostgreSQL role that runs phlo-sql: may append to the audit log, not change it.",
)
@local
def init(admin: str | None, database_role: str | None, options: Options) -> Report:
    """Make or upgrade the schemas for policies and audit in PostgreSQL; safe to run again.

    \b
    Examples:
      phlo-sql access init --admin ann
      phlo-sql access init --database-role phlo_app
    """
    from phlo_sql.cli.access_policies import initialise

    return initialise(admin, database_role, options)
