"""Where Trino's Parquet writer ends a file: at what size, for columns as a table has them.

A file ends at the first page of rows after which the writer believes to hold the target's bytes
(`IcebergPageSink.getWriterIndexes`). What it believes is not what it writes. Each column buffers
its values uncompressed until it has enough of them for a page (`PrimitiveColumnWriter`); only then
are they compressed. Trino 476 counts what is buffered as it is. From 477 on the writer applies the
ratio of what it has compressed so far, once that is a megabyte, but not before: a table whose rows
weigh more than the target before its first pages are full gets files far below it, however often
they are rewritten. So the writer is followed here, page by page, with each column's own weights.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from phlo_sql.model.state import WrittenSample

    Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_PAGE_VALUES, _PAGE_BYTES = 60_000, 1024**2
"""Values, or bytes as they are buffered, that end a page (`ParquetWriterOptions`)."""
_BATCH, _LONG = 4096, 16384
"""Rows that arrive together: a reader begins each file with one and doubles up to 8,192, which it
keeps in files of more rows than that."""
_ROW_GROUP = 128 * 1024**2
_SAMPLE = 1024**2
"""Uncompressed bytes from which on the ratio of compression is believed
(`MINIMUM_COMPRESSION_RATIO_SAMPLE_SIZE`)."""
_NEAR = (0.93, 2.0)
"""A page that is found full was seen to hold a little less than that: then the second tells."""
_INDEX = 4
"""Bytes that a value in a dictionary is counted as while it is buffered."""
_EXPANDS = 1.5
_NONE = 1e-6
_LOOKS = 4096
"""Times at most that a row group's rows are looked at: of narrow rows millions fill one."""
_GROUPS = 16
"""Row groups that are followed; a file of more is as large as it was asked to be."""


@lru_cache(maxsize=8)
def full_file(sample: WrittenSample, target: int, *, estimates: bool) -> tuple[float, float]:
    """Least and most bytes of a file that ends because it is full, without its dictionaries.
    `estimates`: this Trino applies a ratio of compression (from 477 on)."""
    writer = _Writer(sample, estimates=estimates)
    found = [writer.full_file(target, near * _SAMPLE) for near in _NEAR]
    return min(found), max(found)


class _Writer:
    """The columns' weights per row, and how many rows fill a page of each."""

    def __init__(self, sample: WrittenSample, *, estimates: bool) -> None:
        values, raw, self.encoded, self.compressed = (
            np.array([getattr(each, name) for each in sample.columns])
            for name in ("values", "raw", "encoded", "compressed")
        )
        self.estimates = estimates
        self.batch = _BATCH if sample.rows < _LONG else 2 * _BATCH
        full = np.minimum(_PAGE_VALUES / np.maximum(values, _NONE), _PAGE_BYTES / raw.clip(_NONE))
        self.page = np.ceil(full / self.batch) * self.batch
        coded = np.array([each.coded for each in sample.columns])
        indexed = np.where(coded, np.minimum(values * _INDEX, raw), raw)
        self.held = indexed if estimates else raw

    def full_file(self, target: int, enough: float) -> float:
        """Bytes of a file when it ends. `enough`: uncompressed bytes that tell a ratio."""
        weight, written = float(self.compressed.sum()), 0.0
        if weight <= 0:
            return float(target)
        for group in range(_GROUPS):
            limit = min(_ROW_GROUP, target - written)
            written += weight * self._rows_until(limit, 0.0 if group else enough)
            if limit < _ROW_GROUP or written >= target:
                return written
        return float(target)

    def _rows_until(self, limit: float, enough: float) -> int:
        """Rows of one row group when it is believed to hold `limit` bytes."""
        most = int(limit / self.compressed.sum()) + 1
        step = self.batch * -(-most // (self.batch * _LOOKS))
        start = 0
        while start <= most:
            rows = np.arange(start + step, start + step * 513, step, dtype=float)[:, None]
            flushed = np.floor(rows / self.page) * self.page
            waiting = (rows - flushed) * self.held
            if self.estimates:
                waiting *= self._ratios(flushed, enough)
            believed = (flushed * self.compressed + waiting).sum(axis=1)
            reached = np.flatnonzero(believed >= limit)
            if reached.size:
                return int(rows[reached[0], 0])
            start = int(rows[-1, 0])
        return most

    def _ratios(self, flushed: Floats, enough: float) -> Floats:
        """By row and column: a column's own ratio once it has flushed enough, else that of all."""
        before, after = flushed * self.encoded, flushed * self.compressed
        whole = before.sum(axis=1, keepdims=True)
        usual = self.compressed.sum() / max(self.encoded.sum(), _NONE)
        everywhere = np.where(whole > 0, after.sum(axis=1, keepdims=True) / whole.clip(1.0), usual)
        own = after / before.clip(1.0)
        known = np.where(
            before >= max(enough, 1.0), own, np.where(whole >= enough, everywhere, 1.0)
        )
        return np.minimum(known, _EXPANDS)
