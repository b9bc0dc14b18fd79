"""A table's figures on a terminal: tables, bars, one score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from phlo_sql.cli.draw import amount
from phlo_sql.model.units import Range, human_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rich.console import Console

    from phlo_sql.compile.stats import TableStats

_BAR = 30
_PARTITIONS = 10


def draw(console: Console, stats: TableStats, metric: str) -> None:
    """One table."""
    ref = f" @ {stats.ref}" if stats.ref else ""
    console.print(Text(f"{stats.table}{ref}", "bold"), soft_wrap=True)
    _health(console, stats)
    console.print()
    console.print(_figures(stats, metric))
    if metric in {"files", "all"} and stats.data_files:
        console.print()
        console.print(_histogram(stats))
        if stats.partitions > 1:
            console.print()
            console.print(_partitions(stats))
    console.print()
    console.print(_gains(stats))


def draw_fleet(console: Console, tables: Sequence[TableStats]) -> None:
    """Tables with most to gain first."""
    if not tables:
        console.print("no table matches")
        return
    grid = Table(box=None, padding=(0, 2), show_edge=False)
    grid.add_column("table")
    for name in (
        "health",
        "size",
        "files",
        "small",
        "deletes",
        "snapshots",
        "rewrite",
        "free",
    ):
        grid.add_column(name, justify="right")
    for each in tables:
        grid.add_row(
            Text(each.table),
            Text(str(each.health.score), _colour(each.health.score)),
            human_size(each.size_bytes),
            f"{each.data_files:,}",
            f"{each.small_file_share:.0%}",
            f"{each.position_delete_files + each.equality_delete_files:,}",
            f"{each.snapshots:,}",
            human_size(_total(each, "rewritten_bytes")),
            human_size(_total(each, "deleted_bytes")),
        )
    console.print(grid)


def _total(stats: TableStats, name: str) -> int:
    values = [gain.figures.get(name, 0) for gain in stats.gains]
    return sum(value["high"] if isinstance(value, dict) else value for value in values)


def _health(console: Console, stats: TableStats) -> None:
    score = stats.health.score
    filled = round(_BAR * score / 100)
    bar = Text("█" * filled, _colour(score)) + Text("░" * (_BAR - filled), "dim")
    console.print(Text("health ") + bar + Text(f" {score} of 100", "bold"))
    for points, reason in stats.health.reasons:
        console.print(f"  -{points:<3} {reason}")


def _colour(score: int) -> str:
    return "green" if score >= 80 else "yellow" if score >= 50 else "red"


def _figures(stats: TableStats, metric: str) -> Table:
    age = stats.oldest_snapshot_days
    rows = {
        "size": [
            ("size", human_size(stats.size_bytes)),
            ("metadata", human_size(stats.metadata_bytes)),
            ("average file", human_size(stats.average_file_bytes)),
        ],
        "rows": [
            ("rows in data files", f"{stats.rows:,}"),
            ("rows in delete files", f"{stats.deleted_rows_bound:,}"),
        ],
        "files": [
            ("data files", f"{stats.data_files:,}"),
            ("small files", f"{stats.small_files:,} ({stats.small_file_share:.0%})"),
            ("position delete files", f"{stats.position_delete_files:,}"),
            ("equality delete files", f"{stats.equality_delete_files:,}"),
            ("manifests", f"{stats.manifests:,}"),
            ("partitions", f"{stats.partitions:,}"),
            ("skew", "-" if stats.skew is None else f"{stats.skew:g} times the median partition"),
        ],
        "all": [
            ("snapshots", f"{stats.snapshots:,}"),
            ("oldest snapshot", "-" if age is None else f"{age:.1f} days"),
            ("metadata files", f"{stats.metadata_files:,}"),
            ("format version", str(stats.format_version)),
        ],
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    for name, lines in rows.items():
        if metric in {"all", name}:
            for label, value in lines:
                grid.add_row(label, value)
    return grid


def _histogram(stats: TableStats) -> Table:
    grid = Table(box=None, padding=(0, 1), show_edge=False)
    for name, side in (
        ("file size", "right"),
        ("files", "right"),
        ("", "left"),
        ("bytes", "right"),
    ):
        grid.add_column(name, justify=side)  # type: ignore[arg-type]  # rich's Literal
    top = max(bucket.files for bucket in stats.histogram)
    for bucket in stats.histogram:
        if bucket.files:
            bar = "█" * max(1, round(_BAR * bucket.files / top))
            grid.add_row(
                bucket.label, f"{bucket.files:,}", Text(bar, "cyan"), human_size(bucket.bytes)
            )
    return grid


def _partitions(stats: TableStats) -> Table:
    grid = Table(box=None, padding=(0, 2), show_edge=False)
    grid.add_column("worst partitions")
    for name in ("files", "small", "deletes", "bytes"):
        grid.add_column(name, justify="right")
    for each in stats.worst_partitions[:_PARTITIONS]:
        grid.add_row(
            Text(each.partition or "(unpartitioned)"),
            f"{each.files:,}",
            f"{each.small_files:,}",
            f"{each.delete_files:,}",
            human_size(each.bytes),
        )
    return grid


def _gains(stats: TableStats) -> Table:
    grid = Table(box=None, padding=(0, 2), show_edge=False)
    grid.add_column("what would be gained")
    grid.add_column("")
    for gain in stats.gains:
        grid.add_row(gain.command, Text(gained(gain.figures, gain.refused)))
    return grid


def gained(figures: dict[str, Any], refused: str | None) -> str:
    """A gain in words."""
    if refused:
        return f"refused: {refused}"
    told = [
        f"{name.replace('_', ' ')} {amount(name, _measure(value))}"
        for name, value in figures.items()
        if value and name not in {"kept_snapshots", "rows"}
    ]
    return ", ".join(told) or "nothing"


def _measure(value: Any) -> int | Range:
    return Range(value["low"], value["high"]) if isinstance(value, dict) else int(value)
