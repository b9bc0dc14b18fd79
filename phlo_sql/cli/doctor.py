"""`doctor`: is everything in place?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from phlo_sql.cli.options import Options, reading

if TYPE_CHECKING:
    from rich.console import Console

    from phlo_sql.cli.output import Report


@click.command()
@reading
def doctor(options: Options) -> Report:
    """Check settings, server, version, catalog, procedures and retention floors.

    \b
    Examples:
      phlo-sql doctor
      phlo-sql doctor --server http://trino:8080 --catalog iceberg --json
    """
    from phlo_sql import config
    from phlo_sql.cli.output import Report
    from phlo_sql.doctor import diagnose

    findings = diagnose(config.load(dict(options.flags)))
    failed = [finding for finding in findings if finding.status == "fail"]

    def human(out: Console) -> None:
        from rich.table import Table
        from rich.text import Text

        colours = {"ok": "green", "warn": "yellow", "fail": "bold red"}
        table = Table.grid(padding=(0, 2))
        for finding in findings:
            table.add_row(
                Text(finding.status, colours[finding.status]), finding.name, Text(finding.detail)
            )
            if finding.hint:
                table.add_row("", "", Text(f"hint: {finding.hint}", "dim"))
        out.print(table)

    return Report(
        status="error" if failed else "success",
        data={
            "findings": [
                {"name": f.name, "status": f.status, "detail": f.detail, "hint": f.hint}
                for f in findings
            ]
        },
        errors=tuple(f"{finding.name}: {finding.detail}" for finding in failed),
        reason_code="doctor_failed" if failed else None,
        exit_code=1 if failed else 0,
        human=human,
    )
