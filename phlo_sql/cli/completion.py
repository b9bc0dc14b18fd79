"""`completion`: the script that makes a shell complete our commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import Options, local

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.output import Report

_VARIABLE = "_PHLO_SQL_COMPLETE"
"""click derives it from the program's name (`BaseCommand._main_shell_completion`)."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@local
def completion(shell: str, options: Options) -> Report:
    """Print the completion script of a shell.

    \b
    Examples:
      phlo-sql completion bash > ~/.local/share/bash-completion/completions/phlo-sql
      phlo-sql completion zsh > "${fpath[1]}/_phlo-sql"
      phlo-sql completion fish > ~/.config/fish/completions/phlo-sql.fish
    """
    from click.shell_completion import get_completion_class

    from phlo_sql.cli.output import Report
    from phlo_sql.cli.root import cli

    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the three that click has
    script = made(cli, {}, "phlo-sql", _VARIABLE).source()

    def human(out: Console) -> None:
        out.print(script, soft_wrap=True)

    return Report(status="success", data={"shell": shell, "script": script}, human=human)
