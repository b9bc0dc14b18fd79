"""What a migration's dry run shows beside its steps, and the list of migrations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from phlo_sql.compile.detach import DetachPlan
    from phlo_sql.compile.migrate import MigratePlan
    from phlo_sql.flow.rolling_back import RollbackPlan
    from phlo_sql.model.migration import SourceTable

_COLOUR = {"finished": "green", "failed": "red", "stopped": "yellow", "success": "green"}


def migrated(console: Console, details: MigratePlan) -> None:
    """What the source is, each column's two types, and each mode with its reason."""
    source = _table("source", "")
    for name, value in _facts(details.source):
        source.add_row(name, Text(value))
    console.print(source)
    console.print()
    console.print(_columns(details.source))
    modes = _table("mode", "partitions", "why")
    for (mode, reason), count in Counter((e.mode, e.reason) for e in details.chosen).items():
        modes.add_row(mode, f"{count:,}", Text(reason))
    console.print(modes)


def _columns(source: SourceTable) -> Table:
    counted = source.statistics.columns if source.statistics is not None else {}
    counts = ("distinct", "NULL") if counted else ()
    table = _table("column", "from", "to", *counts, "what that means")
    for each in (*source.columns, *source.partition_columns):
        row = [each.name.lower(), each.type, each.target_type]
        if counted:
            told = counted.get(each.name.lower())
            both = (told.distinct, told.nulls) if told is not None else (None, None)
            row += ["" if count is None else f"{count:,}" for count in both]
        table.add_row(*map(Text, row), Text(each.meaning))
    return table


def _facts(source: SourceTable) -> Iterator[tuple[str, str]]:
    parts = f"{len(source.partitions):,} partition(s), " if source.partitioned else ""
    yield "is", f"{source.kind.value} {source.format}, {parts}{source.files:,} file(s)"
    yield "at", source.location
    yield "size", human_size(source.bytes)
    told = source.statistics
    if source.rows is not None:
        yield "rows", f"{source.rows:,}"
    elif told is not None and told.rows is not None:
        yield "rows", f"{told.rows:,} by statistics, which may be old"
    if source.owner:
        yield "owner", source.owner
    if source.comment:
        yield "comment", source.comment
    for name, value in source.properties.items():
        yield "property", f"{name} = {value}"
    if source.bucketing is not None:
        ordered = source.bucketing.sorted_by
        by = f", sorted by {', '.join(ordered)}" if ordered else ""
        columns = ", ".join(source.bucketing.columns)
        yield "buckets", f"{source.bucketing.buckets} by {columns}{by}"
    for each in source.constraints:
        yield "constraint", each


def cut(console: Console, details: DetachPlan) -> None:
    """What lies outside now, and where its copy will lie."""
    told = f"{len(details.outside):,} files lie outside of {details.old}"
    console.print(Text(told), soft_wrap=True)
    console.print(Text(f"the table's own files will lie below {details.new}"), soft_wrap=True)


def database(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """Each table with its mode, what became of it, and why."""
    table = _table("table", "is", "partitions", "files", "size", "mode", "state", "why")
    for each in found:
        left = each["state"] == "left alone"
        table.add_row(
            Text(each["table"]),
            each["kind"] if left else f"{each['kind']} {each['format']}",
            "" if each["partitions"] is None else f"{each['partitions']:,}",
            f"{each['files']:,}",
            human_size(each["bytes"]),
            _modes(each["modes"]),
            Text(each["state"], _COLOUR.get(each["state"], "")),
            Text(each["error"] or each["reason"] or ""),
        )
    console.print(table)
    with_grants = [each["grants"] for each in found if each["grants"]]
    if with_grants:
        total = sum(map(len, with_grants))
        console.print(f"{total:,} grants come over with {len(with_grants):,} of the tables")


def _modes(found: Sequence[Mapping[str, Any]]) -> str:
    """`in-place`, or `in-place 4, copy 1` where partitions differ."""
    counts: Counter[str] = Counter()
    for each in found:
        counts[each["mode"]] += each["partitions"] or 1
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(f"{mode} {count:,}" for mode, count in counts.items())


def taken_back(console: Console, details: RollbackPlan) -> None:
    for folder in details.folders:
        console.print(Text(f"files below {folder} go"), soft_wrap=True)


def operations(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        console.print("no migration is recorded")
        return
    table = _table("operation", "table", "state", "steps", "error")
    for each in found:
        ref = f"@{each['ref']}" if each["ref"] else ""
        table.add_row(
            each["operation"],
            Text(f"{each['table']}{ref}"),
            Text(each["state"], _COLOUR.get(each["state"], "")),
            f"{each['steps_done']} of {each['steps']}",
            Text(each["error"] or ""),
        )
    console.print(table)


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    return table
