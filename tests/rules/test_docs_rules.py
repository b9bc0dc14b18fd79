"""Rules about documentation that need no server: what a page or a `--help` tells can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from phlo_sql.cli import cli
from phlo_sql.cli.options import OutputParameter
from phlo_sql.cli.root import GROUPS
from phlo_sql.errors import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_PRINTED = re.compile(r"^(?!\$ ).*\n", re.MULTILINE)
"""In a block `console`: what is no command is what one printed."""
_CALL = re.compile(r"(?:^|[\s\"'(/=])(phlo-sql|phlo) +([a-z][^\n]*)", re.MULTILINE)
_COMMENT = re.compile(r"(?:^|\s)#[^\n]*", re.MULTILINE)
_SHELL = set("|<>;()&")


def calls(text: str) -> Iterator[list[str]]:
    """The words after the program's name, of every call of ours in a script."""
    for program, rest in _CALL.findall(_COMMENT.sub("", text.replace("\\\n", " "))):
        words = _words(rest)
        if program == "phlo" and words and words[0] == "sql":
            words = words[1:]
        if words and (program == "phlo-sql" or words[0] in {"table", "access", "schema"}):
            yield words


def _words(rest: str) -> list[str]:
    """Up to whatever the shell, or the quote around the call, takes for its end."""
    lexer = shlex.shlex(rest, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        for word in lexer:
            if set(word) <= _SHELL:
                break
            words.append(word)
    except ValueError:  # a quote that was opened before the call
        return shlex.split(rest[: rest.rindex('"')])
    return words


def read(words: list[str]) -> None:
    """As click reads a command line, to where the command would begin. Raises what click raises."""
    command: click.Command = cli
    context = click.Context(cli, info_name="phlo-sql")
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"there is no command {words[0]}"
        command, words = found, words[1:]
        if isinstance(command, click.Group):
            context = click.Context(command, parent=context, info_name=command.name)
    try:
        command.make_context(command.name, list(words), parent=context)
    except click.exceptions.Exit:
        return  # --help and --version
    except click.BadParameter as error:
        if not isinstance(getattr(error.param, "type", None), click.Path | OutputParameter):
            raise  # a file that is not here may be there


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


SHOWN = [
    pytest.param(words, id=f"{page.stem}: {' '.join(words)}"[:100])
    for page in PAGES
    for _, language, block in _FENCE.findall(page.read_text())
    for words in calls(_PRINTED.sub("", block) if language == "console" else block)
]
EXAMPLES = [
    pytest.param(words, id=" ".join(words)[:100])
    for _, command in leaves(cli)
    for words in calls(command.help or "")
]


@pytest.mark.parametrize("words", SHOWN)
def test_a_command_of_the_documentation_can_be_typed(words: list[str]) -> None:
    read(words)


@pytest.mark.parametrize("words", EXAMPLES)
def test_an_example_of_help_can_be_typed(words: list[str]) -> None:
    read(words)


def test_there_are_commands_to_read() -> None:
    assert len(SHOWN) >= 50
    assert len(EXAMPLES) > 60
    assert {words.values[0][0] for words in EXAMPLES} == set(GROUPS)  # type: ignore[index]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('eval "$(phlo-sql stack status --export)"', ["stack", "status", "--export"]),
        ('bash_command="phlo-sql table stats s.t --json",', ["table", "stats", "s.t", "--json"]),
        ("15 2 * * * dba /opt/bin/phlo-sql doctor --json > log 2>&1", ["doctor", "--json"]),
        ("phlo sql schema diff a.b \\\n  c.d | less", ["schema", "diff", "a.b", "c.d"]),
    ],
)
def test_what_is_found_in_a_script(script: str, words: list[str]) -> None:
    assert list(calls(script)) == [words]


@pytest.mark.parametrize("words", [["table", "optimise"], ["table", "stats", "a.b", "--no-such"]])
def test_what_cannot_be_typed(words: list[str]) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        read(words)


def test_every_error_code_has_advice() -> None:
    """docs/site/advice.md: a section for each code, and no other."""
    text = (ROOT / "docs" / "site" / "advice.md").read_text()
    sections = dict(re.findall(r"^## (\S+)\n+([^#]+)", text, re.MULTILINE))
    assert set(sections) == {code.id for code in Code}
    assert all(len(advice.split()) > 5 for advice in sections.values())
