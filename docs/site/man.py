"""Writes the man pages: `python docs/site/man.py DIRECTORY`. Made from the command tree itself."""

from __future__ import annotations

import sys

import click
from click_man.core import write_man_pages

from phlo_sql import __version__
from phlo_sql.cli.root import cli


def whole(command: click.Command) -> click.Command:
    """The tree with every command loaded: the writer reads `group.commands`."""
    if not isinstance(command, click.Group):
        return command
    with click.Context(command) as ctx:
        found = {name: command.get_command(ctx, name) for name in command.list_commands(ctx)}
    children = {name: whole(child) for name, child in found.items() if child is not None}
    return click.Group(command.name, children, help=command.help, params=command.params)


write_man_pages("phlo-sql", whole(cli), version=__version__, target_dir=sys.argv[1])
