"""File sizes in buckets, before and after: what a dry run draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phlo_sql.model.units import Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_MB = 1024**2
EDGES = (_MB, 8 * _MB, 32 * _MB, 128 * _MB, 512 * _MB, 1024 * _MB)
LABELS = ("< 1 MB", "1-8 MB", "8-32 MB", "32-128 MB", "128-512 MB", "512 MB-1 GB", "> 1 GB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Data files of one size range; `after` is predicted and may be a range."""

    label: str
    before: int
    after: int | Range


def histogram(
    sizes: pa.ChunkedArray,
    rewritten: np.ndarray[tuple[int], np.dtype[np.bool_]],
    outputs: Iterable[tuple[int | Range, int]],
) -> tuple[Bucket, ...]:
    """Buckets of `sizes` (bytes, one per data file), where `rewritten` marks those that go.

    `outputs` are (count, typical size in bytes) pairs of the files that come in their place.
    """
    place = np.searchsorted(EDGES, sizes.to_numpy(), side="right")
    before = np.bincount(place, minlength=len(LABELS))
    kept = np.bincount(place[~rewritten], minlength=len(LABELS))
    low, high = kept.copy(), kept.copy()
    for count, size in outputs:
        bucket = int(np.searchsorted(EDGES, size, side="right"))
        low[bucket] += count.low if isinstance(count, Range) else count
        high[bucket] += count.high if isinstance(count, Range) else count
    return tuple(
        Bucket(label=label, before=int(b), after=int(lo) if lo == hi else Range(int(lo), int(hi)))
        for label, b, lo, hi in zip(LABELS, before, low, high, strict=True)
    )
