"""Processes that outlive the program that started them, and are found again without confusion."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Our own children, kept so that they are reaped when they end while this program still runs.
_CHILDREN: dict[int, _Server] = {}
_STATE, _PARENT, _START = 0, 1, 19  # fields of /proc/<pid>/stat after the name in brackets


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An unprivileged user to run a server as."""

    uid: int
    gid: int


class _Server(subprocess.Popen[bytes]):
    """It outlives us by design, which `Popen` would warn of."""

    def __del__(self) -> None:
        pass


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
) -> tuple[int, str]:
    """Start in a session of its own, output to `log`. Returns the number and the birth."""
    with log.open("ab") as output:
        child = _Server(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    _CHILDREN[child.pid] = child
    return child.pid, birth(child.pid) or ""


def birth(pid: int) -> str | None:
    """What no later process with the same number shares: boot and start tick. None if ended."""
    if (child := _CHILDREN.get(pid)) and child.poll() is not None:
        del _CHILDREN[pid]
    fields = _stat(pid)
    if fields is None or (fields[_STATE] == "Z" and not _has_other_threads(pid)):
        return None
    return f"{_boot()}:{fields[_START]}"


def alive(pid: int, born: str) -> bool:
    return bool(born) and birth(pid) == born


def stop(pid: int, born: str, *, signals: Sequence[int], grace: float) -> None:
    """Ask, wait, insist: the process and all it started are gone afterwards."""
    if not alive(pid, born):
        return
    family = _family(pid)
    for number in (*signals, signal.SIGKILL):
        if not _any_alive(family):
            return
        targets = {pid: born} if number != signal.SIGKILL else family
        for member, member_born in targets.items():
            if alive(member, member_born):
                _signal(member, number)
        deadline = time.monotonic() + grace
        while _any_alive(family) and time.monotonic() < deadline:
            time.sleep(0.05)


def telling_line(log: Path) -> str:
    """The line of a log that says best why a server did not start."""
    try:
        text = _COLOUR.sub("", log.read_text("utf-8", "replace"))
    except OSError:
        return "it wrote no log"
    lines = [line.strip() for line in text.splitlines()[-400:] if line.strip()]
    for pattern in _TELLING:
        for line in lines:
            if pattern.search(line):
                return line[:300]
    return lines[-1][:300] if lines else "it wrote nothing to its log"


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TELLING = (
    re.compile(r"^\d+\) "),  # how Guice counts what is wrong in a configuration
    re.compile(r"Address already in use|bind: |could not bind"),
    re.compile(r"^Caused by: .*(?:Configuration|ConfigException)"),
    re.compile(r"\bFATAL\b|\bpanic:|OutOfMemoryError"),
    re.compile(r"\bERROR\b"),
    re.compile(r"Exception\b"),
)


def _any_alive(family: Mapping[int, str]) -> bool:
    return any(alive(pid, born) for pid, born in family.items())


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _family(root: int) -> dict[int, str]:
    """A server's children may lead groups of their own (PostgreSQL's do): follow the parents."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[_PARENT])
    members, grown = {root}, True
    while grown:
        found = {pid for pid, parent in parents.items() if parent in members} - members
        members |= found
        grown = bool(found)
    return {pid: born for pid in members if (born := birth(pid))}


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _has_other_threads(pid: int) -> bool:
    """A JVM's first thread can be gone while others still hold its ports."""
    try:
        return any(task.name != str(pid) for task in Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return False


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
