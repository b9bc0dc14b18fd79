"""A statement's text without its values, whether or not the statement is one that can be read.

A log must not keep a literal of a statement that nobody parsed, so this goes by characters alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>(?:\b(?:[xX]|[uU]&))?'(?P<inside>(?:[^']|'')*)(?:'|\Z))
    |(?P<code>\$\$(?P<body>.*?)(?:\$\$|\Z))
    |(?P<name>"(?:[^"]|"")*")
    |(?P<open>".*)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d(?:[\w.]|(?<=[eE])[+-])*)""",
    re.VERBOSE | re.DOTALL,
)

_QUOTED = re.compile(r"'(?:[^']|'')*'")
_SHORT = 4


def blank(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with `?` for each literal and without comments; and the literals, as they were.

    What is never closed is a literal to its end.
    """
    values: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind in ("name", "word"):
            return match[0]
        if kind == "comment":
            return " "
        inside = match["inside"] if match["inside"] is not None else match["body"]
        values.append(match[0] if inside is None else inside.replace("''", "'"))
        return "?"

    return _TOKEN.sub(replaced, text).strip(), tuple(values)


def without(message: str, values: Sequence[str]) -> str:
    """A server's message about a statement, without what it quotes and the statement's literals.

    A literal may stand inside a longer value: Trino quotes what it could not cast, for one. Only a
    short one must be a word of its own, or it would eat ordinary text.
    """
    message = _QUOTED.sub("'?'", message)
    for value in sorted(set(filter(None, values)), key=len, reverse=True):
        found = re.escape(value)
        short = len(value) < _SHORT
        message = re.sub(rf"(?<![\w.]){found}(?!\w)" if short else found, "?", message)
    return message
