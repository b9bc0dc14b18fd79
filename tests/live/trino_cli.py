"""Trino's own command line, as a DBA runs it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from phlo_sql.stack.maven import Artifact, resolve
from tests.oracle.trino_parser import find_java, find_maven

if TYPE_CHECKING:
    from pathlib import Path

    from phlo_sql.stack.clients import Clients

VERSION = "476"
"""The newest whose executable jar is published."""
_LEAN = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def command() -> tuple[str, ...]:
    java, maven = find_java(), find_maven()
    if java is None or maven is None:
        pytest.skip("Trino's own CLI needs a JDK of 25 and Maven")
    wanted = Artifact(
        group="io.trino", name="trino-cli", version=VERSION, classifier="executable", alone=True
    )
    [jar] = resolve(maven, {"cli": wanted}, print)["cli"]
    return (str(java), *_LEAN, "-jar", str(jar))


def run_file(
    command: tuple[str, ...], stack: Clients, file: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Every statement of the file, until one fails."""
    env = stack.env
    server = f"http://{env['TRINO_HOST']}:{env['TRINO_PORT']}"
    return subprocess.run(
        [*command, "--server", server, "--user", env["TRINO_USER"], "--file", str(file), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
