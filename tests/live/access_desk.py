"""The command line over policies and an audit trail of a test's own; a door before PostgreSQL."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql import config, postgres
from phlo_sql.access import store
from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from phlo_sql.errors import PhloSqlError
from tests.live import forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from phlo_sql.config import Settings
    from phlo_sql.stack.clients import Clients

ADMIN = "ann o'x@example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The command line with an environment of its own, and a schema of its own for the policies."""

    stack: Clients
    schema: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def settings(self) -> Settings:
        return config.load(environ=self.environ, cwd=self.folder)

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.stack.env,
            "PHLO_SQL_ACCESS_SCHEMA": self.schema,
            "PHLO_SQL_AUDIT_SCHEMA": f"{self.schema}_audit",
            "XDG_STATE_HOME": str(self.folder / "state"),
        }

    def __call__(self, *argv: str, user: str = ADMIN, **environ: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON document."""
        if argv[0] == "table":  # PyIceberg leaves connections open until the process ends
            return self.aside(*argv, user=user, **environ)
        for name, value in {**self.environ, "TRINO_USER": user, **environ}.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(self.folder)
        self.capsys.readouterr()
        code = run(cli, [*argv, "--json"])
        return code, json.loads(self.capsys.readouterr().out)

    def aside(self, *argv: str, user: str = ADMIN, **environ: str) -> tuple[int, dict[str, Any]]:
        """The same in a process of its own."""
        done = forked.run(
            [*argv, "--json"],
            env={**os.environ, **self.environ, "TRINO_USER": user, **environ},
            cwd=self.folder,
        )
        return done.returncode, json.loads(done.stdout)

    def journal(self) -> str:
        return (self.folder / "state" / "phlo-sql" / "operations.jsonl").read_text()

    def resources(self) -> set[tuple[str, str]]:
        return {(str(g.principal), str(g.resource)) for g in store.read(self.settings)[0]}

    def init(self) -> None:
        code, document = self("access", "init", "--admin", ADMIN)
        assert code == 0, document

    def clear(self) -> None:
        postgres.close()
        with self.stack.postgres(autocommit=True) as connection:
            for name in (self.schema, f"{self.schema}_audit"):
                connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE'.encode())


class Door:
    """A port before PostgreSQL that is shut until it is opened; its number stays the same."""

    def __init__(self, stack: Clients) -> None:
        self._behind = (stack.env["POSTGRES_HOST"], int(stack.env["POSTGRES_PORT"]))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.environ = {"POSTGRES_PORT": str(self._port)}

    @contextmanager
    def open(self) -> Iterator[None]:
        behind = self._behind

        class Through(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(behind) as server:
                    back = threading.Thread(target=_pump, args=(server, self.request), daemon=True)
                    back.start()
                    _pump(self.request, server)
                    back.join(5)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        with Server(("127.0.0.1", self._port), Through) as listening:
            threading.Thread(target=listening.serve_forever, daemon=True).start()
            try:
                yield
            finally:
                postgres.close()
                listening.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each gave or raised."""
    results: list[object] = [None] * len(works)

    def do(index: int) -> None:
        try:
            results[index] = works[index]()
        except PhloSqlError as error:
            results[index] = error

    threads = [threading.Thread(target=do, args=[index]) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
