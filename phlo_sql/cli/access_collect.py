"""`access collect`: the collector on the command line."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phlo_sql import config
from phlo_sql.audit import collector
from phlo_sql.cli.connection import journal_path
from phlo_sql.cli.output import Report

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.options import Options


def run(
    host: str,
    port: int,
    spool: str | None,
    largest: int,
    tls: tuple[str | None, str | None],
    options: Options,
) -> Report:
    """Serve until the end; then tell what was received, what was stored, and what still waits."""
    certificate, key = tls
    if key is not None and certificate is None:
        raise click.UsageError("--key belongs to --certificate")

    def tell(line: str) -> None:
        if not options.quiet:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    if certificate is None and not is_loopback(host):
        tell(f"warning: {host} is no loopback address, and without --certificate the token and the")
        tell("warning: statements go over the network for anybody to read")
    found = collector.run(
        config.load(dict(options.flags)),
        collector.Place(
            host=host,
            port=port,
            spool=Path(spool) if spool else journal_path().with_name("events"),
            largest=largest,
            certificate=certificate,
            key=key,
        ),
        tell,
    )

    def human(out: Console) -> None:
        out.print(
            f"{found['received']:,} events received, {found['stored_rows']:,} rows stored, "
            f"{found['waiting_bytes']:,} bytes wait on disk"
        )

    return Report(status="success", data={"collector": found}, human=human)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
