"""Trino 476 with TLS: password file, token, client certificate, a login through a browser; and what
is said when one is wrong.

The certificates are made here by openssl and die with the test.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from phlo_sql import dialect
from phlo_sql.config import load
from phlo_sql.doctor import diagnose
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.trino import connect
from phlo_sql.stack import StackRequest, down, up
from tests import environments
from tests.live.optimizing import PHLO_SQL

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates"),
]

PASSWORD = "hunter2 & 'more'"  # noqa: S105 - of a server that lives as long as this test
OPENID = Path(__file__).parent / "openid.lock"
CURRENT_USER = dialect.parse("SELECT current_user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    folder: Path
    port: int

    def path(self, name: str) -> str:
        return str(self.folder / name)


def openssl(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(
        ["openssl", *arguments], cwd=folder, input=given, check=True, capture_output=True
    ).stdout


def make_certificates(folder: Path) -> None:
    """An authority, a server's certificate for 127.0.0.1 and a client's for `carol`."""
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
        "-out", "ca.pem", "-days", "1", "-subj", "/CN=test authority",
    )  # fmt: skip
    for name, subject, more in (
        ("server", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1"),
        ("client", "/CN=carol", "extendedKeyUsage=clientAuth"),
    ):
        openssl(
            folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", subject,
        )  # fmt: skip
        (folder / f"{name}.ext").write_text(more)
        openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-out", f"{name}.pem", "-days", "1", "-extfile", f"{name}.ext",
        )  # fmt: skip
    parts = [(folder / name).read_text() for name in ("server.key", "server.pem")]
    (folder / "keystore.pem").write_text("".join(parts))
    openssl(folder, "genrsa", "-out", "jwt.key", "2048")
    openssl(folder, "rsa", "-in", "jwt.key", "-pubout", "-out", "jwt.pem")


def make_passwords(folder: Path) -> None:
    """Trino's file of passwords: `user:iterations:salt:hash` (PBKDF2WithHmacSHA1)."""
    salt = os.urandom(16)
    hashed = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt, 1000)
    (folder / "password.db").write_text(f"alice:1000:{salt.hex()}:{hashed.hex()}\n")
    (folder / "authenticator.properties").write_text(
        f"password-authenticator.name=file\nfile.password-file={folder / 'password.db'}\n"
    )


