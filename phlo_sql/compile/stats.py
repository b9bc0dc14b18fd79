"""`table stats`: figures of one table, what maintenance would gain, and one score with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from phlo_sql.compile.histogram import EDGES, LABELS
from phlo_sql.compile.optimize_shown import partition_text
from phlo_sql.model.state import DATA, EQUALITY_DELETES, POSITION_DELETES
from phlo_sql.model.units import human_size

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from phlo_sql.compile.expire import ExpirePlan
    from phlo_sql.compile.optimize import OptimizePlan
    from phlo_sql.model.history import History
    from phlo_sql.model.state import TableState
    from phlo_sql.plan import Prediction

_DAY_MS = 86_400_000
_WORST = 10
METRICS = ("size", "rows", "files", "all")
_OF_METRIC = {
    "size": ("size_bytes", "data_bytes", "delete_bytes", "metadata_bytes", "average_file_bytes"),
    "rows": ("rows", "deleted_rows_bound"),
    "files": (
        "data_files",
        "position_delete_files",
        "equality_delete_files",
        "small_files",
        "small_file_share",
        "manifests",
        "partitions",
        "histogram",
        "skew",
        "worst_partitions",
    ),
}
_ALWAYS = ("table", "ref", "format_version", "health", "gains")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBucket:
    label: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStats:
    partition: str
    files: int
    small_files: int
    bytes: int
    delete_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What a maintenance command would do now; `refused` says why it would not."""

    command: str
    figures: dict[str, Any]
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """100 is a table with nothing to gain. `reasons` are (points taken, why)."""

    score: int
    reasons: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStats:
    """Bytes are bytes; `rows` counts data files' rows, `deleted_rows_bound` how many of them delete
    files may take away. `skew` is the largest partition's bytes over the median's."""

    table: str
    ref: str | None
    format_version: int
    rows: int
    deleted_rows_bound: int
    size_bytes: int
    data_bytes: int
    delete_bytes: int
    metadata_bytes: int
    average_file_bytes: int
    data_files: int
    position_delete_files: int
    equality_delete_files: int
    small_files: int
    small_file_share: float
    manifests: int
    metadata_files: int
    partitions: int
    snapshots: int
    oldest_snapshot_days: float | None
    histogram: tuple[SizeBucket, ...]
    skew: float | None
    worst_partitions: tuple[PartitionStats, ...]
    gains: tuple[Gain, ...]
    health: Health

    def document(self, metric: str = "all") -> dict[str, Any]:
        """`data.stats`, the whole or one metric's part."""
        whole = {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}
        if metric == "all":
            return whole
        return {name: whole[name] for name in (*_ALWAYS, *_OF_METRIC[metric])}


def table_stats(
    state: TableState,
    history: History,
    now: datetime,
    optimize: OptimizePlan | Gain,
    expire: ExpirePlan | Gain,
    vacuum: Gain | None,
    small_below: int,
) -> TableStats:
    """All figures. `small_below` is the size in bytes that `table optimize` takes for small; a
    `Gain` in the place of a plan says why there is none."""
    files = state.files.files
    data = files.filter(pc.equal(files["content"], DATA))
    deletes = files.filter(pc.not_equal(files["content"], DATA))
    data_bytes, delete_bytes = _sum(data, "size"), _sum(deletes, "size")
    small = int(pc.sum(pc.less(data["size"], small_below)).as_py() or 0)
    partitions = _partitions(state, small_below)
    gains = tuple(
        each
        for each in (_optimize_gain(optimize), _expire_gain(expire), vacuum)
        if each is not None
    )
    oldest = min((each.timestamp_ms for each in history.snapshots), default=None)
    metadata = sum(each.size for each in history.reach.manifests) + sum(
        each.size for each in history.reach.lists.values()
    )
    return TableStats(
        table=str(state.table),
        ref=state.ref,
        format_version=state.format_version,
        rows=_sum(data, "rows"),
        deleted_rows_bound=_sum(deletes, "rows"),
        size_bytes=data_bytes + delete_bytes,
        data_bytes=data_bytes,
        delete_bytes=delete_bytes,
        metadata_bytes=metadata,
        average_file_bytes=data_bytes // max(data.num_rows, 1),
        data_files=data.num_rows,
        position_delete_files=_count(files, POSITION_DELETES),
        equality_delete_files=_count(files, EQUALITY_DELETES),
        small_files=small,
        small_file_share=round(small / max(data.num_rows, 1), 4),
        manifests=state.files.manifests.num_rows,
        metadata_files=len(history.metadata_files),
        partitions=len(partitions),
        snapshots=len(history.snapshots),
        oldest_snapshot_days=None
        if oldest is None
        else round((now.timestamp() * 1000 - oldest) / _DAY_MS, 3),
        histogram=_histogram(data["size"]),
        skew=_skew(partitions),
        worst_partitions=tuple(
            sorted(
                partitions,
                key=lambda each: (-each.small_files, -each.delete_files, each.partition),
            )[:_WORST]
        ),
        gains=gains,
        health=health(data.num_rows, deletes.num_rows, data_bytes, gains),
    )


