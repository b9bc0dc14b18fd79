"""`runbook`: plans that were saved as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import OUTPUT, Options, applying, configured, going_back, reading

if TYPE_CHECKING:
    from phlo_sql.cli.output import Report

_FILE = click.Path(exists=True, dir_okay=False)


@click.group()
def runbook() -> None:
    """Review, sign and run plans that were saved as SQL."""


@runbook.command()
@click.argument("file", type=_FILE)
@click.option(
    "--html", type=OUTPUT, metavar="PAGE", help="Write one self-contained page for a reviewer."
)
@configured
def show(file: str, html: str | None, options: Options) -> Report:
    """Show the plan that a runbook holds, and who approved it.

    \b
    Examples:
      phlo-sql runbook show optimize-orders.sql
      phlo-sql runbook show optimize-orders.sql --html optimize-orders.html
    """
    from phlo_sql.cli import saved

    return saved.show(file, html, options)


@runbook.command()
@click.argument("files", type=_FILE, nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How findings are printed.",
)
@click.option("--ignore", multiple=True, metavar="RULE", help="Pass a rule over, by code or name.")
@click.option("--trino", "version", type=click.IntRange(1), metavar="N", help="For this version.")
@click.option("--offline", is_flag=True, help="Ask no server, although one is set.")
@reading
def lint(
    files: tuple[str, ...],
    shape: str,
    ignore: tuple[str, ...],
    version: int | None,
    offline: bool,
    options: Options,
) -> Report:
    """Look for mistakes in runbooks, and in hand-written SQL; exit 1 where there are errors.

    \b
    Examples:
      phlo-sql runbook lint optimize-orders.sql
      phlo-sql runbook lint maintenance/*.sql --trino 476 --offline
      phlo-sql runbook lint maintenance/*.sql --format github
      phlo-sql runbook lint maintenance/*.sql --format sarif > runbooks.sarif
    """
    from phlo_sql.cli import lint as linting

    return linting.run(files, options, shape=shape, ignore=ignore, offline=offline, version=version)


@runbook.command()
@click.argument("file", type=_FILE)
@click.option("--step", type=click.IntRange(1), metavar="N", help="Run this step alone.")
@click.option("--replan", is_flag=True, help="Make the plan anew and show the difference first.")
@click.option(
    "--out",
    type=OUTPUT,
    metavar="FILE",
    help="With --replan: save the new plan there; run nothing.",
)
@applying
def apply(file: str, replan: bool, options: Options) -> Report:
    """Run a runbook, if the table still has the state that the plan was made from.

    \b
    Examples:
      phlo-sql runbook apply optimize-orders.sql --dry-run
      phlo-sql runbook apply optimize-orders.sql --yes
      phlo-sql runbook apply optimize-orders.sql --step 1 --yes
      phlo-sql runbook apply optimize-orders.sql --replan --out again.sql
    """
    from phlo_sql.cli import applying as work

    return work.apply(file, replan, options)


@runbook.command()
@click.argument("file", type=_FILE)
@reading
def verify(file: str, options: Options) -> Report:
    """Compare what a runbook left with what is there now; exit 1 where it differs.

    \b
    Example:
      phlo-sql runbook verify optimize-orders.sql
    """
    from phlo_sql.cli import applying as work

    return work.verify(file, options)


@runbook.command()
@click.argument("file", type=_FILE)
@click.option(
    "--key",
    required=True,
    metavar="KEY",
    type=click.Path(exists=True, dir_okay=False),
    help="Your SSH key: private, or public with its private half in ssh-agent.",
)
@configured
def approve(file: str, key: str, options: Options) -> Report:
    """Sign a runbook's digest with your SSH key; the signature is added to the file.

    \b
    Example:
      phlo-sql runbook approve optimize-orders.sql --key ~/.ssh/id_ed25519
    """
    from phlo_sql.cli import saved

    return saved.approve(file, key, options)


@runbook.command()
@click.argument("file", type=_FILE)
@going_back
def undo(file: str, options: Options) -> Report:
    """Make the runbook that goes back, from what was recorded of a run.

    \b
    Examples:
      phlo-sql runbook undo optimize-orders.sql --dry-run
      phlo-sql runbook undo optimize-orders.sql --out back.sql
    """
    from phlo_sql.cli import applying as work

    return work.undo(file, options)
