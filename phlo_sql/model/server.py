"""What a Trino server said of itself: version, catalog, what it can do, where its floors are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Read through SQL only.

    `session` holds the catalog's session properties with their current values (`SHOW SESSION`),
    under their names without the catalog. A floor is None where the server does not tell it.
    """

    version: int
    version_text: str
    catalog: str
    connector: str
    user: str
    workers: int
    """Active nodes that run splits: writers are counted per node."""
    session: Mapping[str, str]
    system_session: Mapping[str, str]
    expire_floor: timedelta | None = None
    orphan_floor: timedelta | None = None

    @property
    def has_target_session_property(self) -> bool:
        """`target_max_file_size` was a session property up to 481 and a table property from 482."""
        return "target_max_file_size" in self.session