def health(data_files: int, delete_files: int, data_bytes: int, gains: tuple[Gain, ...]) -> Health:
    """What there is to gain, as points off a hundred: up to 45 for small files, 25 for deletes that
    each read applies, 15 for bytes of old snapshots, 15 for bytes of orphans."""
    figures = {gain.command: gain.figures for gain in gains}
    reasons: list[tuple[int, str]] = []
    rewritten = figures.get("table optimize", {})
    saved = rewritten.get("rewritten_data_files", 0) - _high(rewritten.get("added_data_files", 0))
    if data_files and saved > 0:
        reasons.append(
            (
                round(45 * min(saved / data_files, 1)),
                f"optimize would leave {saved:,} of {data_files:,} data files fewer",
            )
        )
    if delete_files:
        points = min(25, 5 + round(20 * delete_files / max(data_files, 1)))
        reasons.append((points, f"each read applies {delete_files:,} delete files"))
    for command, points in (("table expire-snapshots", 15), ("table vacuum", 15)):
        freed = figures.get(command, {}).get("deleted_bytes", 0)
        if freed > 0:
            share = min(freed / max(data_bytes, 1), 1)
            what = command.removeprefix("table ")
            reasons.append((max(1, round(points * share)), f"{what} frees {human_size(freed)}"))
    score = max(0, 100 - sum(points for points, _ in reasons))
    return Health(score=score, reasons=tuple(sorted(reasons, key=lambda each: -each[0])))


def worth(stats: TableStats) -> int:
    """Bytes that maintenance rewrites or frees: what a fleet is sorted by."""
    names = ("rewritten_bytes", "deleted_bytes")
    return sum(_high(gain.figures.get(name, 0)) for gain in stats.gains for name in names)


def _optimize_gain(found: OptimizePlan | Gain) -> Gain:
    return found if isinstance(found, Gain) else _gain("table optimize", found.plan.predicts)


def _expire_gain(found: ExpirePlan | Gain) -> Gain:
    if isinstance(found, Gain):
        return found
    return _gain("table expire-snapshots", found.plan.predicts)


def _gain(command: str, predicts: Prediction) -> Gain:
    return Gain(command=command, figures=predicts.document())


def _high(value: Any) -> int:
    return int(value["high"]) if isinstance(value, dict) else int(value)


def _partitions(state: TableState, small_below: int) -> list[PartitionStats]:
    files = state.files.files
    data = pc.equal(files["content"], DATA)
    marked = (
        files.select(["partition", "size"])
        .append_column("data", data)
        .append_column("small", pc.and_(data, pc.less(files["size"], small_below)))
    )
    counted = marked.group_by("partition").aggregate(
        [("size", "sum"), ("data", "sum"), ("small", "sum"), ("data", "count")]
    )
    return [
        PartitionStats(
            partition=partition_text(state, row["partition"]),
            files=row["data_sum"],
            small_files=row["small_sum"],
            bytes=row["size_sum"],
            delete_files=row["data_count"] - row["data_sum"],
        )
        for row in counted.to_pylist()
    ]


def _histogram(sizes: pa.ChunkedArray) -> tuple[SizeBucket, ...]:
    values = sizes.to_numpy()
    place = np.searchsorted(EDGES, values, side="right")
    files = np.bincount(place, minlength=len(LABELS))
    weight = np.bincount(place, weights=values, minlength=len(LABELS))
    return tuple(
        SizeBucket(label=label, files=int(count), bytes=int(size))
        for label, count, size in zip(LABELS, files, weight, strict=True)
    )


def _skew(partitions: list[PartitionStats]) -> float | None:
    sizes = [each.bytes for each in partitions]
    if len(sizes) < 2 or not (middle := median(sizes)):
        return None
    return round(max(sizes) / middle, 2)


def _count(files: pa.Table, content: int) -> int:
    return int(pc.sum(pc.equal(files["content"], content)).as_py() or 0)


def _sum(files: pa.Table, column: str) -> int:
    return int(pc.sum(files[column]).as_py() or 0)


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
