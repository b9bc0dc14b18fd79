"""Parameter types and the options that commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from phlo_sql.model.names import TableName

    Parameter = click.ParamType[Any]
else:
    Parameter = click.ParamType  # not generic before click 8.3
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to connect, what to do with the plan, and how to speak."""

    as_json: bool = False
    debug: bool = False
    quiet: bool = False
    dry_run: bool = False
    yes: bool = False
    non_interactive: bool = False
    out: str | None = None
    accept_drift: bool = False
    parallel: int = 1
    """Independent steps that run at once."""
    step: int | None = None
    """The one step of a runbook that is to run."""
    flags: tuple[tuple[str, str], ...] = ()
    """Settings named on the command line, under their names in the settings table."""


class TableParameter(Parameter):
    """`[catalog.]schema.table[@ref]` → (TableName, ref | None)."""

    name = "table"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[TableName, str | None]:
        from phlo_sql.model import names

        return value if isinstance(value, tuple) else names.parse_table(value)


class SizeParameter(Parameter):
    """`128MB` → bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from phlo_sql.model import units

        return value if isinstance(value, int) else units.parse_size(value)


class DurationParameter(Parameter):
    """`7d`, `36h` → timedelta."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        from phlo_sql.model import units

        return value if isinstance(value, timedelta) else units.parse_duration(value)


class PredicateParameter(Parameter):
    """A WHERE predicate, read for its faults and kept as it is written."""

    name = "predicate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from phlo_sql import dialect

        dialect.predicate(value)
        return str(value)


class NamesParameter(Parameter):
    """`a,b` → the names, in lower case as Trino folds them."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        found = tuple(each.strip().lower() for each in str(value).split(","))
        if not all(found) or len(set(found)) < len(found):
            raise PhloSqlError(
                Code.INVALID_ARGUMENTS, f"{value!r} is no list of names", "write a,b,c"
            )
        return found


class SchemaParameter(Parameter):
    """`[catalog.]schema`, as it is written."""

    name = "schema"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from phlo_sql.model import names

        try:
            _, ref = names.parse_table(f"{value}.t")
        except PhloSqlError:
            ref = "none"
        if ref is not None:
            raise PhloSqlError(
                Code.BAD_NAME, f"{value!r} is no schema", "write [catalog.]schema, e.g. lake.sales"
            )
        return str(value)


class OutputParameter(Parameter):
    """A file, or a folder, to write: one that can't be is refused before anything is done."""

    def __init__(self, *, folder: bool = False) -> None:
        self.name = "output folder" if folder else "output file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if why := self._fault(str(value)):
            self.fail(f"{value!r}: {why}", param, ctx)
        return str(value)

    def _fault(self, value: str) -> str | None:
        from pathlib import Path

        path = Path(value)
        if not value or "\0" in value:
            return "it is no path"
        if self.name == "output folder":
            return "it is a file" if path.is_file() else None
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            return "it may not be written"
        return None


TABLE = TableParameter()
SCHEMA = SchemaParameter()
OUTPUT = OutputParameter()
OUTPUT_FOLDER = OutputParameter(folder=True)
NAMES = NamesParameter()
PREDICATE = PredicateParameter()
SIZE = SizeParameter()
DURATION = DurationParameter()


def _apply(
    options: Sequence[Callable[..., Any]], command: Callable[..., Any]
) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


_SPEECH = [
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document, nothing else."),
    click.option("--quiet", is_flag=True, help="Show no progress."),
    click.option("--debug", is_flag=True, help="Show a traceback with an error."),
]
_CONNECTION = [
    click.option(
        "--server", metavar="URL", help="Trino, as http[s]://host:port  [TRINO_HOST, TRINO_PORT]"
    ),
    click.option("--user", metavar="NAME", help="Trino user  [TRINO_USER]"),
    click.option(
        "--catalog", metavar="NAME", help="Catalog of tables named without one  [TRINO_CATALOG]"
    ),
    click.option("--config", metavar="FILE", help="Settings file instead of ./phlo-sql.toml"),
]
_MUTATION = [
    click.option("--ref", metavar="REF", help="Nessie branch that the table is changed on."),
    click.option("--dry-run", is_flag=True, help="Show what would happen; change nothing."),
    click.option("--yes", is_flag=True, help="Answer yes to the question before a change."),
    click.option(
        "--non-interactive", is_flag=True, help="Never ask; refuse where a yes is needed."
    ),
    click.option("--out", type=OUTPUT, metavar="FILE", help="Save the runbook there; run nothing."),
]
_DRIFT = [
    click.option(
        "--accept-drift",
        is_flag=True,
        help="Run although the table moved since the plan was made (steps that destroy nothing).",
    ),
]


