"""Which stacks this user has."""

from __future__ import annotations

from phlo_sql.stack import kept
from phlo_sql.stack.info import data_home


def names() -> tuple[str, ...]:
    """Names of the stacks in the usual place that were started once, running or not."""
    stacks = data_home() / "phlo-sql" / "stacks"
    if not stacks.is_dir():
        return ()
    return tuple(
        sorted(each.name for each in stacks.iterdir() if each.is_dir() and kept.load(each))
    )
