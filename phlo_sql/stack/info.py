"""What a stack is asked to be and what it is: the values of `up`, `down` and `status`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSIONS = (483, 476)
EXTRAS = frozenset({"nessie", "opa", "events", "hive", "glue"})


def _quiet(_line: str) -> None:
    pass


def data_home() -> Path:
    named = os.environ.get("XDG_DATA_HOME")
    return Path(named) if named else Path.home() / ".local" / "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRequest:
    """Which stack. `ports` names ports per service (`trino`, `postgres`, `nessie`, `s3`, …);
    0, or a service that is not named, takes a free one and keeps it for the next start."""

    name: str = "default"
    trino: int = 483
    services: frozenset[str] = frozenset()
    ports: Mapping[str, int] = field(default_factory=dict)
    directory: Path | None = None
    trino_settings: Mapping[str, str] = field(default_factory=dict)
    """Lines that go into Trino's config.properties after the stack's own."""
    trino_heap: str | None = None
    """Java's -Xmx of Trino; what its version needs without it."""
    progress: Callable[[str], None] = _quiet

    @property
    def home(self) -> Path:
        chosen = self.directory or data_home() / "phlo-sql" / "stacks" / self.name
        return chosen.absolute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One server of a stack. `birth` tells our process from another that got its number."""

    name: str
    pid: int
    birth: str
    port: int
    log: Path
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StackInfo:
    """A stack as it is. `env` is what any client needs to find it; it holds passwords."""

    name: str
    trino_version: int
    directory: Path
    services: tuple[Service, ...]
    env: Mapping[str, str]

    @property
    def ready(self) -> bool:
        return bool(self.services) and all(service.ready for service in self.services)

    @property
    def extras(self) -> frozenset[str]:
        return EXTRAS & {service.name for service in self.services}

    def service(self, name: str) -> Service:
        return next(service for service in self.services if service.name == name)
