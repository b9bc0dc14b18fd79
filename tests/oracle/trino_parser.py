"""Trino's own parser as a child process: what a server of that version reads in a text.

Its jars come by their Maven coordinates, once from the network, and are kept in the cache.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, Any

from phlo_sql.stack import cache

VERSIONS = (476, 484)
_SHARED = ("org.antlr:antlr4-runtime:4.13.2", "com.google.guava:guava:33.4.8-jre")
_SOURCE = Path(__file__).with_name("TrinoOracle.java")
_JAVA = 25  # Trino 484's classes are of version 69


class TrinoParser:
    """Answers one question a line, hundreds a second; ended by `close`."""

    def __init__(self, java: Path, version: int, jars: list[Path]) -> None:
        self.version = version
        command = [str(java), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m", "-Xss8m"]
        self._process = subprocess.Popen(
            [*command, "-cp", os.pathsep.join(map(str, jars)), str(_SOURCE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
        )

    def statement(self, sql: str) -> Any:
        """The tree that Trino makes of a statement. Raises ValueError where it refuses it."""
        return self._ask("STATEMENT", sql)

    def expression(self, sql: str) -> Any:
        return self._ask("EXPRESSION", sql)

    def type(self, sql: str) -> Any:
        return self._ask("TYPE", sql)

    def reserved(self) -> frozenset[str]:
        return frozenset(self._ask("RESERVED", ""))

    def accepts(self, sql: str) -> bool:
        try:
            self.statement(sql)
        except ValueError:
            return False
        return True

    def close(self) -> None:
        self._pipe(self._process.stdin).close()
        self._process.wait(30)
        self._pipe(self._process.stdout).close()

    def _ask(self, what: str, text: str) -> Any:
        stdin, stdout = self._pipe(self._process.stdin), self._pipe(self._process.stdout)
        stdin.write(f"{what} {base64.b64encode(text.encode()).decode()}\n")
        stdin.flush()
        verdict, _, answer = stdout.readline().rstrip("\n").partition(" ")
        decoded = base64.b64decode(answer).decode()
        if verdict == "ERR":
            raise ValueError(f"Trino {self.version} refuses {text!r}: {decoded}")
        if verdict != "OK":
            raise RuntimeError(f"Trino {self.version}'s parser ended (exit {self._process.poll()})")
        return json.loads(decoded)

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def find_java() -> Path | None:
    """A JDK of 25 or newer: JAVA_HOME's, else the oldest that fits under /usr/lib/jvm."""
    homes = [Path(os.environ.get("JAVA_HOME") or "/nonexistent")]
    homes += sorted(Path("/usr/lib/jvm").glob("*"))
    return next((home / "bin" / "java" for home in homes if _release(home) >= _JAVA), None)


def _release(home: Path) -> int:
    file = home / "release"
    found = re.search(r'^JAVA_VERSION="(\d+)', file.read_text(), re.M) if file.is_file() else None
    return int(found[1]) if found and (home / "bin" / "javac").is_file() else 0


def find_maven() -> Path | None:
    found = shutil.which("mvn")
    return Path(found) if found else None


def jars(maven: Path) -> dict[int, list[Path]]:
    """What each version's parser needs, without the rest of Trino.

    Copied one by one: 484's parent imports a BOM that is not published, so Maven can read no list
    of what its artifacts depend on.
    """
    own = {
        version: [f"io.trino:trino-parser:{version}", f"io.trino:trino-grammar:{version}"]
        for version in VERSIONS
    }
    wanted = [*_SHARED, *(each for found in own.values() for each in found)]

    def fetch(folder: Path) -> None:
        for each in wanted:
            subprocess.run(
                [
                    *(str(maven), "-B", "-q", "dependency:copy", f"-Dartifact={each}"),
                    f"-DoutputDirectory={folder}",
                ],
                check=True,
                stdin=subprocess.DEVNULL,
            )

    kept = cache.folder("trino-parsers", "\n".join(wanted), fetch)
    return {
        version: [kept / f"{'-'.join(each.split(':')[1:])}.jar" for each in (*found, *_SHARED)]
        for version, found in own.items()
    }
