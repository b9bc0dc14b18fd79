"""What tends to go wrong with a rewriting, said beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.compile.optimize_steps import OWN_TARGET
from phlo_sql.model.units import trino_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phlo_sql.compile.optimize_steps import Sizes
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState


def warnings_of(state: TableState, server: Server, chosen: Sizes) -> tuple[str, ...]:
    return tuple(_left_behind(state, server, chosen))


def _left_behind(state: TableState, server: Server, chosen: Sizes) -> Iterator[str]:
    if (
        chosen.target != chosen.current_target
        and not server.has_target_session_property
        and OWN_TARGET not in state.properties
    ):
        yield (
            f"the table keeps target_max_file_size = '{trino_size(chosen.target)}' afterwards: "
            f"it had none, and Trino {server.version} has no statement that takes one away"
        )
