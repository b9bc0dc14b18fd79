"""The door for Trino's events: an ASGI application that answers 2xx once they are on disk.

Whatever came while the disk was synced is written together, so that one sync serves many.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from phlo_sql.audit.trino_events import rows_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from phlo_sql.audit.spool import Spool
    from phlo_sql.config import Secret


@dataclass(slots=True)
class Counts:
    """Of this process: posts by what became of them, and rows that wait on disk or were stored."""

    received: int = 0
    unauthorized: int = 0
    too_large: int = 0
    unreadable: int = 0
    not_written: int = 0
    stored_rows: int = 0
    set_aside: int = 0
    problem: str | None = None
    """Why PostgreSQL does not take them now."""


@dataclass(slots=True)
class _Post:
    body: bytes
    answer: asyncio.Future[int]


@dataclass(slots=True, kw_only=True)
class Intake:
    """Where posts go. `full` keeps the literals of statements."""

    spool: Spool
    token: Secret
    largest: int
    full: bool
    counts: Counts
    tell: Callable[[str], None]
    _waiting: list[_Post] = field(default_factory=list)
    _there: asyncio.Event | None = None

    def application(self) -> Starlette:
        routes = [
            Route("/", self._receive, methods=["POST"]),
            Route("/health", self._health, methods=["GET"]),
        ]
        return Starlette(routes=routes, lifespan=self._alive)

    @asynccontextmanager
    async def _alive(self, _app: Starlette) -> AsyncIterator[None]:
        self._there = asyncio.Event()
        writing = asyncio.create_task(self._write())
        yield
        # The server has answered every request by now, so nothing waits.
        writing.cancel()

    async def _receive(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        wanted = f"Bearer {self.token.reveal()}".encode()
        if not hmac.compare_digest(given, wanted):
            self.counts.unauthorized += 1
            return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
        body = await self._body(request)
        if body is None:
            self.counts.too_large += 1
            self.tell(f"an event of more than {self.largest} bytes was not taken: raise --max-body")
            return Response(status_code=413, headers={"Connection": "close"})
        post = _Post(body, asyncio.get_running_loop().create_future())
        self._waiting.append(post)
        if self._there is not None:
            self._there.set()
        return Response(status_code=await post.answer)

    async def _body(self, request: Request) -> bytes | None:
        """None for one that is too large; no more of it than that is held."""
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > self.largest:
            return None
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self.largest:
                return None
            parts.append(part)
        return b"".join(parts)

    async def _health(self, _request: Request) -> JSONResponse:
        waiting = await asyncio.to_thread(self.spool.pending)
        return JSONResponse(health(self.counts, waiting))

    async def _write(self) -> None:
        assert self._there is not None  # noqa: S101 - made by `_alive`, which started this
        while True:
            await self._there.wait()
            self._there.clear()
            posts, self._waiting = self._waiting, []
            statuses = await asyncio.to_thread(self._keep, [post.body for post in posts])
            for post, status in zip(posts, statuses, strict=True):
                if not post.answer.done():  # its client may have gone
                    post.answer.set_result(status)

    def _keep(self, bodies: list[bytes]) -> list[int]:
        """The status for each: 200 on disk, 400 no event, 503 the disk does not take it."""
        read = [self._lines(body) for body in bodies]
        lines = [line for each in read if each is not None for line in each]
        try:
            if lines:
                self.spool.append(lines)
        except OSError as error:
            self.counts.not_written += len(bodies)
            self.tell(f"the spool cannot be written: {error.strerror}; Trino will send it again")
            return [503 if each is not None else 400 for each in read]
        self.counts.received += sum(each is not None for each in read)
        self.counts.unreadable += sum(each is None for each in read)
        return [200 if each is not None else 400 for each in read]

    def _lines(self, body: bytes) -> list[bytes] | None:
        """One line for each row; None where it is no event."""
        try:
            rows = rows_of(_document(body), full=self.full)
            return [_line(row) for row in rows]
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else "it is nested too deeply"
            self.tell(f"what was posted is no event of Trino: {reason}")
            return None


def _document(body: bytes) -> object:
    """orjson takes a fifth of the time; what it refuses, Trino may send: NaN, half a character."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)


def _line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def health(counts: Counts, waiting: int) -> dict[str, Any]:
    """How the collector is: `ok`, or `waiting` while PostgreSQL does not take what is on disk."""
    return {
        "status": "waiting" if counts.problem else "ok",
        "received": counts.received,
        "stored_rows": counts.stored_rows,
        "waiting_bytes": waiting,
        "refused": {
            "unauthorized": counts.unauthorized,
            "too_large": counts.too_large,
            "unreadable": counts.unreadable,
            "not_written": counts.not_written,
        },
        "set_aside": counts.set_aside,
        "problem": counts.problem,
    }
