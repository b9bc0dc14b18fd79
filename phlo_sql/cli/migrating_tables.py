"""A database's tables, one migration each: shown together, asked for once, one failing alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phlo_sql import flow
from phlo_sql.cli.change import change
from phlo_sql.cli.confirmation import confirmed
from phlo_sql.cli.connection import connected
from phlo_sql.cli.draw_migration import migrated
from phlo_sql.cli.output import Report
from phlo_sql.cli.progress import watching
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.cli.options import Options
    from phlo_sql.model.migration import FromGlue, FromHive, FromTable


def migrated_tables(intent: FromHive | FromGlue, options: Options) -> Report:
    """One table goes the way of every command; several are told, or run, one by one."""
    from phlo_sql.flow.sources import look, present, require_migratable

    with (
        connected(options) as (settings, session),
        watching(quiet=options.quiet) as watch,
    ):
        edges = flow.Edges(settings=settings, session=session, note=watch.note)
        tables = look(intent, edges)
        there = present(tables, edges)
    skipped = [each for each in tables if intent.if_exists == "skip" and each.table.name in there]
    left = [each for each in tables if each not in skipped]
    if len(tables) == 1 and left:
        require_migratable(left[0])
        return change(left[0], options, migrated)
    shown = [_shown(each, there) for each in tables]
    if options.out:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            f"--out saves one runbook, and {len(tables)} tables have one each",
            "name one of them with --table",
        )
    if options.dry_run:
        return _report("planned", shown, ())
    wanted = [each for each in left if not each.source.kind.left_alone]
    if not wanted:
        return _report("noop", shown, ())
    return _run(wanted, shown, options)


def _run(tables: Sequence[FromTable], shown: list[dict[str, Any]], options: Options) -> Report:
    size = human_size(sum(each.source.bytes for each in tables))
    confirmed(
        f"Bring {len(tables):,} tables ({size}) into Iceberg?",
        options,
        needing=f"a migration of {len(tables):,} tables",
        hint="add --yes to run it, or --dry-run to look",
        data={"migrations": shown},
    )
    each_quietly = replace(options, yes=True, as_json=True)
    errors = []
    by_name = {one["table"]: one for one in shown}
    for each in tables:
        line = by_name[str(each.table)]
        try:
            report = change(each, each_quietly, migrated)
        except PhloSqlError as error:
            line |= {"state": "failed", "error": f"{error.code.id}: {error.problem}"}
            errors.append(f"{each.table}: {error.problem}")
        else:
            line |= {"state": report.status, "result": report.data.get("result")}
            errors += [f"{each.table}: {text}" for text in report.errors]
    return _report("partial" if errors else "success", shown, tuple(errors))


def _shown(table: FromTable, there: frozenset[str]) -> dict[str, Any]:
    source = table.source
    state = "left alone" if source.kind.left_alone else "planned"
    if table.table.name in there and not source.kind.left_alone:
        state = "exists"
    return {
        "table": str(table.table),
        "kind": source.kind.value,
        "format": source.format,
        "location": source.location,
        "partitions": len(source.partitions) if source.partitioned else None,
        "files": source.files,
        "bytes": source.bytes,
        "owner": source.owner,
        "state": state,
        "reason": source.why_left_alone or None,
    }


def _report(status: str, shown: list[dict[str, Any]], errors: tuple[str, ...]) -> Report:
    return Report(
        status=status,
        data={"migrations": shown},
        errors=errors,
        exit_code=1 if errors else 0,
        human=lambda out: _draw(out, shown),
    )


def _draw(out: Console, shown: Sequence[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("table", "is", "files", "size", "state", "why"):
        table.add_column(name)
    for each in shown:
        what = each["kind"] if each["state"] == "left alone" else f"{each['kind']} {each['format']}"
        table.add_row(
            Text(each["table"]),
            what,
            f"{each['files']:,}",
            human_size(each["bytes"]),
            each["state"],
            Text(each.get("error") or each["reason"] or ""),
        )
    out.print(table)
