"""A saved runbook for people and programs, from its outline: no statement is parsed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from phlo_sql.cli import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.approval import Verified
    from phlo_sql.execute import CheckResult
    from phlo_sql.runbook import Outline, OutlinedStep

_HIGHLIGHTED = 100
"""Steps up to which statements are coloured: rich needs milliseconds for each."""


def outline(
    console: Console, book: Outline, approvals: Sequence[Verified], html: str | None = None
) -> None:
    """A saved runbook as the dry run shows a plan."""
    draw.plan(console, book.head)
    for each in approvals:
        text = (
            f"by {each.by}"
            if each.names
            else f"by {each.claimed}, which does not count: {each.why}"
        )
        console.print(Text.assemble(("approved ", "bold"), text), soft_wrap=True)
    if len(book.steps) > _HIGHLIGHTED or not console.is_terminal:
        console.file.write("".join(map(_plain, book.steps)))  # rich takes seconds for megabytes
    else:
        for step in book.steps:
            _step(console, step)
    console.print()
    draw.predictions(console, book.head.predicts)
    if html:
        console.print(f"page: {html}", soft_wrap=True)


def _plain(step: OutlinedStep) -> str:
    kind = " destroys data" if step.destructive else ""
    return (
        f"\nstep {step.id} {_shown(step.summary)}{kind}\n{step.sql};\n"
        f"undo: {_shown(step.undo_reason)}\n"
    )


def _shown(text: str) -> str:
    """A text from a file without what a terminal would obey."""
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _step(console: Console, step: OutlinedStep) -> None:
    console.print()
    kind = Text(" destroys data", "bold red") if step.destructive else Text("")
    head = Text.assemble((f"step {step.id} ", "bold"), step.summary, kind)
    console.print(head, soft_wrap=True)
    console.print(
        Syntax(step.sql + ";", "sql", theme="ansi_dark", word_wrap=True, background_color="default")
    )
    console.print(Text(f"undo: {step.undo_reason}", "dim"), soft_wrap=True)


def checks(console: Console, found: Sequence[CheckResult]) -> None:
    """What was left against what is there now."""
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("step", "check", "was", "is"):
        table.add_column(name, justify="right" if name == "step" else "left")
    for check in found:
        style = "" if check.ok else "bold red"
        table.add_row(
            str(check.step), check.name, Text(check.expected), Text(check.actual), style=style
        )
    console.print(table)


def difference(console: Console, lines: Sequence[str]) -> None:
    """What a new plan says otherwise."""
    if not lines:
        console.print("the plan made now says the same")
        return
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        console.print(Text(line, styles.get(line[:1], "")), soft_wrap=True)
    console.print()
