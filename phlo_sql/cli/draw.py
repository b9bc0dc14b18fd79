"""Plans, tables and charts for people, drawn with rich on the console that a report is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from phlo_sql import dialect
from phlo_sql.model.units import Range, human_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from phlo_sql.compile.histogram import Bucket
    from phlo_sql.compile.optimize import OptimizePlan
    from phlo_sql.compile.optimize_shown import PartitionLine
    from phlo_sql.plan import Measure, Plan, Prediction

_BAR = 28
_PARTITIONS_SHOWN = 20
_BYTES = ("rewritten_bytes", "added_bytes", "deleted_bytes")


def amount(name: str, value: Measure) -> str:
    """A predicted or measured figure as people read it: `1,200`, `360 MB to 400 MB`."""
    write = human_size if name in _BYTES else "{:,}".format
    if isinstance(value, Range):
        return f"{write(value.low)} to {write(value.high)}"
    return write(value)


def plan(console: Console, shown: Plan) -> None:
    """The head of a plan, its predictions, and each statement as it will run."""
    head = Table.grid(padding=(0, 2))
    head.add_row(Text("plan", "bold"), Text(shown.command))
    head.add_row(
        Text("table", "bold"), Text(str(shown.table) + (f" @ {shown.ref}" if shown.ref else ""))
    )
    head.add_row(Text("trino", "bold"), Text(str(shown.trino_version)))
    for number, line in enumerate(shown.does):
        head.add_row(Text("does" if number == 0 else "", "bold"), Text(line))
    head.add_row(Text("risk", "bold"), Text(shown.risk))
    console.print(head)
    for step in shown.steps:
        console.print()
        kind = Text(" destroys data", "bold red") if step.destructive else Text("")
        console.print(
            Text.assemble((f"step {step.id} ", "bold"), step.summary, kind), soft_wrap=True
        )
        sql = dialect.render(step.statement, version=shown.trino_version) + ";"
        if console.is_terminal:
            console.print(
                Syntax(sql, "sql", theme="ansi_dark", word_wrap=True, background_color="default")
            )
        else:
            console.print(Text(sql), soft_wrap=True)
        console.print(Text(f"undo: {step.undo.reason}", "dim"), soft_wrap=True)


def predictions(
    console: Console, predicted: Prediction, measured: Prediction | None = None
) -> None:
    """Predicted figures, if any, beside the measured ones where there are some."""
    if not dict(predicted.items()):
        return
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column("")
    table.add_column("predicted", justify="right")
    if measured is not None:
        table.add_column("measured", justify="right")
    actual = dict(measured.items()) if measured is not None else {}
    for name, value in predicted.items():
        row = [name.replace("_", " "), amount(name, value)]
        if measured is not None:
            row.append(amount(name, actual[name]) if name in actual else "-")
        table.add_row(*row)
    console.print(table)


def optimized(console: Console, details: OptimizePlan) -> None:
    """What `table optimize` would do to each partition, and to the sizes of files."""
    partitions(console, details.partitions)
    histogram(console, details.histogram)


def histogram(console: Console, buckets: Sequence[Bucket]) -> None:
    """Data files by size, before and after, as bars."""
    top = max((max(b.before, _high(b.after)) for b in buckets), default=0)
    if not top:
        return
    table = Table(box=None, padding=(0, 1), show_edge=False)
    table.add_column("file size", justify="right")
    table.add_column("before", justify="right")
    table.add_column("")
    table.add_column("after", justify="right")
    table.add_column("")
    for bucket in buckets:
        if not bucket.before and not _high(bucket.after):
            continue
        table.add_row(
            bucket.label,
            f"{bucket.before:,}",
            Text(_bar(bucket.before, top), "yellow"),
            str(bucket.after).replace("..", " to "),
            Text(_bar(_high(bucket.after), top), "green"),
        )
    console.print(table)


def partitions(console: Console, lines: Sequence[PartitionLine]) -> None:
    """The partitions that are rewritten, largest first."""
    if len(lines) < 2 and not any(line.partition for line in lines):
        return
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name, side in (
        ("partition", "left"),
        ("files", "right"),
        ("rewritten", "right"),
        ("bytes", "right"),
        ("new files", "right"),
    ):
        table.add_column(name, justify=side)  # type: ignore[arg-type]  # rich's Literal
    for line in lines[:_PARTITIONS_SHOWN]:
        table.add_row(
            Text(line.partition or "(unpartitioned)"),
            f"{line.files:,}",
            f"{line.rewritten_data_files:,}",
            human_size(line.rewritten_bytes),
            "-"
            if line.added_data_files is None
            else amount("added_data_files", line.added_data_files),
        )
    console.print(table)
    if len(lines) > _PARTITIONS_SHOWN:
        console.print(Text(f"… and {len(lines) - _PARTITIONS_SHOWN:,} more partitions", "dim"))


def _bar(count: int, top: int) -> str:
    return "█" * max(1, round(_BAR * count / top)) if count else ""


def _high(value: Measure) -> int:
    return value.high if isinstance(value, Range) else value
