"""One measured pair, its ratio and its goal, and how many of them are printed side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`ours` beside `other`, both measured in this run; `met` is None where there is no goal."""

    what: str
    ours: str
    other: str
    ratio: str
    goal: str = ""
    met: bool | None = None


def at_most(what: str, ours: float, other: float, limit: float, unit: str) -> Pair:
    """A pair whose ratio shall not be above the limit."""
    ratio = ours / other
    return Pair(
        what=what,
        ours=f"{ours:.3g} {unit}",
        other=f"{other:.3g} {unit}",
        ratio=f"{ratio:.2f}x",
        goal=f"<= {limit:.2f}x",
        met=ratio <= limit,
    )


def at_least(what: str, ours: float, other: float, limit: float, unit: str) -> Pair:
    """A pair of which the other shall be so many times ours."""
    ratio = other / ours
    return Pair(
        what=what,
        ours=f"{ours:.3g} {unit}",
        other=f"{other:.3g} {unit}",
        ratio=f"{ratio:.1f}x less",
        goal=f">= {limit:.0f}x less",
        met=ratio >= limit,
    )


def lower(what: str, after: tuple[float, str], before: tuple[float, str], percent: float) -> Pair:
    """A figure that shall have come down by so many percent."""
    change = 100 * (after[0] - before[0]) / before[0]
    return Pair(
        what=what,
        ours=after[1],
        other=before[1],
        ratio=f"{change:+.0f}%",
        goal=f"<= -{percent:.0f}%",
        met=change <= -percent,
    )


def show(out: Console, title: str, heads: tuple[str, str], pairs: Sequence[Pair]) -> None:
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column(Text(title, "bold"))
    for head in (*heads, "ratio", "goal"):
        table.add_column(head, justify="right")
    table.add_column("")
    words = {True: Text("met", "green"), False: Text("not met", "bold red"), None: Text("")}
    for pair in pairs:
        table.add_row(pair.what, pair.ours, pair.other, pair.ratio, pair.goal, words[pair.met])
    out.print()
    out.print(table)
