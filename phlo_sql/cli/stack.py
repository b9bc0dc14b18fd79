"""`stack`: local servers for trying and testing."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import Options, Parameter, local

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.output import Report
    from phlo_sql.stack import StackInfo

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class NameParameter(Parameter):
    """A stack's name, which becomes a folder's."""

    name = "stack"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _NAME.match(value):
            self.fail(f"{value!r} is no name: use letters, digits, '.', '_' and '-'", param, ctx)
        return str(value)


NAME = NameParameter()


@click.group()
def stack() -> None:
    """Start and stop the local servers for trying and testing."""


@stack.command()
@click.option(
    "--trino",
    "version",
    type=click.Choice(["483", "476"]),
    default="483",
    show_default=True,
    help="Trino's version.",
)
@click.option(
    "--with",
    "extras",
    multiple=True,
    type=click.Choice(["nessie", "hive", "glue", "opa", "events"]),
    help="More servers: nessie, hive, glue (each with an S3 store); for Trino 476 opa (decides), "
    "events (collects).",
)
@click.option("--name", type=NAME, help="Name of the stack; trino483 or trino476 without it.")
@click.option(
    "--port",
    "ports",
    multiple=True,
    metavar="SERVICE=PORT",
    help="A port by name, e.g. trino=8080; a free one without it.",
)
@local
def up(
    version: str,
    extras: tuple[str, ...],
    name: str | None,
    ports: tuple[str, ...],
    options: Options,
) -> Report:
    """Start a stack and wait until it answers; a stack that runs already is told again.

    \b
    Examples:
      phlo-sql stack up
      phlo-sql stack up --with nessie
      phlo-sql stack up --trino 476 --port trino=8476
      phlo-sql stack up --with hive --with glue
      phlo-sql stack up --trino 476 --with opa --with events
      phlo-sql stack up --json | jq .data.env
    """
    from phlo_sql.stack import StackRequest
    from phlo_sql.stack import up as start

    info = start(
        StackRequest(
            name=name or f"trino{version}",
            trino=int(version),
            services=frozenset(extras),
            ports=dict(_port(text) for text in ports),
            progress=_say(options),
        )
    )
    return _report([info])


@stack.command()
@click.option("--name", type=NAME, help="Only this stack; all without it.")
@click.option("--purge", is_flag=True, help="Remove its data and logs too.")
@local
def down(name: str | None, purge: bool, options: Options) -> Report:
    """Stop stacks. Their data stay, for the next `up`, unless --purge is given.

    \b
    Examples:
      phlo-sql stack down
      phlo-sql stack down --name trino476 --purge
    """
    from phlo_sql.cli.output import Report
    from phlo_sql.stack import StackRequest, names
    from phlo_sql.stack import down as stop

    chosen = [name] if name else names()
    stopped = [
        each
        for each in chosen
        if stop(StackRequest(name=each, progress=_say(options)), purge=purge)
    ]

    def human(out: Console) -> None:
        out.print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")

    return Report(status="success" if stopped else "noop", data={"stopped": stopped}, human=human)


@stack.command()
@click.option("--name", type=NAME, help="Only this stack; all without it.")
@click.option(
    "--export", "exporting", is_flag=True, help="Print the environment as a shell's exports."
)
@click.option(
    "--catalog", "served", metavar="NAME", help="With --export, another default catalog: nessie, …"
)
@local
def status(name: str | None, exporting: bool, served: str | None, options: Options) -> Report:
    """What runs, where its logs lie, and how clients find it.

    \b
    Examples:
      phlo-sql stack status --json
      eval "$(phlo-sql stack status --export)"
      phlo-sql stack status --export --catalog nessie > .phlo/.env.local
    """
    from phlo_sql.stack import names
    from phlo_sql.stack import status as look

    found = [look(each) for each in ([name] if name else names())]
    infos = [info for info in found if info is not None]
    return _exports(infos, served) if exporting else _report(infos)


def _exports(infos: list[StackInfo], catalog: str | None) -> Report:
    """The environment of the one stack, for `eval`; secrets too, since a client needs them."""
    from dataclasses import replace

    from phlo_sql.errors import Code, PhloSqlError
    from phlo_sql.stack.environment import for_catalog

    if len(infos) != 1:
        running = ", ".join(info.name for info in infos) or "none"
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"--export is of one stack; running: {running}",
            "name it with --name, or start one with `phlo-sql stack up`",
        )

    info = (
        infos[0] if catalog is None else replace(infos[0], env=for_catalog(infos[0].env, catalog))
    )

    def human(out: Console) -> None:
        for key, value in sorted(info.env.items()):
            out.print(f"export {key}={shlex.quote(value)}", soft_wrap=True)

    return replace(_report([info]), human=human)


def _report(infos: list[StackInfo]) -> Report:
    from phlo_sql.cli.output import Report

    def human(out: Console) -> None:
        from rich.table import Table
        from rich.text import Text

        if not infos:
            out.print("no stack is running; `phlo-sql stack up` starts one")
        for info in infos:
            table = Table.grid(padding=(0, 2))
            for service in info.services:
                state = Text("ready", "green") if service.ready else Text("gone", "bold red")
                table.add_row(service.name, state, f"127.0.0.1:{service.port}", str(service.log))
            out.print(Text(f"{info.name} (Trino {info.trino_version})", "bold"))
            out.print(table, soft_wrap=True)
            for key, value in sorted(info.env.items()):
                shown = "********" if _secret(key, value) else value
                out.print(Text(f"  {key}={shown}", "dim"), soft_wrap=True)

    stacks = [_document(info) for info in infos]
    return Report(
        status="success" if infos else "noop",
        data={"stacks": stacks, **(stacks[0] if len(stacks) == 1 else {})},
        human=human,
    )


def _document(info: StackInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "trino_version": info.trino_version,
        "ready": info.ready,
        "directory": str(info.directory),
        "services": [
            {"name": s.name, "pid": s.pid, "port": s.port, "log": str(s.log), "ready": s.ready}
            for s in info.services
        ],
        "env": dict(info.env),
    }


def _secret(name: str, value: str) -> bool:
    named = any(word in name.upper() for word in ("PASSWORD", "SECRET", "ACCESS_KEY"))
    return named or ("://" in value and "@" in value)


def _port(text: str) -> tuple[str, int]:
    from phlo_sql.errors import Code, PhloSqlError

    service, _, number = text.partition("=")
    if not service or not number.isdigit() or not 0 <= int(number) < 65536:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"--port {text!r} is not SERVICE=PORT",
            "write --port trino=8080",
        )
    return service, int(number)


def _say(options: Options) -> Any:
    """Progress on standard error."""

    def line(text: str) -> None:
        if not options.quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    return line
