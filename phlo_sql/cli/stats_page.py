"""The figures of tables as one self-contained HTML page: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from phlo_sql.cli.draw_stats import gained
from phlo_sql.cli.runbook_page import POLICY, STYLE
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from phlo_sql.compile.stats import TableStats
    from phlo_sql.flow.stats import Unreadable

_WIDTH = 360


def page(tables: Sequence[TableStats], failed: Sequence[Unreadable]) -> str:
    """Everything that comes from a table is escaped."""
    title = tables[0].table if len(tables) == 1 else f"{len(tables)} tables"
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            POLICY,
            f"<title>{escape(title)}: health</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(title)}</h1>",
            *_overview(tables),
            *(part for each in tables for part in _table(each)),
            *_failed(failed),
            "</body></html>\n",
        )
    )


def _overview(tables: Sequence[TableStats]) -> Iterator[str]:
    if len(tables) < 2:
        return
    bars = [(each.table, each.health.score, str(each.health.score)) for each in tables]
    yield f"<section><h2>Health, of 100</h2>{_bars('health of each table', bars, 100)}</section>"


def _table(stats: TableStats) -> Iterator[str]:
    name = f"{stats.table}{f' @ {stats.ref}' if stats.ref else ''}"
    yield f'<section class="table"><h2>{escape(name)}</h2>'
    yield f"<p>Health <b>{stats.health.score}</b> of 100</p><ul>"
    yield from (f"<li>-{points}: {escape(why)}</li>" for points, why in stats.health.reasons)
    yield "</ul>"
    yield _rows(
        (
            ("size", human_size(stats.size_bytes)),
            ("metadata", human_size(stats.metadata_bytes)),
            ("rows in data files", f"{stats.rows:,}"),
            ("data files", f"{stats.data_files:,}"),
            ("small files", f"{stats.small_files:,} ({stats.small_file_share:.0%})"),
            ("delete files", f"{stats.position_delete_files + stats.equality_delete_files:,}"),
            ("manifests", f"{stats.manifests:,}"),
            ("partitions", f"{stats.partitions:,}"),
            ("snapshots", f"{stats.snapshots:,}"),
        )
    )
    sizes = [
        (b.label, b.files, f"{b.files:,} files, {human_size(b.bytes)}") for b in stats.histogram
    ]
    yield f"<h2>Data files by size</h2>{_bars('data files by size', sizes)}"
    if stats.partitions > 1:
        worst = [
            (
                each.partition,
                each.small_files,
                f"{each.small_files:,} of {each.files:,} files small",
            )
            for each in stats.worst_partitions
        ]
        yield f"<h2>Worst partitions</h2>{_bars('small files by partition', worst)}"
    yield "<h2>What would be gained</h2>"
    yield _rows((gain.command, gained(gain.figures, gain.refused)) for gain in stats.gains)
    yield "</section>"


def _failed(failed: Sequence[Unreadable]) -> Iterator[str]:
    if failed:
        yield '<section class="destroys"><h2>Not readable</h2>'
        yield _rows((each.table, each.error.problem) for each in failed)
        yield "</section>"


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th>{escape(name)}</th><td class="n">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>"


def _bars(title: str, bars: Sequence[tuple[str, int, str]], top: int | None = None) -> str:
    """Horizontal bars: label, value, what is written beside it."""
    highest = top or max((value for _, value, _ in bars), default=0) or 1
    parts = []
    for row, (label, value, told) in enumerate(bars):
        y = 6 + row * 24
        width = max(1, round(_WIDTH * value / highest)) if value else 0
        parts.append(
            f'<text x="150" y="{y + 13}" text-anchor="end">{escape(label[:24])}</text>'
            f'<rect x="160" y="{y}" height="18" width="{width}" fill="#2a7f62"/>'
            f'<text x="{168 + width}" y="{y + 13}">{escape(told)}</text>'
        )
    height = 12 + 24 * len(bars)
    return (
        f'<svg role="img" width="100%" viewBox="0 0 760 {height}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