def _partitions(given: tuple[str, ...]) -> tuple[str, ...] | None:
    """Read before anything is asked of a server. Raises PhloSqlError(INVALID_ARGUMENTS)."""
    if not given:
        return None
    from phlo_sql.schema import terms

    bad = next((each for each in given if terms.read_partition(each) is None), None)
    if bad is not None:
        problem = f"--partition-by {bad!r} is no partitioning"
        raise PhloSqlError(Code.INVALID_ARGUMENTS, problem, terms.PARTITION_HINT)
    return given


partition_by = click.option(
    "--partition-by",
    metavar="TRANSFORM",
    multiple=True,
    callback=lambda _context, _option, given: _partitions(given),
    help="Partition anew: day(ts), bucket(id, 16), region.  Copies.",
)
_PARALLEL = [
    click.option(
        "--parallel",
        type=click.IntRange(1, 32),
        default=1,
        show_default=True,
        help="Slices, or tables, that run at once.",
    ),
]
_SETTINGS = {
    "server": "server",
    "user": "trino_user",
    "catalog": "trino_catalog",
    "config": "config",
}


def _gather(command: _F) -> Callable[..., Any]:
    """Call the command with one `Options` instead of a dozen flags."""

    @wraps(command)
    def wrapped(**given: Any) -> Any:
        flags = [(s, given.pop(f)) for f, s in _SETTINGS.items() if f in given]
        _require_readable(flags)
        names_of = set(Options.__dataclass_fields__) & set(given)
        options = Options(
            **{name: given.pop(name) for name in names_of},
            flags=tuple((name, value) for name, value in flags if value is not None),
        )
        return command(options=options, **given)

    return wrapped


def _require_readable(flags: Sequence[tuple[str, str | None]]) -> None:
    """Settings named on the command line are checked by commands that don't need them too.

    Raises PhloSqlError(BAD_SETTING).
    """
    if named := {name: value for name, value in flags if value is not None}:
        from phlo_sql import config

        config.load(named)


def mutating(command: _F) -> Callable[..., Any]:
    """The options of every command that changes something."""
    return _apply(_MUTATION + _CONNECTION + _SPEECH, _gather(command))


def applying(command: _F) -> Callable[..., Any]:
    """The options of `runbook apply`: the runbook itself names table and ref."""
    return _apply(_MUTATION[1:4] + _DRIFT + _PARALLEL + _CONNECTION + _SPEECH, _gather(command))


def slicing(command: _F) -> Callable[..., Any]:
    """The options of a command that changes a table in slices, while others write to it."""
    return _apply(_MUTATION + _DRIFT + _PARALLEL + _CONNECTION + _SPEECH, _gather(command))


def reading(command: _F) -> Callable[..., Any]:
    """The options of a command that connects and only reads."""
    return _apply(_CONNECTION + _SPEECH, _gather(command))


def policing(command: _F) -> Callable[..., Any]:
    """The options of a command that changes policies: its --user is not the connection's."""
    return _apply([*_MUTATION[1:], _CONNECTION[0], _CONNECTION[3], *_SPEECH], _gather(command))


def policies(command: _F) -> Callable[..., Any]:
    """The options of a command that reads policies: its --user is not the connection's."""
    return _apply([_CONNECTION[0], _CONNECTION[3], *_SPEECH], _gather(command))


def pruning(command: _F) -> Callable[..., Any]:
    """The options of a command that reads policies, and may take something away for good."""
    return _apply([*_MUTATION[2:4], _CONNECTION[0], _CONNECTION[3], *_SPEECH], _gather(command))


def local(command: _F) -> Callable[..., Any]:
    """The options of a command that needs no server."""
    return _apply(_SPEECH, _gather(command))


def configured(command: _F) -> Callable[..., Any]:
    """The options of a command that needs settings and no server."""
    return _apply([_CONNECTION[3], *_SPEECH], _gather(command))


def going_back(command: _F) -> Callable[..., Any]:
    """The options of a command that changes what a file names: table and ref stand in it."""
    return _apply(_MUTATION[1:] + _CONNECTION + _SPEECH, _gather(command))


def one_ref(written: str | None, option: str | None) -> str | None:
    """The ref of `T@ref` or `--ref`. Raises PhloSqlError where both are given and differ."""
    if written and option and written != option:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"the table names ref {written!r} and --ref names {option!r}",
            "name the ref once: T@ref or --ref REF",
        )
    return written or option
