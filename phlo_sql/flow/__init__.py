"""Plan, apply, verify: the only layer that sees every edge.

`road.py` is what all commands share; `commands.py` names the module of each command; that module
observes, compiles and measures what is particular to it.
"""

from __future__ import annotations

from phlo_sql.flow.edges import Edges, Fresh, observe, open_table, physical
from phlo_sql.flow.road import Applied, Planned, apply, plan

__all__ = [
    "Applied",
    "Edges",
    "Fresh",
    "Planned",
    "apply",
    "observe",
    "open_table",
    "physical",
    "plan",
]
