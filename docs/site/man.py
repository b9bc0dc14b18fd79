"""Writes the man pages: `python docs/site/man.py DIRECTORY`. Made from the command tree itself."""

from __future__ import annotations

import copy
import sys
from inspect import cleandoc

import click
from click_man.core import write_man_pages

from phlo_sql import __version__
from phlo_sql.cli.root import cli

_AS_IT_IS = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "~": r"\(ti"})
"""What `man` would print as another letter, so that an example could not be pasted."""


def whole(command: click.Command) -> click.Command:
    """The tree with every command loaded, its help as `man` wants it: the writer reads
    `group.commands`."""
    summary = command.get_short_help_str(limit=200)
    if not isinstance(command, click.Group):
        page = copy.copy(command)
        page.help, page.short_help = roff(command.help or ""), summary
        return page
    with click.Context(command) as ctx:
        found = {name: command.get_command(ctx, name) for name in command.list_commands(ctx)}
    children = {name: whole(child) for name, child in found.items() if child is not None}
    return click.Group(
        command.name,
        children,
        help=roff(command.help or ""),
        short_help=summary,
        params=command.params,
    )


def roff(text: str) -> str:
    r"""A command's help in `man`'s language. A paragraph after click's `\b` keeps its lines."""
    paragraphs = []
    for each in cleandoc(text).split("\n\n"):
        kept = each.removeprefix("\b\n")
        if kept == each:
            paragraphs.append(each.replace("\\", r"\e"))
        else:
            paragraphs.append(f".nf\n{kept.translate(_AS_IT_IS)}\n.fi")
    return "\n\n".join(paragraphs)


write_man_pages("phlo-sql", whole(cli), version=__version__, target_dir=sys.argv[1])
