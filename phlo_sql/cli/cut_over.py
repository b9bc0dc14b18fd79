"""`--cut-over FILE`: a table came over, and the runbook that swaps the names is saved, not run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from phlo_sql.cli.change import change
from phlo_sql.errors import PhloSqlError
from phlo_sql.model.migration import CutOver
from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from phlo_sql.cli.options import Options
    from phlo_sql.cli.output import Report
    from phlo_sql.model.migration import FromHive, FromTable


def named(file: str, table: str) -> str:
    """`swap.sql` for one of several tables: `swap-orders.sql`."""
    path = Path(file)
    return str(path.with_name(f"{path.stem}-{quote(table, safe='')}{path.suffix}"))


def saved(report: Report, table: FromTable, asked: FromHive, options: Options, file: str) -> Report:
    """The migration's report, with the file that was written and what to do with it."""
    if options.dry_run or options.out or report.status not in ("success", "noop"):
        return report
    source = table.source
    columns = (*source.columns, *source.partition_columns)
    intent = CutOver(
        source=TableName(
            catalog=asked.source_catalog, schema=asked.database.lower(), name=table.table.name
        ),
        target=table.table,
        ref=table.ref,
        columns=tuple(each.name.lower() for each in columns),
        location=source.location,
        bytes=source.bytes,
        managed=source.managed,
        command_line=f"{table.command_line} --if-exists skip --cut-over {shlex.quote(file)}",
    )
    try:
        made = change(intent, replace(options, out=file), lambda _out, _details: None)
    except PhloSqlError as error:
        hint = f"{table.table} is there; {error.hint}, with --if-exists skip"
        raise PhloSqlError(error.code, error.problem, hint, data=report.data) from error
    return replace(
        report,
        data={**report.data, "cut_over": {"runbook": file, "plan": made.data["plan"]}},
        warnings=(*report.warnings, *made.warnings),
        next_steps=(
            *report.next_steps,
            *((each, "before the names are swapped") for each in made.data["lacking_grants"]),
            (f"phlo-sql runbook apply {shlex.quote(file)}", "to swap the names, once reviewed"),
        ),
    )
