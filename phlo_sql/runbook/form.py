"""The words of the file format that writing and reading share. Nobody else imports this."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.plan import RUNBOOK_FORMAT

TITLE = f"phlo-sql runbook, format {RUNBOOK_FORMAT}"
RULE = "-- " + "-" * 76
FORMAT = re.compile(r"-- phlo-sql runbook, format (\d+)\Z")
FACT = re.compile(
    r"-- (command|made by|table|ref|planned|by|trino|metadata|snapshot|ref hash|does|risk|predicts"
    r"|warning|digest|why|kind|runs|destroys|undo):\s+(.*)\Z"
)
STEP = re.compile(r"-- == Step (\d+) of (\d+): (.*) ==\Z")
CHECK = re.compile(
    r"-- (precheck|check) ([\w-]+): (note the answer|expect the same answer|expect (\".*\"))\Z"
)
NOTE, SAME = "note the answer", "expect the same answer"
STATEMENT = "-- statement"
UNDO_SQL = "--     "
RUNS = {
    "temporary": "put back if a later step fails",
    "late": "planned by the server when it is its turn",
    "independent": "on its own",
}
"""What a step's flags mean to who reads the file."""


def line(text: str) -> str:
    """Text on one line: control characters as JSON escapes them, so that it can't end a comment."""
    return (
        json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("\u2028", "\\u2028")
    )


def unline(text: str) -> str:
    """What `line` made one line of. Raises PhloSqlError(RUNBOOK_INVALID)."""
    if "\\" not in text and text.isprintable():
        return text
    try:
        return str(json.loads('"' + text.replace('"', '\\"') + '"'))
    except ValueError:
        invalid(f"{text!r} is not written as phlo-sql writes it")


def invalid(why: str) -> NoReturn:
    raise PhloSqlError(
        Code.RUNBOOK_INVALID,
        f"the file cannot be read as a runbook: {why}",
        "save one with `--out FILE`; SQL written by hand is for `phlo-sql runbook lint`",
    )
