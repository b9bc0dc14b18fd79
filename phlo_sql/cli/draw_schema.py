"""Differences of schemas for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from phlo_sql.schema.difference import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.compile.evolve import EvolvePlan
    from phlo_sql.schema.difference import Difference

_STYLE = {
    Effect.COMPATIBLE: "green",
    Effect.WRITERS: "yellow",
    Effect.READERS: "red",
    Effect.IMPOSSIBLE: "bold red",
}


def evolved(console: Console, details: EvolvePlan) -> None:
    """Each change, whom it breaks and why, and what becomes unreadable."""
    differences(console, details.differences)
    for _, lost in details.lost:
        console.print(Text(lost.line, "red"), soft_wrap=True)


def differences(console: Console, found: Sequence[Difference]) -> None:
    """One line for each difference: what, whom it breaks, why."""
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("difference", "effect", "why"):
        table.add_column(name, overflow="fold")
    for each in found:
        table.add_row(Text(each.line), Text(each.effect.value, _STYLE[each.effect]), Text(each.why))
    console.print(table)
