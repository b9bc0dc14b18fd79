"""Runs the command tree: every way out of it becomes one report and one exit code."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

import click

from phlo_sql.cli.output import Report, emit, fail
from phlo_sql.errors import MACHINE, Code, PhloSqlError, not_writable

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(command: click.Command, argv: Sequence[str]) -> int:
    """Run `argv` through `command`; print what it reports; return the exit code."""
    try:
        return _run(command, argv)
    finally:
        if (trail := sys.modules.get("phlo_sql.access.trail")) is not None:
            from phlo_sql.cli.connection import journal_path

            trail.finish(journal_path())


def _run(command: click.Command, argv: Sequence[str]) -> int:
    options = argv[: argv.index("--")] if "--" in argv else argv
    as_json, debug = "--json" in options, "--debug" in options
    try:
        result = command.main(list(argv), prog_name="phlo-sql", standalone_mode=False)
    except PhloSqlError as error:
        return _failed(error, as_json=as_json, debug=debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _failed(_usage(error), as_json=as_json, debug=debug)
    except (KeyboardInterrupt, click.Abort):
        stopped = PhloSqlError(Code.INTERRUPTED, "stopped before anything ran", "run it again")
        return _failed(stopped, as_json=as_json, debug=debug)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:  # noqa: BLE001 - the last line of defence names the bug
        return _failed(unexpected(error), as_json=as_json, debug=debug)
    if isinstance(result, Report):
        return emit(result, as_json=as_json)
    return int(result or 0)


def _failed(error: PhloSqlError, *, as_json: bool, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    if "decision" in error.data and "recorded" not in error.data:
        from phlo_sql.cli.refusals import record

        record(error)
    return fail(error, as_json=as_json)


def _usage(error: click.ClickException) -> PhloSqlError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "phlo-sql"
    problem = " ".join(error.format_message().split())
    return PhloSqlError(Code.INVALID_ARGUMENTS, problem, f"see `{path} --help`")


def unexpected(error: Exception) -> PhloSqlError:
    """An exception that nobody foresaw, without the secrets that its text may hold. What the
    machine refuses, wherever that is met, is no bug."""
    from phlo_sql.config import redact_environment

    if isinstance(error, OSError) and error.errno in MACHINE:
        return not_writable(error)
    text = redact_environment(" ".join(str(error).split()))
    return PhloSqlError(
        Code.INTERNAL,
        f"{type(error).__name__}: {text}"[:500],
        "this is a bug: run it again with --debug and report the traceback",
    )
