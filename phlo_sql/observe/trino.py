"""One Trino session: statements in, rows and outcomes out, cancelled on the server when stopped.

Every error leaves as a PhloSqlError. The only importer of the driver, with `trino_http`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from phlo_sql.config import redact, user_of
from phlo_sql.dialect import render
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe import trino_errors, trino_near
from phlo_sql.observe.trino_http import Address, address_of, authentication, http_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from phlo_sql.config import Settings
    from phlo_sql.dialect import Statement

Row = tuple[Any, ...]

_STOPPING = 15.0
"""Seconds that a cancelled query is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a running query stands. `percent` is None until the server has planned it."""

    state: str
    percent: float | None
    completed_splits: int
    total_splits: int
    bytes: int
    """Read from storage so far."""
    written: int
    elapsed: float
    query_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished statement gave. `metrics` are a procedure's rows of name and number."""

    query_id: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    metrics: Mapping[str, int]
    stats: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    """A statement on its way. Its worker thread owns the cursor; others may only cancel it."""

    cursor: Any
    sql: str
    reports: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    cancelled: bool = False
    worker: threading.Thread | None = None

    def start(self) -> None:
        self.worker = threading.Thread(target=self._work, name="trino", daemon=True)
        self.worker.start()

    def _work(self) -> None:
        try:
            self.cursor.execute(self.sql)
            rows = tuple(tuple(row) for row in self.cursor.fetchall())
            self.reports.put(rows)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            self.reports.put(error)

    @property
    def alive(self) -> bool:
        return self.worker is not None and self.worker.is_alive()

    def cancel(self) -> None:
        """Tell the server, again and again until the query ended: an order that comes between two
        of its answers is lost (the driver has no address for it before the first one)."""
        self.cancelled = True
        deadline = monotonic() + _STOPPING
        while self.alive and monotonic() < deadline:
            with suppress(Exception):
                self.cursor.cancel()
            if self.worker is not None:
                self.worker.join(0.2)


