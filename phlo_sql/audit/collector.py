"""The collector: receives what Trino did, keeps it on disk, and hands it to the audit trail.

The server runs in a thread; the main thread delivers, and hears the signals that end it.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql import postgres
from phlo_sql.audit import store
from phlo_sql.audit.spool import Spool
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import uvicorn

    from phlo_sql.audit.intake import Counts
    from phlo_sql.config import Settings

_BATCH = 1000
_IDLE_SECONDS = 0.2
_AGAIN_SECONDS = (1.0, 2.0, 5.0)
_LAST_SECONDS = 10
"""How long open requests may take once it is told to stop."""
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it listens, and where it keeps what it was sent."""

    host: str
    port: int
    spool: Path
    largest: int
    certificate: str | None = None
    key: str | None = None


def run(settings: Settings, place: Place, tell: Callable[[str], None]) -> dict[str, Any]:
    """Collect until SIGTERM or Ctrl-C; what was received, stored and is left.

    Raises PhloSqlError(MISSING_SETTING, NO_POLICIES, BAD_SETTING, MACHINE_INCOMPLETE).
    """
    if not settings.collect_token.value:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            "no token is set, which tells Trino's events from anybody's",
            "set PHLO_SQL_COLLECT_TOKEN here, and the same in Trino's connect-http-headers",
        )
    try:
        from phlo_sql.audit.intake import Counts, Intake, health
    except ModuleNotFoundError as error:
        raise PhloSqlError(
            Code.MACHINE_INCOMPLETE,
            f"the collector needs {error.name}, which is not installed",
            "install it with: pip install 'phlo-sql[collect]'",
        ) from error
    counts = Counts()
    _look(settings, counts, tell)
    with _listening(place) as door, _spool(place) as spool:
        intake = Intake(
            spool=spool,
            token=settings.collect_token.value,
            largest=place.largest,
            full=settings.audit_query_text.value == "full",
            counts=counts,
            tell=tell,
        )
        server = _server(intake.application(), place)
        with _ending() as ended:
            serving = threading.Thread(target=server.run, kwargs={"sockets": [door]})
            serving.start()
            tell(f"collects on {_url(place, door)}, keeps in {place.spool}")
            delivery = Delivery(settings, spool, counts, tell)
            try:
                while not ended.is_set() and serving.is_alive():
                    ended.wait(delivery.step())
            finally:
                server.should_exit = True
                serving.join()
            if not ended.is_set():
                raise PhloSqlError(
                    Code.INTERNAL, "the server ended by itself", "read what it wrote before"
                )
            delivery.finish()
            return health(counts, spool.pending())


class Delivery:
    """From the spool to the trail, for as long as it takes."""

    def __init__(
        self, settings: Settings, spool: Spool, counts: Counts, tell: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.spool = spool
        self.counts = counts
        self.tell = tell
        self._failures = 0

    def step(self) -> float:
        """Hand over one batch; the seconds until the next."""
        lines, place = self.spool.read(_BATCH)
        if not lines:
            self.spool.deliver(place)
            return _IDLE_SECONDS
        try:
            self.counts.stored_rows += self._append([json.loads(line) for line in lines])
        except PhloSqlError as error:
            return self._failed(error)
        self.spool.deliver(place)
        if self.counts.problem:
            self.tell("PostgreSQL takes events again")
        self.counts.problem, self._failures = None, 0
        return 0 if len(lines) == _BATCH else _IDLE_SECONDS

    def finish(self) -> None:
        """What can be handed over now; the rest waits on disk for the next start."""
        while self.step() == 0:
            pass
        self.step()

    def _failed(self, error: PhloSqlError) -> float:
        if self.counts.problem is None:
            self.tell(f"{error.problem}; events wait on disk")
        self.counts.problem = error.problem
        self._failures += 1
        return _AGAIN_SECONDS[min(self._failures, len(_AGAIN_SECONDS)) - 1]

    def _append(self, rows: list[dict[str, Any]]) -> int:
        """A row that PostgreSQL can't hold is set aside, so that it holds up no other."""
        try:
            return store.append(self.settings, rows)
        except PhloSqlError as error:
            if not store.is_fault_of_rows(error):
                raise
            if len(rows) == 1:
                self._set_aside(rows[0], error)
                return 0
        half = len(rows) // 2
        return self._append(rows[:half]) + self._append(rows[half:])

    def _set_aside(self, row: dict[str, Any], error: PhloSqlError) -> None:
        path = self.spool.folder / "set-aside.json-lines"
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"problem": error.problem, "row": row}) + "\n")
        self.counts.set_aside += 1
        self.tell(f"{error.problem}; the event of query {row['operation']} is kept in {path}")


def _look(settings: Settings, counts: Counts, tell: Callable[[str], None]) -> None:
    """There must be a trail; but PostgreSQL may be away, which is what the spool is for."""
    try:
        store.require(settings)
    except PhloSqlError as error:
        if error.code is not Code.SERVER_DOWN:
            raise
        counts.problem = error.problem
        tell(f"{error.problem}; events wait on disk")


@contextmanager
def _listening(place: Place) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
        door = socket.create_server((place.host, place.port), family=family, backlog=1024)
    except OSError as error:
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"cannot listen on {place.host} port {place.port}: {error.strerror or error}",
            "name another with --host and --port",
        ) from error
    with door:
        yield door


@contextmanager
def _spool(place: Place) -> Iterator[Spool]:
    spool = Spool(place.spool)
    try:
        yield spool
    finally:
        spool.close()
        postgres.close()


@contextmanager
def _ending() -> Iterator[threading.Event]:
    """Set by SIGTERM and Ctrl-C, which go back to what they were."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in _ENDINGS}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _server(application: Any, place: Place) -> uvicorn.Server:
    import uvicorn

    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        http="httptools",
        loop="asyncio",
        ws="none",
        limit_concurrency=512,
        timeout_graceful_shutdown=_LAST_SECONDS,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
    )
    try:
        config.load()
    except OSError as error:  # also what ssl says of a certificate
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"the certificate cannot be used: {error.strerror or error}",
            "name PEM files with --certificate and --key",
        ) from error
    return uvicorn.Server(config)


def _url(place: Place, door: socket.socket) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{'https' if place.certificate else 'http'}://{host}:{door.getsockname()[1]}"
