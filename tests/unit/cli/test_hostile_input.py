"""Whatever is typed after a command: with `--json` one document, the right code, and no traceback.

Each command starts from its own first example; each of its parameters then gets what its kind must
refuse. No server answers here: what gets past the command line ends with `server_down`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from phlo_sql.cli import cli
from phlo_sql.cli.run import run
from tests.unit.cli.command_tree import LEAVES, examples

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNBOOK = next(
    (Path(__file__).parents[3] / "sql" / "runbooks" / "table-optimize" / "483").glob("*.sql")
)
SAFE = [path for path in LEAVES if path[0] != "stack" and path != ("access", "collect")]
"""Commands whose example neither starts nor stops a server."""
LOCAL: dict[tuple[str, ...], int] = {
    ("migrate", "rollback"): 3,
    ("migrate", "status"): 0,
    ("runbook", "apply"): 0,
    ("runbook", "approve"): 2,
    ("runbook", "lint"): 0,
    ("runbook", "show"): 0,
    ("runbook", "undo"): 3,
    ("runbook", "verify"): 3,
    ("completion",): 0,
}
"""Commands whose example asks no server that is down here, with their exit codes."""

BY_KIND = {
    "table": ["t", "a.b.c.d", "", ".", "s..t", "s.t@", 's."t', "s.t\x00"],
    "schema": ["a.b.c", "", "s..t", "s@dev"],
    "size": ["12 parsecs", "-1MB", "", "1e400GB", "NaN", "MB"],
    "duration": ["7 fortnights", "-1d", "", "NaNd", "99999999999999d"],
    "names": ["", "a,,b", "a,a"],
    "predicate": ["", "a =", "1 = 1; DROP TABLE t", "SELECT"],
    "choice": ["no-such-choice", ""],
    "integer range": ["x", "", "1.5", "-1"],
    "file": ["no-such-file.sql", "folder", ""],
    "output file": ["no-such-folder/x.sql", "folder", "", "x\x00.sql"],
    "output folder": ["binary", ""],
    "stack": ["../x", "", "a/b", "."],
}
"""By the kind of a parameter, what it refuses."""
BY_NAME = {
    "--config": ["no-such-file.toml", "folder", "binary"],
    "--server": ["ftp://x", "http://", "http://h:99999", "http://h:x"],
    "--from": ["no-such-file.sql", "folder", "binary"],
    "--report": ["x.docx"],
    "--list": ["x.docx"],
    "--port": ["trino=http", "=", "", "trino=99999"],
    "--until": ["whenever", "", "2001-01-01"],
    "--start-time": ["whenever", ""],
    "--end-time": ["whenever", ""],
    "--role": ["emperor", ""],
    "--uri": ["ftp://x", "", "thrift://", "thrift://h:x"],
    "resource": ["", "a.b.c.d.e", "iceberg..t"],
}
"""The same by its name, where its kind says nothing, or not all."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the files that examples name, and settings where nothing answers."""
    told = ("TRINO", "PHLO", "POSTGRES", "PYICEBERG", "AWS", "NESSIE")
    for variable in [each for each in os.environ if each.startswith(told)]:
        monkeypatch.delenv(variable)
    for server in ("TRINO", "POSTGRES"):
        monkeypatch.setenv(f"{server}_HOST", "127.0.0.1")
        monkeypatch.setenv(f"{server}_PORT", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for folder in ("XDG_STATE_HOME", "XDG_DATA_HOME", "HOME", "PATH"):
        monkeypatch.setenv(folder, str(tmp_path))
    shutil.copy(RUNBOOK, tmp_path / "optimize-orders.sql")
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "empty").touch()
    (tmp_path / "policies.yaml").write_text("grants: []\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def example(path: tuple[str, ...]) -> list[str]:
    """What the first example of this very command says after its name."""
    line = next(line for line in examples(LEAVES[path]) if f"phlo-sql {' '.join(path)}" in line)
    words = shlex.split(line.partition(" > ")[0].removeprefix('eval "$('))
    return words[words.index("phlo-sql") + 1 + len(path) :]


def refused(path: tuple[str, ...]) -> Iterator[list[str]]:
    """What can't be obeyed, after the command's name."""
    command, good = LEAVES[path], example(path)
    given, *_ = command.make_parser(click.Context(command)).parse_args(list(good))
    yield [*good, "--no-such-flag"]
    for parameter in command.params:
        name = parameter.opts[0]
        bad = [*BY_KIND.get(parameter.type.name, []), *BY_NAME.get(name, [])]
        if isinstance(parameter, click.Option):
            if not parameter.is_flag and parameter.flag_value is None:
                yield [*good, name]
            yield from ([*good, name, value] for value in bad)
        elif (word := given.get(str(parameter.name))) is not None:
            for value in bad:
                yield [value if each in (word, *word) else each for each in good]
    if any("--ref" in each.opts for each in command.params) and "sales.orders" in good:
        yield [*("sales.orders@a" if word == "sales.orders" else word for word in good), "--ref=b"]


def document(
    path: tuple[str, ...], words: list[str], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    capsys.readouterr()
    code = run(cli, [*path, "--json", *words])
    shown = capsys.readouterr()
    told: dict[str, Any] = json.loads(shown.out)  # one document, and nothing beside it
    assert "Traceback" not in shown.err
    assert told["exit_code"] == code
    assert told["reason_code"] != "internal_error", told
    assert (code == 0) is not bool(told["errors"])
    return told


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
@pytest.mark.usefixtures("desk")
def test_what_cannot_be_obeyed_is_a_usage_error(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    told = {shlex.join(words): document(path, words, capsys) for words in refused(path)}
    assert told
    assert not {line: each for line, each in told.items() if each["exit_code"] != 2}


@pytest.mark.parametrize("path", SAFE, ids=" ".join)
@pytest.mark.usefixtures("desk")
def test_servers_that_are_down_are_named(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    told = document(path, example(path), capsys)
    assert told["exit_code"] == LOCAL.get(path, 1), told


@pytest.mark.parametrize("file", ["binary", "empty"])
@pytest.mark.parametrize("path", [each for each in LEAVES if each[0] == "runbook"], ids=" ".join)
@pytest.mark.usefixtures("desk")
def test_a_file_that_is_no_runbook_is_refused(
    path: tuple[str, ...], file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    key = ["--key", "optimize-orders.sql"] if path[-1] == "approve" else []
    told = document(path, [file, *key], capsys)
    assert told["exit_code"] != 0 or (path[-1], file) == ("lint", "empty"), told


@pytest.mark.parametrize("file", ["binary", "folder", "no-such-file.yaml", "optimize-orders.sql"])
@pytest.mark.usefixtures("desk")
def test_a_file_that_holds_no_policies_is_refused(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert document(("access", "apply"), [file, "--dry-run"], capsys)["exit_code"] == 2
