"""`table stats`: how a table, or a fleet of them, is doing, and what maintenance would gain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phlo_sql.cli.options import OUTPUT, Options, reading
from phlo_sql.model.names import TableName, parse_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.cli.output import Report
    from phlo_sql.compile.stats import TableStats
    from phlo_sql.flow import Edges
    from phlo_sql.flow.stats import Unreadable

_METRICS = ("size", "rows", "files", "all")
_WILD = frozenset("*?[")


@click.command()
@click.argument("name", metavar="TABLE")
@click.option(
    "--metric",
    type=click.Choice(_METRICS),
    default="all",
    show_default=True,
    help="Only the figures of size, rows or files.",
)
@click.option("--ref", metavar="REF", help="Nessie branch or tag that is looked at.")
@click.option(
    "--html", type=OUTPUT, metavar="FILE", help="Also write a page that opens without network."
)
@reading
def stats(name: str, metric: str, ref: str | None, html: str | None, options: Options) -> Report:
    """Show size, rows, files, health, and what maintenance would gain.

    TABLE may be a pattern: 'sales.*' shows every table that it matches, those with most to gain
    first.

    \b
    Examples:
      phlo-sql table stats sales.orders
      phlo-sql table stats sales.orders@dev --metric files --json
      phlo-sql table stats 'sales.*' --html fleet.html
    """
    from phlo_sql import flow
    from phlo_sql.cli.connection import connected
    from phlo_sql.cli.progress import watching

    with connected(options) as (settings, session), watching(quiet=options.quiet) as watch:
        edges = flow.Edges(settings=settings, session=session, note=watch.note)
        if _WILD & set(name):
            return _fleet(_pattern(name), ref, edges, html)
        return _one(name, ref, edges, metric, html)


def _one(name: str, ref: str | None, edges: Edges, metric: str, html: str | None) -> Report:
    from phlo_sql.cli.draw_stats import draw
    from phlo_sql.cli.options import one_ref
    from phlo_sql.cli.output import Report
    from phlo_sql.flow.stats import stats as look

    table, written = parse_table(name)
    found = look(table, one_ref(written, ref), edges)
    if html:
        _write(html, [found], ())

    def human(out: Console) -> None:
        draw(out, found, metric)

    data: dict[str, Any] = {"stats": found.document(metric)}
    return Report(status="success", data=data | _saved(html), human=human, next_steps=_next(found))


def _fleet(pattern: TableName, ref: str | None, edges: Edges, html: str | None) -> Report:
    from phlo_sql.cli.draw_stats import draw_fleet
    from phlo_sql.cli.output import Report
    from phlo_sql.compile.stats import TableStats, worth
    from phlo_sql.flow.stats import fleet

    looked = list(fleet(pattern, ref, edges))
    tables = sorted(
        (each for each in looked if isinstance(each, TableStats)),
        key=lambda each: (-worth(each), each.health.score, each.table),
    )
    failed = [each for each in looked if not isinstance(each, TableStats)]
    if html:
        _write(html, tables, failed)

    def human(out: Console) -> None:
        draw_fleet(out, tables)

    document = [each.document() | {"worth_bytes": worth(each)} for each in tables]
    lost = [{"table": each.table, "error": each.error.problem} for each in failed]
    return Report(
        status="success" if tables or not failed else "error",
        data={"stats": document, "unreadable": lost} | _saved(html),
        warnings=tuple(f"{each.table}: {each.error.problem}" for each in failed),
        exit_code=0 if tables or not failed else 1,
        human=human,
    )


def _pattern(text: str) -> TableName:
    """`[catalog.]schema.table` with wildcards. Raises PhloSqlError(BAD_NAME)."""
    from phlo_sql.errors import Code, PhloSqlError

    parts = text.split(".")
    if len(parts) not in {2, 3} or not all(parts):
        raise PhloSqlError(
            Code.BAD_NAME,
            f"{text!r} is not a pattern of tables",
            "write [catalog.]schema.table with * in it, e.g. 'sales.*'",
        )
    return TableName(
        catalog=parts[0] if len(parts) == 3 else None, schema=parts[-2], name=parts[-1]
    )


def _write(html: str, tables: Sequence[TableStats], failed: Sequence[Unreadable]) -> None:
    from phlo_sql.cli.stats_page import page

    Path(html).write_text(page(tables, failed), encoding="utf-8")


def _saved(html: str | None) -> dict[str, Any]:
    return {"html": html} if html else {}


def _next(found: TableStats) -> tuple[tuple[str, str], ...]:
    steps = []
    for gain in found.gains:
        if any(gain.figures.values()):
            where = f"{found.table}" + (f"@{found.ref}" if found.ref else "")
            steps.append((f"phlo-sql {gain.command} {where} --dry-run", "to see what it would do"))
    return tuple(steps)
