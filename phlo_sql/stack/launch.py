"""Start one server and wait until it answers, or say why it does not."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.stack import process
from phlo_sql.stack.info import Service
from phlo_sql.stack.ports import answers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_STOP_SIGNALS: Mapping[str, tuple[int, ...]] = {
    # Fast, then immediate shut-down: SIGTERM would wait for the clients to leave.
    "postgres": (signal.SIGINT, signal.SIGQUIT),
}
_GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How one server starts. `ready` is asked until true; then `afterwards` runs once."""

    name: str
    command: Sequence[str | Path]
    cwd: Path
    log: Path
    port: int
    ready: Callable[[], bool]
    deadline: float = 120.0
    env: Mapping[str, str] = field(default_factory=dict)
    account: process.Account | None = None
    afterwards: Callable[[], None] | None = None


def begin(launch: Launch) -> Service:
    if launch.log.exists():
        launch.log.replace(launch.log.with_suffix(".log.1"))
    pid, born = process.start(
        launch.command, log=launch.log, cwd=launch.cwd, env=launch.env, account=launch.account
    )
    return Service(
        name=launch.name, pid=pid, birth=born, port=launch.port, log=launch.log, ready=False
    )


def await_ready(launch: Launch, service: Service) -> Service:
    end = time.monotonic() + launch.deadline
    while not launch.ready():
        if not process.alive(service.pid, service.birth):
            raise _failed(launch, "ended while starting")
        if time.monotonic() > end:
            raise _failed(launch, f"did not answer within {launch.deadline:.0f} s")
        time.sleep(0.1)
    if launch.afterwards:
        launch.afterwards()
    return replace(service, ready=True)


def running(service: Service) -> bool:
    return process.alive(service.pid, service.birth)


def look_again(service: Service) -> Service:
    return replace(service, ready=running(service) and answers(service.port))


def stop(service: Service) -> None:
    signals = _STOP_SIGNALS.get(service.name, (signal.SIGTERM,))
    process.stop(service.pid, service.birth, signals=signals, grace=_GRACE_SECONDS)


def get(url: str, timeout: float = 5.0) -> Any:
    """What a server of the stack answers in JSON; None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - our own address
            return json.load(answer)
    except (OSError, ValueError):
        return None


def post(url: str, document: object) -> int:
    """Send JSON; the HTTP status that came back."""
    request = urllib.request.Request(  # noqa: S310 - our own address
        url,
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def _failed(launch: Launch, what: str) -> PhloSqlError:
    return PhloSqlError(
        Code.STACK_FAILED,
        f"{launch.name} {what}: {process.telling_line(launch.log)}",
        f"read {launch.log}",
    )
