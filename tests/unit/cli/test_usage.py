"""What is wrong on the command line is one clear error with exit code 2, and nothing is sent."""

from __future__ import annotations

import json

import pytest

from phlo_sql.cli import cli
from phlo_sql.cli.run import run

CONVERT = ["migrate", "convert", "/data", "--format", "orc", "--table", "s.t"]
WRONG = [
    (["tabel"], "invalid_arguments", "tabel"),
    (["table", "optimize"], "invalid_arguments", "TABLE"),
    (["table", "optimize", "s.t", "--target-file-size", "12 parsecs"], "bad_size", "12 parsecs"),
    (["table", "optimize", "a.b.c.d"], "bad_name", "4 parts"),
    (["table", "optimize", "t"], "bad_name", "1 parts"),
    (["table", "optimize", "s.t@dev", "--ref", "main"], "invalid_arguments", "main"),
    (["table", "optimize", "s.t", "--verify", "maybe"], "invalid_arguments", "maybe"),
    (["stack", "up", "--port", "trino=http"], "invalid_arguments", "trino=http"),
    (["stack", "up", "--trino", "400"], "invalid_arguments", "400"),
    (["runbook", "apply", "no-such-file.sql"], "invalid_arguments", "no-such-file.sql"),
    (["table", "optimize", "s.t", "--server", "ftp://x"], "bad_setting", "ftp"),
    ([*CONVERT, "--partition-by", "bucket("], "invalid_arguments", "bucket("),
    ([*CONVERT, "--partition-by", "day(ts"], "invalid_arguments", "day(ts"),
    ([*CONVERT, "--partition-by", "bucket(id)"], "invalid_arguments", "bucket(id)"),
]


@pytest.mark.parametrize(("argv", "reason", "named"), WRONG)
def test_one_line_of_cause_and_one_of_what_to_do(
    argv: list[str], reason: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    cause, hint = shown.err.strip().splitlines()
    assert cause.startswith("error[PS0")
    assert named in cause
    assert hint.startswith("hint: ")


@pytest.mark.parametrize(("argv", "reason", "named"), WRONG)
def test_with_json_one_document(
    argv: list[str], reason: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(cli, [*argv, "--json"]) == 2
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert shown.err == ""
    assert document["status"] == "error"
    assert document["reason_code"] == reason
    assert document["exit_code"] == 2
    assert named in document["errors"][0]


def test_no_server_named_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.delenv("TRINO_HOST", raising=False)
    monkeypatch.chdir(str(tmp_path))
    assert run(cli, ["table", "optimize", "s.t", "--dry-run"]) == 2
    assert "no Trino server is named" in capsys.readouterr().err


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    run(cli, ["table", "optimize", "t", "--debug"])
    assert "Traceback" in capsys.readouterr().err
