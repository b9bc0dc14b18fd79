"""A Trino 476 behind OPA, with a collector, for the tests of access: one that the environment names
with the prefix `PHLO_SQL_TESTOPA_`, or one that is started and removed."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from phlo_sql import config, postgres, stack
from phlo_sql.access import publish, store
from phlo_sql.access.grants import Grant, Principal, role_of
from phlo_sql.access.resource import parse_resource
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from phlo_sql.config import Settings

PREFIX = "PHLO_SQL_TESTOPA_"
DENIED = "PERMISSION_DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A stack whose Trino asks OPA, and its policies."""

    clients: Clients
    settings: Settings
    made: list[Grant] = field(default_factory=list)

    def grant(
        self,
        user: str,
        role: str,
        resource: str,
        *,
        kind: str = "user",
        until: datetime | None = None,
    ) -> None:
        grant = Grant(
            principal=Principal(kind="group" if kind == "group" else "user", name=user),
            role=role_of(role),
            resource=parse_resource(resource),
            until=until,
        )
        store.run(store.granting(grant, "test", self.settings), self.settings)
        self.made.append(grant)

    def publish(self) -> None:
        grants, digest = store.read(self.settings)
        publish.to_opa(self.settings, grants, digest, self.settings.access_opa_bundle.value)

    def revoke_all(self) -> None:
        for grant in self.made:
            store.run(store.revoking(grant, "test", self.settings), self.settings)
        self.publish()

    def ask(self, user: str, sql: str, **options: Any) -> tuple[str | None, list[tuple[Any, ...]]]:
        """The name of the error, or None, and the rows."""
        from trino.exceptions import TrinoQueryError

        try:
            return None, self.clients.rows(sql, user=user, **options)
        except TrinoQueryError as error:
            return str(error.error_name), []


@contextmanager
def guarded(folder: Path) -> Iterator[Guarded]:
    with _env(folder) as env:
        settings = config.load(environ=env, cwd=folder)
        found = Guarded(clients=Clients(env=env), settings=settings)
        try:
            yield found
            found.revoke_all()
        finally:
            postgres.close()


@contextmanager
def _env(folder: Path) -> Iterator[Mapping[str, str]]:
    if f"{PREFIX}TRINO_HOST" in os.environ:
        yield {
            name.removeprefix(PREFIX): value
            for name, value in os.environ.items()
            if name.startswith(PREFIX)
        }
        return
    request = stack.StackRequest(
        name="tests-opa",
        trino=476,
        services=frozenset({"opa", "events"}),
        directory=folder / "stack",
    )
    try:
        with skipping():
            started = stack.up(request)
        yield started.env
    finally:
        stack.down(request, purge=True)


@contextmanager
def skipping() -> Iterator[None]:
    """Only a machine that lacks programs is a reason to skip, and nowhere where all must run."""
    try:
        yield
    except PhloSqlError as error:
        required = os.environ.get("PHLO_SQL_REQUIRE_STACK") == "1" or os.environ.get("CI") == "true"
        if error.code is Code.MACHINE_INCOMPLETE and not required:
            pytest.skip(f"{error.problem}; {error.hint}")
        raise