def token(folder: Path, user: str, lives: int = 600) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "RS256", "typ": "JWT"}).encode())
    body = part(json.dumps({"sub": user, "exp": int(time.time()) + lives}).encode())
    signed = f"{head}.{body}".encode()
    signature = openssl(folder, "dgst", "-sha256", "-sign", "jwt.key", given=signed)
    return f"{head}.{body}.{part(signature)}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """An OpenID provider, which lets anybody in by the name that they give."""
    port = free_port()
    home = environments.made("openid", "1", OPENID, sys.executable)
    line = [str(home / "bin" / "python"), "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"nothing listens on port {port}"
            time.sleep(0.1)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    make_passwords(folder)
    port = free_port()
    request = StackRequest(
        name=f"tls-{os.getpid()}",
        trino=476,
        trino_settings={
            "http-server.https.enabled": "true",
            "http-server.https.port": str(port),
            "http-server.https.keystore.path": str(folder / "keystore.pem"),
            "http-server.https.truststore.path": str(folder / "ca.pem"),
            "http-server.authentication.type": "CERTIFICATE,JWT,OAUTH2,PASSWORD",
            "http-server.authentication.oauth2.issuer": provider,
            "http-server.authentication.oauth2.client-id": "trino",
            "http-server.authentication.oauth2.client-secret": "of one test",
            "http-server.authentication.certificate.user-mapping.pattern": "CN=(.*)",
            "http-server.authentication.jwt.key-file": str(folder / "jwt.pem"),
            # The stack itself asks over http whether the server is ready.
            "http-server.authentication.allow-insecure-over-http": "true",
            "password-authenticator.config-files": str(folder / "authenticator.properties"),
            "internal-communication.shared-secret": "internal secret of one test",
        },
    )
    up(request)
    yield Secured(folder=folder, port=port)
    down(request, purge=True)


def environ(secured: Secured, **more: str) -> dict[str, str]:
    return {
        "TRINO_HOST": f"https://127.0.0.1:{secured.port}",
        "TRINO_VERIFY": secured.path("ca.pem"),
        **more,
    }


def user(secured: Secured, **more: str) -> str:
    with connect(load(environ=environ(secured, **more), cwd=secured.folder)) as session:
        return str(session.query(CURRENT_USER)[0][0])


def refusal(secured: Secured, **more: str) -> PhloSqlError:
    with pytest.raises(PhloSqlError) as caught:
        user(secured, **more)
    shown = f"{caught.value.problem} {caught.value.hint} {caught.value.data}"
    assert not [secret for secret in more.values() if "hunter" in secret and secret in shown]
    assert "\n" not in shown
    return caught.value


class TestLogins:
    def test_a_password(self, secured: Secured) -> None:
        assert user(secured, TRINO_USER="alice", TRINO_PASSWORD=PASSWORD) == "alice"

    def test_a_password_for_the_whole_session(self, secured: Secured) -> None:
        given = environ(secured, TRINO_USER="alice", TRINO_PASSWORD=PASSWORD)
        found = {each.name: each for each in diagnose(load(environ=given, cwd=secured.folder))}
        assert found["server"].status == "ok"
        assert found["server"].detail.startswith("https://")
        assert found["trino_password"].detail == "*** (environment)"
        assert PASSWORD not in str(found)

    @pytest.mark.parametrize("wrong", ["hunter3", ""], ids=["wrong", "none"])
    def test_a_wrong_password(self, secured: Secured, wrong: str) -> None:
        error = refusal(secured, TRINO_USER="alice", TRINO_PASSWORD=wrong)
        assert error.code is Code.NOT_AUTHENTICATED
        assert f"127.0.0.1:{secured.port}" in error.problem

    def test_a_password_does_not_speak_for_another_user(self, secured: Secured) -> None:
        error = refusal(secured, TRINO_USER="bob", TRINO_PASSWORD=PASSWORD)
        assert error.code is Code.NOT_AUTHENTICATED

    def test_a_token(self, secured: Secured) -> None:
        assert user(secured, TRINO_JWT=token(secured.folder, "bob")) == "bob"

    def test_a_token_that_has_expired(self, secured: Secured) -> None:
        error = refusal(secured, TRINO_JWT=token(secured.folder, "bob", lives=-600))
        assert error.code is Code.NOT_AUTHENTICATED

    def test_a_client_certificate(self, secured: Secured) -> None:
        certificate = {
            "TRINO_CLIENT_CERT": secured.path("client.pem"),
            "TRINO_CLIENT_KEY": secured.path("client.key"),
        }
        assert user(secured, **certificate) == "carol"


BROWSER = """\
import sys
import requests

visit = requests.Session()
visit.verify = {authority!r}
form = visit.get(sys.argv[1])  # Trino sends one on to the provider
visit.post(form.url, data={answer!r})  # which sends one back to Trino
"""


def test_a_login_through_a_browser(secured: Secured) -> None:
    """The page's address is told, and a browser opened: here one that fills in the form."""
    browser = secured.folder / "browser.py"
    browser.write_text(BROWSER.format(authority=secured.path("ca.pem"), answer={"sub": "dora"}))
    given = environ(secured, TRINO_OAUTH2="true", BROWSER=f"{sys.executable} {browser} %s")
    ran = subprocess.run(
        [PHLO_SQL, "doctor", "--json"],
        env={"PATH": os.environ["PATH"], "HOME": str(secured.folder), **given},
        cwd=secured.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"log in at https://127.0.0.1:{secured.port}/" in ran.stderr
    found = {each["name"]: each for each in json.loads(ran.stdout)["data"]["findings"]}
    assert found["server"]["status"] == "ok"
    assert " as dora, " in found["server"]["detail"]


class TestCertificates:
    def test_an_authority_that_is_not_known(self, secured: Secured) -> None:
        error = refusal(secured, TRINO_USER="alice", TRINO_PASSWORD=PASSWORD, TRINO_VERIFY="true")
        assert error.code is Code.SERVER_DOWN
        assert "is not trusted" in error.problem
        assert "TRINO_VERIFY" in error.hint

    def test_unchecked_where_that_is_asked_for(self, secured: Secured) -> None:
        given = {"TRINO_USER": "alice", "TRINO_PASSWORD": PASSWORD}
        assert user(secured, **given, TRINO_VERIFY="false") == "alice"

    def test_a_setting_is_stronger_than_the_environments_bundle(
        self, secured: Secured, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", secured.path("client.pem"))
        assert user(secured, TRINO_USER="alice", TRINO_PASSWORD=PASSWORD) == "alice"

    def test_http_to_the_port_of_https(self, secured: Secured) -> None:
        error = refusal(secured, TRINO_HOST=f"http://127.0.0.1:{secured.port}", TRINO_USER="alice")
        assert error.code is Code.SERVER_DOWN
        assert "does not speak Trino over http" in error.problem
