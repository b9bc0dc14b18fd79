"""What a stack keeps on disk about itself between commands, readable for its owner only."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql.stack.info import Service
from phlo_sql.stack.layout import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "stack.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """`services` are those that were started; whether they still run is asked of the system."""

    trino_version: int
    extras: frozenset[str] = frozenset()
    ports: Mapping[str, int] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def load(home: Path) -> Kept | None:
    """None where there is no stack, or none that this version wrote whole."""
    try:
        document = json.loads((home / _FILE).read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            return None
        return Kept(
            trino_version=int(document["trino_version"]),
            extras=frozenset(document["extras"]),
            ports=document["ports"],
            passwords=document["passwords"],
            services=tuple(
                Service(**{**entry, "log": Path(entry["log"]), "ready": False})
                for entry in document["services"]
            ),
            env=document["env"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(home: Path, kept: Kept) -> None:
    document = {
        "format": _FORMAT,
        "trino_version": kept.trino_version,
        "extras": sorted(kept.extras),
        "ports": dict(kept.ports),
        "passwords": dict(kept.passwords),
        "services": [
            {
                "name": service.name,
                "pid": service.pid,
                "birth": service.birth,
                "port": service.port,
                "log": str(service.log),
            }
            for service in kept.services
        ],
        "env": dict(kept.env),
    }
    beside = home / f".{_FILE}"
    write_private(beside, json.dumps(document, indent=2) + "\n")
    beside.replace(home / _FILE)


def with_passwords(kept: Kept) -> Kept:
    """Each stack has passwords of its own, made at its first start."""
    made = {name: secrets.token_hex(16) for name in ("postgres", "s3", "events")}
    return replace(kept, passwords={**made, **kept.passwords})
