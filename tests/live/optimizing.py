"""The program's own process, as users start it, and a table's files as Trino tells them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.live import forked

if TYPE_CHECKING:
    import subprocess

    from phlo_sql.stack.clients import Clients

PHLO_SQL = str(Path(sys.executable).with_name("phlo-sql"))


def phlo_sql(
    stack: Clients, *words: str, state: Path | None = None, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    env = {**stack.subprocess_env}
    if state is not None:
        env["XDG_STATE_HOME"] = str(state)
    return forked.run(list(words), env=env, text=text)


def document(stack: Clients, *words: str) -> dict[str, Any]:
    """The one JSON document of a command; its exit code must be the process's."""
    ran = phlo_sql(stack, *words, "--json")
    found: dict[str, Any] = json.loads(ran.stdout)
    assert ran.returncode == found["exit_code"], ran.stderr
    return found


def shown(found: dict[str, Any]) -> str:
    """A document as the message of an assertion, whole: pytest cuts what isn't text."""
    return json.dumps(found, indent=1, default=str)


def ran(stack: Clients, state: Path, *words: str) -> dict[str, Any]:
    """The document of a command whose journal lies under `state`."""
    found: dict[str, Any] = json.loads(phlo_sql(stack, *words, "--json", state=state).stdout)
    return found


def files(stack: Clients, table: str) -> set[tuple[str, int]]:
    schema, name = table.rsplit(".", 1)
    rows = stack.rows(
        f'SELECT file_path, file_size_in_bytes FROM {schema}."{name}$files" WHERE content = 0'
    )
    return {(path, size) for path, size in rows}
