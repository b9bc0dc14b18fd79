"""What a command says: one JSON document, or lines and tables for people. Nobody else prints."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from phlo_sql.errors import PhloSqlError

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The end of a command. `human` draws `data` for people on the console that it is given."""

    status: str
    data: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    reason_code: str | None = None
    next_steps: tuple[tuple[str, str], ...] = ()
    """(command, when) pairs."""
    exit_code: int = 0
    human: Callable[[Console], None] | None = None

    def document(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "status": self.status,
            "data": dict(self.data),
            "warnings": list(self.warnings),
            "errors": list(self.errors),
            "reason_code": self.reason_code,
            "next_steps": [{"command": c, "when": w} for c, w in self.next_steps],
            "exit_code": self.exit_code,
        }


def console(*, stderr: bool = False) -> Console:
    """A console made for this command: colour only on a terminal and without NO_COLOR."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 100
    return Console(file=stream, highlight=False, markup=False, soft_wrap=False, width=width)


def emit(report: Report, *, as_json: bool) -> int:
    """Print the report; return its exit code."""
    if as_json:
        import json

        sys.stdout.write(json.dumps(report.document(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return report.exit_code
    if report.human is not None:
        report.human(console())
    if report.warnings or report.errors or report.next_steps:
        _say_rest(report)
    return report.exit_code


def _say_rest(report: Report) -> None:
    from rich.text import Text

    err = console(stderr=True)
    for warning in report.warnings:
        err.print(Text.assemble(("warning: ", "yellow"), warning), soft_wrap=True)
    for error in report.errors:
        err.print(Text.assemble(("error: ", "bold red"), error), soft_wrap=True)
    for command, when in report.next_steps:
        err.print(Text.assemble(("next: ", "cyan"), f"{command}  ({when})"), soft_wrap=True)


_STATUS = {1: "error", 2: "error", 3: "refused", 4: "error"}


def fail(error: PhloSqlError, *, as_json: bool) -> int:
    """Print an error the one way there is; return its exit code."""
    code = error.code
    if as_json:
        status = "cancelled" if code.reason in _CANCELLED else _STATUS[code.exit_code]
        report = Report(
            status=status,
            data={
                **error.data,
                "error": {"code": code.id, "problem": error.problem, "hint": error.hint},
            },
            errors=(f"{code.id}: {error.problem}",),
            reason_code=code.reason,
            next_steps=error.next_steps,
            exit_code=code.exit_code,
        )
        return emit(report, as_json=True)
    from rich.text import Text

    err = console(stderr=True)
    err.print(Text.assemble((f"error[{code.id}]: ", "bold red"), error.problem), soft_wrap=True)
    err.print(Text.assemble(("hint: ", "cyan"), error.hint), soft_wrap=True)
    return code.exit_code


_CANCELLED = {"cancelled", "confirmation_declined"}
