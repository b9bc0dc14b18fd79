"""One difference of two schemas, and whom it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from phlo_sql.schema import spelling

if TYPE_CHECKING:
    from phlo_sql.schema.model import Path


class Effect(Enum):
    """Whom a change breaks, best first."""

    COMPATIBLE = "compatible"
    WRITERS = "breaking for writers"
    READERS = "breaking for readers"
    IMPOSSIBLE = "impossible"

    @property
    def breaking(self) -> bool:
        return self is not Effect.COMPATIBLE


class What(Enum):
    ADDED = "added"
    DROPPED = "dropped"
    RENAMED = "renamed"
    TYPE = "type"
    NULLABLE = "nullability"
    DOC = "comment"
    DEFAULT = "default"
    ORDER = "order"
    PARTITIONING = "partitioning"
    SORT = "sort order"
    FORMAT = "format version"
    PROPERTY = "property"
    TABLE_COMMENT = "table comment"
    IDENTIFIER = "identifier fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs; `path` is its place on the left, for an added field on the right."""

    what: What
    path: Path = ()
    old: str | None = None
    new: str | None = None
    effect: Effect
    why: str
    instead: str = ""
    """For an impossible change: what would work."""
    id: int = 0

    @property
    def place(self) -> str:
        return spelling.written(self.path) if self.path else "table"

    @property
    def line(self) -> str:
        """The difference in words."""
        match self.what:
            case What.ADDED:
                return f"{self.place}: added, {self.new}"
            case What.DROPPED:
                return f"{self.place}: dropped, was {self.old}"
            case What.RENAMED:
                return f"{self.place}: renamed to {self.new}"
            case _:
                old, new = self.old or "none", self.new or "none"
                return f"{self.place}: {self.what.value} {old} → {new}"

    def document(self) -> dict[str, Any]:
        return {
            "what": self.what.value,
            "path": self.place,
            "old": self.old,
            "new": self.new,
            "effect": self.effect.value,
            "breaking": self.effect.breaking,
            "why": self.why,
            "instead": self.instead or None,
        }
