"""The commands as the tree has them: a new one is tested without being listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]


def commands(group: click.Group = cli, path: Path = ()) -> Iterator[tuple[Path, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())
LEAVES = {
    path: command for path, command in COMMANDS.items() if not isinstance(command, click.Group)
}


def examples(command: click.Command) -> list[str]:
    """The lines of its help that somebody can paste, continued lines joined."""
    text = (command.help or "").partition("Example")[2].replace("\\\n", "")
    return [" ".join(line.split()) for line in text.splitlines()[1:] if "phlo-sql" in line]
