"""What expiring and vacuuming would do, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from phlo_sql.compile.expire import ExpirePlan
    from phlo_sql.compile.vacuum import VacuumPlan

_ROWS = 20


def expired(console: Console, details: ExpirePlan) -> None:
    """Each snapshot's fate, then the files that go."""
    fates = details.retained.fates
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in ("snapshot", "committed", "operation", "fate", "why"):
        table.add_column(name)
    shown = fates if len(fates) <= _ROWS else (*fates[: _ROWS // 2], *fates[-_ROWS // 2 :])
    for fate in shown:
        moment = datetime.fromtimestamp(fate.snapshot.timestamp_ms / 1000, UTC)
        table.add_row(
            str(fate.snapshot.snapshot_id),
            f"{moment:%Y-%m-%d %H:%M:%S}",
            fate.snapshot.operation or "",
            Text("stays", "green") if fate.kept else Text("goes", "red"),
            fate.why,
        )
    console.print(table)
    if len(fates) > len(shown):
        console.print(f"… and {len(fates) - len(shown):,} more in between (--json lists all)")
    console.print()
    kinds(console, details.freed.by_kind())


def kinds(console: Console, totals: Mapping[str, tuple[int, int]]) -> None:
    """Files and bytes by kind."""
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("freed")
    table.add_column("files", justify="right")
    table.add_column("bytes", justify="right")
    for kind, (files, size) in sorted(totals.items()):
        table.add_row(kind, f"{files:,}", human_size(size))
    if table.row_count:
        console.print(table)


def vacuumed(console: Console, details: VacuumPlan) -> None:
    """Files to delete by why they are dead, and those that stay."""
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("goes, because it is")
    table.add_column("kind")
    for name in ("files", "bytes", "oldest"):
        table.add_column(name, justify="right")
    for row in details.groups():
        table.add_row(
            row["why"],
            row["kind"],
            f"{row['files']:,}",
            human_size(row["bytes"]),
            _age(row["oldest_seconds"] or 0),
        )
    if table.row_count:
        console.print(table)
        console.print()
    stays = Table(box=None, padding=(0, 2), show_edge=False)
    stays.add_column("stays")
    stays.add_column("files", justify="right")
    for kind, (files, _) in sorted(details.totals.items()):
        stays.add_row(kind, f"{files:,}")
    console.print(stays)
    if details.holds is not None and details.holds.total_seconds() < _SOON:
        told = _age(int(details.holds.total_seconds()))
        console.print(f"the list holds for {told}: then more files come of age")


_SOON = 3600


def _age(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f}{unit}"
    return f"{seconds}s"
