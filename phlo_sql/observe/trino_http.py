"""How Trino is reached: address, credentials, certificates, and which requests are repeated."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.config import user_of
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.config import Settings

_TLS_PORT, _PORT = 443, 8080
_REPEATS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int
    scheme: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")


def address_of(settings: Settings) -> Address:
    """Where the server is. No host is ever guessed. Raises PhloSqlError(MISSING_SETTING)."""
    host = settings.trino_host.value.strip("[]")
    if not host:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            "no Trino server is named",
            "set TRINO_HOST and TRINO_PORT, use --server http[s]://host:port, or write them in "
            "phlo-sql.toml; `phlo-sql stack up` starts one to try",
        )
    scheme, port = settings.trino_http_scheme.value, settings.trino_port.value
    scheme = scheme or ("https" if port == _TLS_PORT else "http")
    port = port or (_TLS_PORT if scheme == "https" else _PORT)
    return Address(host=host, port=port, scheme=scheme)


def authentication(settings: Settings, address: Address) -> Any:
    """The driver's authentication, or None. Credentials never leave unencrypted unasked.

    Raises PhloSqlError(BAD_SETTING, MISSING_SETTING).
    """
    from trino import auth

    named = {
        "TRINO_PASSWORD": bool(settings.trino_password.value),
        "TRINO_JWT": bool(settings.trino_jwt.value),
        "TRINO_OAUTH2": settings.trino_oauth2.value,
    }
    used = [name for name, given in named.items() if given]
    if len(used) > 1:
        raise PhloSqlError(
            Code.BAD_SETTING, f"{' and '.join(used)} are both set", "set one way to log in"
        )
    certified = bool(settings.trino_client_cert.value)
    if (used or certified) and address.scheme == "http" and not _may_be_plain(settings, address):
        what = used[0] if used else "TRINO_CLIENT_CERT"
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"{what} would travel unencrypted to {address}",
            "set TRINO_HTTP_SCHEME=https (or TRINO_ALLOW_INSECURE_AUTH=true, where the network "
            "itself encrypts)",
        )
    if settings.trino_password.value:
        user = user_of(settings)
        if not user:
            raise PhloSqlError(Code.MISSING_SETTING, "a password without a user", "set TRINO_USER")
        return auth.BasicAuthentication(user, settings.trino_password.value.reveal())
    if settings.trino_jwt.value:
        return auth.JWTAuthentication(settings.trino_jwt.value.reveal())
    if settings.trino_oauth2.value:
        return auth.OAuth2Authentication(auth.CompositeRedirectHandler([_show_login_page]))
    return None


def _may_be_plain(settings: Settings, address: Address) -> bool:
    return address.is_loopback or settings.trino_allow_insecure_auth.value


def _show_login_page(url: str) -> None:
    """Not the driver's own handler, which prints to standard output."""
    import sys
    import webbrowser

    sys.stderr.write(f"log in at {url}\n")
    sys.stderr.flush()
    webbrowser.open_new(url)


def http_session(settings: Settings) -> Any:
    """A requests session that checks certificates as told, and repeats only what is safe.

    A statement that was sent is never sent again: only reading its results, and what never
    reached the server, is repeated. (The driver's own attempts repeat the statement too.)
    """
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    class Session(requests.Session):
        def merge_environment_settings(self, *args: Any, **kwargs: Any) -> Any:
            # requests prefers REQUESTS_CA_BUNDLE to a session's own setting (psf/requests#3829).
            merged = super().merge_environment_settings(*args, **kwargs)
            if self.verify is not True:
                merged["verify"] = self.verify
            return merged

    session = Session()
    session.verify = _verification(settings)
    if session.verify is False:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session.cert = _client_certificate(settings)
    repeat = Retry(
        total=_REPEATS,
        backoff_factor=0.2,
        allowed_methods=("GET", "HEAD", "DELETE"),
        status_forcelist=(429, 502, 503, 504),
        raise_on_status=False,
    )
    for prefix in ("http://", "https://"):
        session.mount(prefix, HTTPAdapter(max_retries=repeat))
    return session


def _verification(settings: Settings) -> bool | str:
    verify = settings.trino_verify.value
    if isinstance(verify, str) and not Path(verify).expanduser().exists():
        raise PhloSqlError(
            Code.BAD_SETTING,
            f"trino_verify: there is no file {verify}",
            "set TRINO_VERIFY to true, false, or a PEM file of certificate authorities",
        )
    return str(Path(verify).expanduser()) if isinstance(verify, str) else verify


def _client_certificate(settings: Settings) -> str | tuple[str, str] | None:
    paths = [settings.trino_client_cert.value, settings.trino_client_key.value]
    paths = [str(Path(path).expanduser()) for path in paths if path]
    for path in paths:
        if not Path(path).is_file():
            raise PhloSqlError(
                Code.BAD_SETTING,
                f"client certificate: there is no file {path}",
                "set TRINO_CLIENT_CERT and TRINO_CLIENT_KEY to PEM files",
            )
    if not settings.trino_client_cert.value:
        return None
    return (paths[0], paths[1]) if len(paths) == 2 else paths[0]
