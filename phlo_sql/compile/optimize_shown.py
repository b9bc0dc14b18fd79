"""What a dry run of `table optimize` shows beside its steps: partitions, and sizes of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from phlo_sql.compile.histogram import Bucket, histogram
from phlo_sql.model.state import DATA
from phlo_sql.model.units import between
from phlo_sql.plan import Measure, measure_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.slices import Sliced
    from phlo_sql.model.state import TableState

PATHS_SHOWN = 1000
"""File names in a JSON document; the whole list would dwarf the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionLine:
    """One partition in a dry run. `added_…` are None where nothing is rewritten."""

    partition: str
    files: int
    rewritten_data_files: int
    rewritten_bytes: int
    removed_delete_files: int
    added_data_files: Measure | None
    added_bytes: Measure | None

    def document(self) -> dict[str, Any]:
        files, size = self.added_data_files, self.added_bytes
        return {
            "partition": self.partition,
            "files": self.files,
            "rewritten_data_files": self.rewritten_data_files,
            "rewritten_bytes": self.rewritten_bytes,
            "removed_delete_files": self.removed_delete_files,
            "added_data_files": files and measure_document(files),
            "added_bytes": size and measure_document(size),
        }


def document(
    lines: Sequence[PartitionLine], buckets: Sequence[Bucket], paths: Sequence[str]
) -> dict[str, Any]:
    """The details in JSON."""
    return {
        "partitions": [line.document() for line in lines],
        "histogram": [
            {"label": b.label, "before": b.before, "after": measure_document(b.after)}
            for b in buckets
        ],
        "rewritten_paths": list(paths),
    }


def partition_lines(state: TableState, sliced: Sliced) -> tuple[PartitionLine, ...]:
    """The partitions that are rewritten, largest first."""
    added = {row["partition"]: row for row in sliced.outputs.by_partition.to_pylist()}
    chosen = sliced.selection.by_partition.to_pylist()
    rows = [row for row in chosen if row["rewritten_data_files"]]
    rows.sort(key=lambda row: (-row["rewritten_bytes"], row["partition"]))
    return tuple(
        PartitionLine(
            partition=partition_text(state, row["partition"]),
            files=row["files"],
            rewritten_data_files=row["rewritten_data_files"],
            rewritten_bytes=row["rewritten_bytes"],
            removed_delete_files=row["removed_delete_files"],
            added_data_files=_added(added, row["partition"], "added_data_files"),
            added_bytes=_added(added, row["partition"], "added_bytes"),
        )
        for row in rows
    )


def _added(rows: dict[int, dict[str, int]], place: int, name: str) -> Measure | None:
    """Files of an older spec are written to partitions of the current one: not told per line."""
    row = rows.get(place)
    return between(row[f"{name}_low"], row[f"{name}_high"]) if row else None


def partition_text(state: TableState, place: int) -> str:
    """A partition as `ts_day=2026-01-01/region=NULL`; empty for an unpartitioned table."""
    partition = state.files.partitions[place]
    fields = state.specs[partition.spec_id].fields
    return "/".join(
        f"{field.name}={'NULL' if value is None else value}"
        for field, value in zip(fields, partition.values, strict=True)
    )


def histogram_of(sliced: Sliced) -> tuple[Bucket, ...]:
    """Sizes of data files before and after."""
    selection, outputs = sliced.selection, sliced.outputs
    data = pc.equal(selection.files["content"], DATA)
    rewritten = selection.rewritten.filter(pc.fill_null(data, False)).to_numpy(zero_copy_only=False)
    groups = [
        (
            between(row["added_data_files_low"], row["added_data_files_high"]),
            _typical(row, outputs.full_file.high),
        )
        for row in outputs.by_partition.to_pylist()
    ]
    return histogram(selection.files["size"].filter(data), rewritten, groups)


def _typical(row: dict[str, int], full: int) -> int:
    """Bytes of one output file, in the middle of what is predicted."""
    size = (row["added_bytes_low"] + row["added_bytes_high"]) / 2
    count = (row["added_data_files_low"] + row["added_data_files_high"]) / 2
    return int(min(full, size / max(count, 1)))
