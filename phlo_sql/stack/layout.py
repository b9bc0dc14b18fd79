"""Where a stack keeps what, its ports and its passwords: what all servers' settings are made of."""

from __future__ import annotations

import hashlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phlo_sql.stack.ports import HOST
from phlo_sql.stack.process import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "phlo"
DATABASE = "phlo"
BUCKET = "lake"
REGION = "us-east-1"
WAREHOUSE = "warehouse"
ON_S3 = frozenset({"nessie", "hive", "glue"})
# PostgreSQL refuses to run as root, and root's home is closed to the user it runs as instead.
_ROOTS_POSTGRES = Path("/var/lib/phlo-sql/postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Of one stack."""

    name: str
    home: Path
    trino_version: int
    extras: frozenset[str]
    ports: Mapping[str, int]
    passwords: Mapping[str, str]

    @property
    def s3(self) -> bool:
        """Whether this stack has an S3 store: some servers keep their tables nowhere else."""
        return bool(self.extras & ON_S3)

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse"

    @property
    def warehouse_uri(self) -> str:
        return self.warehouse.as_uri()

    @property
    def postgres_home(self) -> Path:
        if account() is None:
            return self.home / "postgres"
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:8]
        return _ROOTS_POSTGRES / f"{self.name}-{digest}"

    def folder(self, *parts: str) -> Path:
        path = self.home.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, service: str) -> Path:
        return self.folder("logs") / f"{service}.log"

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.ports[service]}"

    def postgres_uri(self, scheme: str, database: str = DATABASE) -> str:
        password = self.passwords["postgres"]
        return f"{scheme}://{USER}:{password}@{HOST}:{self.ports['postgres']}/{database}"

    def jdbc_url(self, database: str = DATABASE) -> str:
        return f"jdbc:postgresql://{HOST}:{self.ports['postgres']}/{database}"


def account() -> Account | None:
    """The user to run PostgreSQL as, where that can't be ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    return Account(uid=65534, gid=65534)


def write_private(path: Path, text: str) -> None:
    """Files with passwords in them are for their owner only, from their first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def properties(settings: Mapping[str, object]) -> str:
    """Java's format. What we write has nothing that it would need escaped but the backslash."""
    return "".join(
        f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in settings.items()
    )
