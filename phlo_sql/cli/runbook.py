"""`runbook`: plans that were saved as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import Options, applying, local

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report


@click.group()
def runbook() -> None:
    """Show and apply saved runbooks."""


@runbook.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@local
def show(file: str, options: Options) -> Report:
    """Show the plan that a runbook holds.

    \b
    Example:
      phlo-sql runbook show optimize-orders.sql
    """
    from phlo_sql.cli.change import show_runbook

    return show_runbook(file, options)


@runbook.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@applying
def apply(file: str, options: Options) -> Report:
    """Run a runbook, if the table still has the state that the plan was made from.

    \b
    Examples:
      phlo-sql runbook apply optimize-orders.sql --dry-run
      phlo-sql runbook apply optimize-orders.sql --yes
    """
    from phlo_sql.cli.change import apply_runbook

    return apply_runbook(file, options)
