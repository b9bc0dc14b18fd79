"""How fast a server rewrote before, from the operations that the journal holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql.audit.journal import events
from phlo_sql.compile.optimize_warnings import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NEWEST = 20
"""Operations looked at: a server that got more workers is judged by what it does now."""


@dataclass(slots=True)
class _Seen:
    """One operation as its events tell it."""

    server: str = ""
    seconds: float = 0.0
    bytes: int = 0

    def add(self, event: Mapping[str, Any]) -> None:
        match event.get("event"):
            case "server":
                self.server = str(event.get("address"))
            case "step finished":
                self.seconds += float(event.get("seconds") or 0)
            case "verified":
                for figure in event.get("figures") or ():
                    if figure.get("name") == "rewritten_bytes" and figure.get("actual"):
                        self.bytes = int(figure["actual"])


def pace_of(journal: Path | None, server: str) -> Pace | None:
    """What `table optimize` did on this server; None where nothing of it is recorded."""
    if journal is None:
        return None
    seen: dict[str, _Seen] = {}
    for event in events(journal):
        seen.setdefault(str(event.get("operation")), _Seen()).add(event)
    useful = [each for each in seen.values() if each.server == server and each.bytes][-_NEWEST:]
    samples = tuple((each.bytes, each.seconds) for each in useful if each.seconds)
    return Pace(samples=samples) if samples else None
