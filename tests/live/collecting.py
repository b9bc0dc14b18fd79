"""A collector of a test's own, in a process that can be killed, and posts as Trino makes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.stack import ports

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

TOKEN = "a token of the test"  # noqa: S105 - of nothing
BODIES = Path(__file__).parents[1] / "unit" / "audit" / "bodies"


@dataclass(slots=True, kw_only=True)
class Collector:
    """`phlo-sql access collect` with this environment and spool."""

    environ: Mapping[str, str]
    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=lambda: ports.choose(["events"], {}, {})["events"])
    token: str = TOKEN
    trusting: ssl.SSLContext | None = None
    """How its certificate is checked, where it listens by https."""
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.trusting else 'http'}://127.0.0.1:{self.port}"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def start(self) -> None:
        words = ["access", "collect", f"--port={self.port}", f"--spool={self.spool}", "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from phlo_sql.cli import main; main()", *words, *self.options],
            env={**os.environ, "PHLO_SQL_COLLECT_TOKEN": self.token, **self.environ},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "collector.log").open("a"),
            text=True,
        )
        while self.health() is None:
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, dict[str, Any]]:
        """Its exit code and its document."""
        assert self.process is not None
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, json.loads(out)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def said(self) -> str:
        return (self.folder / "collector.log").read_text()

    def post(self, body: object, *, token: str | None = None) -> int:
        """The status; 0 where nobody answers."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if (shown := self.token if token is None else token) != "":
            headers["Authorization"] = f"Bearer {shown}"
        request = urllib.request.Request(self.url, data, headers)  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(  # noqa: S310 - our own
                request, timeout=60, context=self.trusting
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code
        except OSError:
            return 0

    def health(self) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(  # noqa: S310 - our own
                f"{self.url}/health", timeout=10, context=self.trusting
            ) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError:
            return None

    def wait_until_stored(self) -> None:
        """Everything on disk is in PostgreSQL."""
        deadline = time.monotonic() + 60
        while (found := self.health()) is None or found["waiting_bytes"] or found["problem"]:
            assert time.monotonic() < deadline, (found, self.said())
            time.sleep(0.05)


def query(number: int, *, name: str = "select", **metadata: Any) -> dict[str, Any]:
    """A recorded body as of another query."""
    found: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text())
    found["metadata"] |= {"queryId": f"q{number}", **metadata}
    return found
