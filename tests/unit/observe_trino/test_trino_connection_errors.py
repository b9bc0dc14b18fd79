"""What stands at an address that is not Trino is named in one line, whatever it is."""

from __future__ import annotations

import socket
import threading
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from phlo_sql import dialect
from phlo_sql.config import load
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.trino import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SELECT = dialect.parse("SELECT 1")


class Listener:
    """A port that gives every caller the same bytes; None keeps them waiting."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.calls = 0
        self.held: list[socket.socket] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = str(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            if self.answer is None:
                self.held.append(caller)
                continue
            with caller:
                caller.recv(65536)
                caller.sendall(self.answer)

    def close(self) -> None:
        self.socket.close()
        for caller in self.held:
            caller.close()


def http(status: str, body: str = "", kind: str = "text/html") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()


@pytest.fixture
def listener(request: pytest.FixtureRequest) -> Iterator[Listener]:
    listener = Listener(request.param)
    yield listener
    listener.close()


def refusal(cwd: Path, **environ: str) -> PhloSqlError:
    given = {"TRINO_HOST": "127.0.0.1", "TRINO_USER": "u", **environ}
    with pytest.raises(PhloSqlError) as caught, connect(load(environ=given, cwd=cwd)) as session:
        session.query(SELECT)
    error = caught.value
    assert "\n" not in error.problem + error.hint
    assert error.hint
    return error


JSON = "application/json"
STRANGERS = {
    "bytes": (b"N\x00\x00garbage\r\n", "does not speak Trino over http"),
    "nothing": (b"", "does not speak Trino over http"),
    "a page": (http("200 OK", "<html>hi</html>"), "its answer is not Trino's"),
    "other json": (http("200 OK", '{"a": 1}', JSON), "its answer is not Trino's"),
    "a json list": (http("200 OK", "[1]", JSON), "its answer is not Trino's"),
    "not found": (http("404 Not Found", "<html>"), "it answers 404"),
    "not allowed": (http("405 Method Not Allowed"), "it answers 405"),
    "unavailable": (http("503 Service Unavailable", "<html>"), "is up, but answers 503"),
    "bad gateway": (http("502 Bad Gateway"), "is up, but answers 502"),
}


class TestStrangers:
    @pytest.mark.parametrize(
        ("listener", "says"), STRANGERS.values(), ids=STRANGERS, indirect=["listener"]
    )
    def test_what_is_not_trino(self, tmp_path: Path, listener: Listener, says: str) -> None:
        error = refusal(tmp_path, TRINO_PORT=listener.port)
        assert error.code is Code.SERVER_DOWN
        assert says in error.problem
        assert f"127.0.0.1:{listener.port}" in error.problem

    @pytest.mark.parametrize("listener", [http("503 Service Unavailable")], indirect=True)
    def test_a_statement_is_never_sent_twice(self, tmp_path: Path, listener: Listener) -> None:
        refusal(tmp_path, TRINO_PORT=listener.port)
        assert listener.calls == 1

    @pytest.mark.parametrize("listener", [http("400 Bad Request")], indirect=True)
    def test_https_to_a_port_of_http(self, tmp_path: Path, listener: Listener) -> None:
        error = refusal(tmp_path, TRINO_PORT=listener.port, TRINO_HTTP_SCHEME="https")
        assert error.code is Code.SERVER_DOWN
        assert "does not speak TLS" in error.problem

    @pytest.mark.parametrize("listener", [None], ids=["silent"], indirect=True)
    def test_a_port_that_keeps_silent(self, tmp_path: Path, listener: Listener) -> None:
        started = monotonic()
        error = refusal(tmp_path, TRINO_PORT=listener.port, TRINO_REQUEST_TIMEOUT="300ms")
        assert error.code is Code.SERVER_DOWN
        assert "did not answer in time" in error.problem
        assert monotonic() - started < 10

    def test_a_port_where_nobody_listens(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        error = refusal(tmp_path, TRINO_PORT=port)
        assert error.code is Code.SERVER_DOWN
        assert error.problem == f"nothing answers at 127.0.0.1:{port}"

    def test_a_host_that_does_not_exist(self, tmp_path: Path) -> None:
        error = refusal(tmp_path, TRINO_HOST="no-such-host.invalid")
        assert error.code is Code.SERVER_DOWN
        assert "no host named no-such-host.invalid" in error.problem


class TestLogins:
    @pytest.mark.parametrize(
        "listener",
        [
            http("401 Unauthorized", "Access Denied: hunter2 is wrong"),
            http("403 Forbidden", "Access Denied: hunter2 may not"),
        ],
        ids=["401", "403"],
        indirect=True,
    )
    def test_a_refused_login_does_not_show_the_password(
        self, tmp_path: Path, listener: Listener
    ) -> None:
        error = refusal(tmp_path, TRINO_PORT=listener.port, TRINO_PASSWORD="hunter2")  # noqa: S106
        assert error.code is Code.NOT_AUTHENTICATED
        assert "Access Denied: ***" in error.problem

    @pytest.mark.parametrize(
        "credential",
        [{"TRINO_PASSWORD": "x"}, {"TRINO_JWT": "x"}, {"TRINO_OAUTH2": "true"}],
        ids=lambda credential: next(iter(credential)),
    )
    def test_credentials_do_not_travel_unencrypted(
        self, tmp_path: Path, credential: dict[str, str]
    ) -> None:
        error = refusal(tmp_path, TRINO_HOST="192.0.2.1", **credential)
        assert error.code is Code.BAD_SETTING
        assert "would travel unencrypted to 192.0.2.1:8080" in error.problem

    def test_unless_that_is_asked_for(self, tmp_path: Path) -> None:
        environ = {
            "TRINO_HOST": "192.0.2.1",
            "TRINO_PASSWORD": "x",
            "TRINO_ALLOW_INSECURE_AUTH": "true",
        }
        assert connect(load(environ=environ, cwd=tmp_path)).address.port == 8080

    def test_two_ways_to_log_in_are_one_too_many(self, tmp_path: Path) -> None:
        error = refusal(tmp_path, TRINO_PASSWORD="x", TRINO_JWT="y")  # noqa: S106
        assert error.problem == "TRINO_PASSWORD and TRINO_JWT are both set"

    @pytest.mark.parametrize("name", ["TRINO_VERIFY", "TRINO_CLIENT_CERT"])
    def test_a_file_that_is_not_there(self, tmp_path: Path, name: str) -> None:
        error = refusal(tmp_path, **{name: str(tmp_path / "none.pem"), "TRINO_PORT": "443"})
        assert error.code is Code.BAD_SETTING
        assert "none.pem" in error.problem


class TestAddresses:
    @pytest.mark.parametrize(
        ("environ", "scheme", "port"),
        [
            ({}, "http", 8080),
            ({"TRINO_PORT": "443"}, "https", 443),
            ({"TRINO_PORT": "8443"}, "http", 8443),
            ({"TRINO_HTTP_SCHEME": "https"}, "https", 443),
            ({"TRINO_HTTP_SCHEME": "https", "TRINO_PORT": "8443"}, "https", 8443),
        ],
    )
    def test_scheme_and_port_follow_from_each_other(
        self, tmp_path: Path, environ: dict[str, str], scheme: str, port: int
    ) -> None:
        address = connect(load(environ={"TRINO_HOST": "t", **environ}, cwd=tmp_path)).address
        assert (address.scheme, address.port) == (scheme, port)

    @pytest.mark.parametrize(
        ("host", "loopback"),
        [
            ("127.0.0.1", True),
            ("::1", True),
            ("localhost", True),
            ("t", False),
            ("10.0.0.1", False),
        ],
    )
    def test_loopback(self, tmp_path: Path, host: str, loopback: bool) -> None:  # noqa: FBT001
        address = connect(load(environ={"TRINO_HOST": host}, cwd=tmp_path)).address
        assert address.is_loopback is loopback

    def test_no_host_is_ever_guessed(self, tmp_path: Path) -> None:
        with pytest.raises(PhloSqlError) as caught:
            connect(load(environ={}, cwd=tmp_path))
        assert caught.value.code is Code.MISSING_SETTING
        assert "TRINO_HOST" in caught.value.hint

    def test_a_zone_that_does_not_exist(self, tmp_path: Path) -> None:
        error = refusal(tmp_path, TRINO_TIMEZONE="Mars/Olympus")
        assert error.code is Code.BAD_SETTING
