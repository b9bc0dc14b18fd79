"""Runs inside phlo's environment: every case through `phlo.cli.main.cli`, each in a fork.

Starting phlo takes seconds; a fork of a process that has it loaded runs the same entry point.
Standard input: a JSON list of argument lists. Standard output: a JSON list of
`{"args", "exit_code", "stdout", "stderr"}`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile

import click
from phlo.cli.main import cli

with click.Context(cli) as context:
    cli.get_command(context, "sql")  # phlo 0.18 loads plugins at a miss: once, not in each fork


def run(args: list[str]) -> dict[str, object]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            sys.argv = ["phlo", *args]
            code = 0
            try:
                cli(prog_name="phlo")
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
            except BaseException:  # noqa: BLE001 - a child ends here
                sys.excepthook(*sys.exc_info())
                code = 70
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    code = os.waitstatus_to_exitcode(status)
    return {"args": args, "exit_code": code, "stdout": texts[0], "stderr": texts[1]}


json.dump([run(args) for args in json.loads(sys.argv[1])], sys.stdout)
