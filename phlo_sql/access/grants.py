"""Grants, roles and the actions that need them: the values that all of `access` passes around."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from phlo_sql.access.resource import Resource

Kind = Literal["user", "group"]


class Role(IntEnum):
    """Each holds the one before."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    def __str__(self) -> str:
        return self.name.lower()


_NEEDS: Mapping[Role, tuple[str, ...]] = {
    Role.READ: ("select", "show", "read"),
    Role.WRITE: (
        "insert",
        "delete",
        "update",
        "merge",
        "truncate",
        "analyze",
        "refresh",
        "optimize",
        "optimize_manifests",
        "write",
    ),
    Role.ADMIN: (
        "create",
        "alter",
        "drop",
        "rename",
        "comment",
        "vacuum",
        "expire",
        "remove_orphan_files",
        "expire_snapshots",
        "drop_extended_stats",
        "rollback",
        "add_files",
        "register",
        "evolve",
        "migrate",
        "call",
        "grant",
        "revoke",
        "admin",
    ),
}
ACTIONS: Mapping[str, Role] = {name: role for role, names in _NEEDS.items() for name in names}
"""Every action by name, and the least role that may do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A user or a group, as Trino authenticates it."""

    kind: Kind
    name: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable():
            raise PhloSqlError(
                Code.BAD_POLICY,
                f"{self.kind} {self.name!r} is not a name",
                "name the user or group as Trino authenticates it",
            )

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One policy. `id` and `granted_*` are the database's; 0 and None where it is not stored."""

    principal: Principal
    role: Role
    resource: Resource
    until: datetime | None = None
    reason: str = ""
    id: int = 0
    granted_by: str = ""
    granted_at: datetime | None = None

    @property
    def key(self) -> tuple[Principal, Role, Resource]:
        """What makes a grant the same grant, whatever its end and reason."""
        return self.principal, self.role, self.resource

    def in_force(self, now: datetime) -> bool:
        return self.until is None or self.until > now

    def __str__(self) -> str:
        return f"{self.role} on {self.resource} to {self.principal}"

    def document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            self.principal.kind: self.principal.name,
            "role": str(self.role),
            "resource": str(self.resource),
            "until": self.until.isoformat() if self.until else None,
            "reason": self.reason or None,
            "granted_by": self.granted_by or None,
            "granted_at": self.granted_at.isoformat() if self.granted_at else None,
        }


def role_of(text: str) -> Role:
    """Raises PhloSqlError(BAD_POLICY)."""
    try:
        return Role[text.strip().upper()]
    except KeyError as error:
        raise PhloSqlError(
            Code.BAD_POLICY, f"role {text!r} is unknown", "choose read, write or admin"
        ) from error


def need_of(action: str) -> Role:
    """The role that an action needs. Raises PhloSqlError(BAD_POLICY)."""
    name = action.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in ACTIONS:
        raise PhloSqlError(
            Code.BAD_POLICY, f"action {action!r} is unknown", f"choose from {', '.join(ACTIONS)}"
        )
    return ACTIONS[name]