class TrinoSession:
    """A connection whose session properties and roles last from statement to statement."""

    def __init__(self, settings: Settings, address: Address, connection: Any, catalog: str) -> None:
        self.settings = settings
        self.address = address
        self.catalog = catalog
        self.user = user_of(settings)
        self.connectors: dict[str, str] = {}
        """What is behind catalogs that the server was asked of; it stays while a catalog lives."""
        self._connection = connection
        self._lock = threading.Lock()
        self._active: list[_Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def query(self, tree: Statement) -> list[Row]:
        """The rows of a reading statement."""
        return list(self.run(tree).rows)

    def run(
        self, tree: Statement, on_progress: Callable[[Progress], None] | None = None
    ) -> Outcome:
        """Run a statement to its end. Ctrl-C cancels it on the server first.

        Raises PhloSqlError, with the query id in `data` where the server gave one.
        """
        sql = render(tree)
        try:
            return self._run(sql, on_progress)
        except PhloSqlError as error:
            raise self._with_near_names(error) from error.__cause__

    def cancel(self) -> None:
        """Cancel what runs, on the server; any thread may call it."""
        with self._lock:
            active = tuple(self._active)
        for running in active:
            running.cancel()

    def _run(self, sql: str, on_progress: Callable[[Progress], None] | None) -> Outcome:
        running = self._prepared(sql)
        try:
            running.start()
            return self._wait(running, on_progress)
        except KeyboardInterrupt:
            raise self._stopped(running) from None
        except PhloSqlError:
            raise
        except BaseException:
            running.cancel()
            raise
        finally:
            with self._lock:
                self._active.remove(running)

    def _prepared(self, sql: str) -> _Running:
        reports: SimpleQueue[Any] = SimpleQueue()
        cursor = self._connection.cursor(stats_callback=reports.put)
        running = _Running(cursor, sql, reports)
        with self._lock:
            self._active.append(running)
        return running

    def _wait(self, running: _Running, on_progress: Callable[[Progress], None] | None) -> Outcome:
        while True:
            report = running.reports.get()
            match report:
                case dict():
                    if on_progress is not None:
                        on_progress(_progress(report))
                case tuple():
                    return self._outcome(running, report)
                case _:
                    raise self._translated(report, running.cursor.query_id) from report

    def _outcome(self, running: _Running, rows: tuple[Row, ...]) -> Outcome:
        cursor = running.cursor
        if running.cancelled and cursor.stats.get("state") != "FINISHED":
            raise _interrupted(cursor.query_id, "the query was cancelled on the server")
        columns = tuple(column.name for column in cursor.description or ())
        return Outcome(
            query_id=cursor.query_id or "",
            columns=columns,
            rows=rows,
            metrics=_metrics(columns, rows),
            stats=dict(cursor.stats or {}),
            warnings=tuple(self._line(str(each.get("message"))) for each in cursor.warnings or ()),
        )

    def _stopped(self, running: _Running) -> PhloSqlError:
        running.cancel()
        query_id = running.cursor.query_id
        if running.alive:
            return _interrupted(query_id, "the server did not confirm that the query was cancelled")
        last: Any = None
        while not running.reports.empty():
            last = running.reports.get()
        finished = isinstance(last, tuple) and running.cursor.stats.get("state") == "FINISHED"
        if finished:
            return _interrupted(query_id, "the query had finished before it could be cancelled")
        return _interrupted(query_id, "the query was cancelled on the server")

    def _translated(self, error: BaseException, query_id: str | None) -> BaseException:
        from trino.exceptions import TrinoQueryError

        if isinstance(error, TrinoQueryError):
            return trino_errors.query_error(error, self._clean)
        if not trino_errors.is_connection_error(error):
            return error
        found = trino_errors.connection_error(error, self.address, self._clean)
        return trino_errors.while_running(found, query_id)

    def _with_near_names(self, error: PhloSqlError) -> PhloSqlError:
        """ALTER says "table" also where it is the schema or catalog that does not exist."""
        for find in trino_near.finds(error, self.catalog):
            try:
                names = [str(row[0]) for row in self._run(render(find.query), None).rows]
            except PhloSqlError as other:
                if other.code not in (Code.UNKNOWN_CATALOG, Code.UNKNOWN_SCHEMA):
                    return error
                continue
            if find.wanted not in names:
                error = find.improved(error, names)
                break
        return error

    def _clean(self, text: str) -> str:
        return redact(text, self.settings)

    def _line(self, text: str) -> str:
        return trino_errors.one_line(text, self._clean)


def connect(
    settings: Settings, catalog: str | None = None, *, acting_as: str | None = None
) -> TrinoSession:
    """A session in a catalog (None: the default one). Sends nothing yet.

    `acting_as`: the credentials stay those of the settings, the server is asked to run as another
    user, and refuses where it does not let them impersonate.

    Raises PhloSqlError(MISSING_SETTING, BAD_SETTING).
    """
    import trino.dbapi

    address = address_of(settings)
    catalog = catalog or settings.trino_catalog.value
    connection = trino.dbapi.Connection(
        host=address.host if ":" not in address.host else f"[{address.host}]",
        port=address.port,
        http_scheme=address.scheme,
        user=acting_as or user_of(settings),
        auth=authentication(settings, address),
        allow_insecure_auth=True,  # `authentication` decided, and refuses more than the driver
        catalog=catalog,
        source=settings.trino_source.value,
        client_tags=list(settings.trino_client_tags.value),
        roles=dict(settings.trino_roles.value) or None,
        session_properties=dict(settings.trino_session_properties.value),
        timezone=_zone(settings),
        request_timeout=settings.trino_request_timeout.value.total_seconds(),
        max_attempts=1,  # `http_session` repeats what is safe
        http_session=http_session(settings),
    )
    return TrinoSession(settings, address, connection, catalog)


def _zone(settings: Settings) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    zone = settings.trino_timezone.value or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise PhloSqlError(
            Code.BAD_SETTING, f"trino_timezone: unknown zone {zone!r}", "write UTC or Europe/Oslo"
        ) from error
    return zone


def _progress(stats: Mapping[str, Any]) -> Progress:
    return Progress(
        state=str(stats.get("state", "QUEUED")),
        percent=stats.get("progressPercentage"),
        completed_splits=int(stats.get("completedSplits") or 0),
        total_splits=int(stats.get("totalSplits") or 0),
        bytes=int(stats.get("physicalInputBytes") or stats.get("processedBytes") or 0),
        written=int(stats.get("physicalWrittenBytes") or 0),
        elapsed=int(stats.get("elapsedTimeMillis") or 0) / 1000,
        query_id=str(stats.get("queryId", "")),
    )


def _metrics(columns: tuple[str, ...], rows: tuple[Row, ...]) -> Mapping[str, int]:
    """From Trino 478 on, procedures answer with rows of `metric_name` and `metric_value`."""
    if columns != ("metric_name", "metric_value"):
        return {}
    return {str(name): int(value) for name, value in rows if value is not None}


def _interrupted(query_id: str | None, problem: str) -> PhloSqlError:
    return PhloSqlError(
        Code.INTERRUPTED,
        problem + (f" ({query_id})" if query_id else ""),
        "run it again; what was committed stays",
        data={"query_id": query_id},
    )
