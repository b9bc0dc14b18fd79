"""A way to Trino on which a test acts at a statement: just before the server gets it, or just after
the server took it and before the client knows. So an order of events is certain, not likely."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.stack.clients import Clients

_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(slots=True, kw_only=True)
class Event:
    """What happens once, at the `nth` statement that begins so, holds all of the words and comes
    when the time is right."""

    begins: str
    words: tuple[str, ...]
    nth: int
    when: Callable[[], bool]
    before: Callable[[], object] | None
    after: Callable[[], object] | None
    seen: int = 0
    errors: list[BaseException] = field(default_factory=list)

    def due(self, statement: str) -> bool:
        fits = statement.startswith(self.begins) and all(word in statement for word in self.words)
        if not fits or not self.when():
            return False
        self.seen += 1
        return self.seen == self.nth

    def do(self, action: Callable[[], object] | None) -> None:
        try:
            if action is not None:
                action()
        except BaseException as error:  # noqa: BLE001 - it is raised where the gate is closed
            self.errors.append(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What goes to its port passes through it; what a test sends to the server itself does not."""

    port: int
    events: list[Event]

    def to(self, stack: Clients) -> Clients:
        """The stack's clients, sent through the gate."""
        env = {**stack.env, "TRINO_HOST": "127.0.0.1", "TRINO_PORT": str(self.port)}
        return replace(stack, env=env)

    def at(
        self,
        begins: str,
        *words: str,
        nth: int = 1,
        when: Callable[[], bool] = lambda: True,
        before: Callable[[], object] | None = None,
        after: Callable[[], object] | None = None,
    ) -> None:
        """Call `before` while that statement waits, `after` while its first answer does."""
        self.events.append(
            Event(begins=begins, words=words, nth=nth, when=when, before=before, after=after)
        )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behind: tuple[str, int], events: list[Event]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind, self.events, self.lock = behind, events, threading.Lock()

    def due(self, statement: str) -> list[Event]:
        with self.lock:
            return [each for each in self.events if each.due(statement)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._pass(b"", [])

    def do_DELETE(self) -> None:
        self._pass(b"", [])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        due = self.server.due(body.decode())
        for each in due:
            each.do(each.before)
        self._pass(body, due)

    def _pass(self, body: bytes, due: list[Event]) -> None:
        with suppress(OSError):  # the client went away, or was killed
            with closing(HTTPConnection(*self.server.behind)) as server:
                server.request(self.command, self.path, body or None, dict(self.headers))
                answer = server.getresponse()
                content = answer.read()
            for each in due:
                each.do(each.after)
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


@contextmanager
def gate(host: str, port: int | str) -> Iterator[Gate]:
    """Before that Trino. Fails at its end where something that was to happen did not, or raised."""
    events: list[Event] = []
    with _Server((host, int(port)), events) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Gate(port=server.server_port, events=events)
        finally:
            server.shutdown()
    for each in events:
        assert each.seen >= each.nth, f"no such statement came: {each.begins} {each.words}"
        if each.errors:
            raise each.errors[0]


@contextmanager
def gate_of(stack: Clients) -> Iterator[Gate]:
    with gate(stack.env["TRINO_HOST"], stack.env["TRINO_PORT"]) as opened:
        yield opened
