"""The local servers for trying and testing: start, wait, stop.

`up(StackRequest(...))` answers with a `StackInfo`, also when that stack runs already. Its `env`
is the environment with which phlo-sql and any other client find it.
"""

from __future__ import annotations

from phlo_sql.stack.control import down, status, up
from phlo_sql.stack.info import Service, StackInfo, StackRequest
from phlo_sql.stack.listing import names

__all__ = ["Service", "StackInfo", "StackRequest", "down", "names", "status", "up"]
