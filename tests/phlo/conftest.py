"""The real phlo, in an environment of its own for each of the two generations that differ.

An environment is made once from its lock file (hashes, like ours) and kept in the cache; phlo-sql
is put into it editable, so that it is this checkout that runs.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import environments
from tests.live.conftest import make_schema, stack

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["make_schema", "phlo", "stack"]
HERE = Path(__file__).parent
GENERATIONS = {"0.16": (3, 11), "0.18": (3, 12)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phlo:
    """One installed phlo."""

    generation: str
    home: Path

    def run(
        self, *words: str, cwd: Path, env: Mapping[str, str], timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """`phlo …` in its own process; nothing of this process's settings reaches it."""
        return subprocess.run(
            [str(self.home / "bin" / "phlo"), *words],
            cwd=cwd,
            env=environment(env, cwd),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def on_a_terminal(self, *words: str, cwd: Path, env: Mapping[str, str]) -> str:
        """What `phlo …` writes where it is a terminal that it writes to."""
        mine, its = pty.openpty()
        with subprocess.Popen(
            [str(self.home / "bin" / "phlo"), *words],
            cwd=cwd,
            env=environment({"TERM": "xterm-256color", **env}, cwd),
            stdin=its,
            stdout=its,
            stderr=its,
        ):
            os.close(its)
            shown = b""
            with suppress(OSError):  # so a terminal ends whose other side is closed
                while part := os.read(mine, 65536):
                    shown += part
        os.close(mine)
        return shown.decode()

    def python(self, script: Path, *words: str, cwd: Path, env: Mapping[str, str]) -> str:
        ran = subprocess.run(
            [str(self.home / "bin" / "python"), str(script), *words],
            cwd=cwd,
            env=environment(env, cwd),
            capture_output=True,
            text=True,
            timeout=600,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def json(self, *words: str, cwd: Path, env: Mapping[str, str]) -> dict[str, Any]:
        """The one document that a command prints."""
        ran = self.run(*words, "--json", cwd=cwd, env=env)
        document: dict[str, Any] = json.loads(ran.stdout)
        assert document["exit_code"] == ran.returncode, ran.stderr
        return document


def environment(env: Mapping[str, str], cwd: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(cwd), "XDG_STATE_HOME": str(cwd), **env}


@pytest.fixture(scope="session", params=sorted(GENERATIONS))
def phlo(request: pytest.FixtureRequest) -> Phlo:
    generation: str = request.param
    lock = HERE / f"phlo-{generation}.lock"
    python = _python(GENERATIONS[generation])
    home = environments.made("phlo", generation, lock, python, with_us=True)
    return Phlo(generation=generation, home=home)


def _python(version: tuple[int, int]) -> str:
    """This interpreter, one on the PATH, or one of pyenv's."""
    if sys.version_info[:2] == version:
        return sys.executable
    name = f"python{version[0]}.{version[1]}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(pyenv.glob(f"{version[0]}.{version[1]}.*/bin/{name}"))
    for candidate in (*found, *filter(None, [shutil.which(name)])):
        asked = [str(candidate), "-c", "import venv, ensurepip"]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return str(candidate)
    pytest.fail(f"phlo needs {name}: install it, or put it on the PATH")
