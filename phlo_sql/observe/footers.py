"""What the footers of a table's Parquet files tell that its metadata does not: of what they are
made.

A file repeats the dictionaries of its columns; a file that many of them are joined into holds each
value once. How much that is differs from table to table: names and addresses that come back in
every file weigh half of it, keys and prices nothing. And each column's weight before and after
compression tells where the writer will end a file. A few footers are enough.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phlo_sql.model.state import DATA, WrittenColumn, WrittenSample

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyiceberg.io import FileIO

_SAMPLE = 8
SMALL = 8 * 1024**2
"""Bytes from which on dictionaries are a small share of a file: one ends at 1 MB."""
_WIDTHS = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12, "BOOLEAN": 1 / 8}
_INDEX = 4
"""Bytes that an index into a dictionary has at most: a chunk of more gave its dictionary up."""
_LENGTH, _LENGTH_MORE = 4, 3
"""Bytes before each text while it is buffered, and how many of them its page saves."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one row group."""

    path: str
    rows: int
    values: int
    raw: float
    encoded: float
    compressed: int
    dictionary: int
    coded: bool


def sample_of(io: FileIO, files: pa.Table) -> WrittenSample | None:
    """Of a few Parquet data files, spread over the small ones of the inventory where there are
    any; None where there are not two, or none can be read."""
    few = _few(files)
    if few.num_rows < 2:
        return None
    with ThreadPoolExecutor(_SAMPLE) as pool:
        read = list(pool.map(lambda path: _read(io, path), few["path"].to_pylist()))
    pairs = [pair for pair in zip(read, few["size"].to_pylist(), strict=True) if pair[0]]
    whole = sum(size for _, size in pairs)
    if not whole:
        return None
    chunks = [chunk for found, _ in pairs for chunk in found]
    repeated = sum(chunk.dictionary for chunk in chunks)
    return WrittenSample(
        columns=tuple(_columns(chunks)),
        dictionaries=repeated / whole,
        dictionary_bytes=repeated // len(pairs),
        rows=_rows(chunks) // len(pairs),
    )


def _few(files: pa.Table) -> pa.Table:
    """Paths and sizes; of a large inventory no column is copied to find them."""
    import numpy as np
    import pyarrow.compute as pc

    data = pc.and_(pc.equal(files["content"], DATA), pc.equal(files["format"], "parquet"))
    small = pc.and_(data, pc.less(files["size"], SMALL))
    places = np.flatnonzero(small.to_numpy())
    if len(places) < 2:
        places = np.flatnonzero(data.to_numpy())
    step = max(1, -(-len(places) // _SAMPLE))
    return files.select(["path", "size"]).take(places[::step])


def _read(io: FileIO, path: str) -> list[_Chunk]:
    """A file's column chunks; of one that cannot be read, none: an estimate is no reason to stop,
    and the server will say what is wrong with the file."""
    import pyarrow.parquet as pq

    try:
        with io.new_input(path).open() as stream:
            footer = pq.ParquetFile(stream).metadata
    except Exception:  # noqa: BLE001 - each store and format has its own exceptions
        return []
    found = []
    for place in range(footer.num_row_groups):
        group = footer.row_group(place)
        found += [
            _chunk(group.column(each), footer.schema.column(each).length, group.num_rows)
            for each in range(footer.num_columns)
        ]
    return found


def _chunk(column: Any, fixed: int, rows: int) -> _Chunk:
    size = max(column.total_compressed_size, 1)
    repeated = 0
    if column.has_dictionary_page:
        repeated = max(column.data_page_offset - column.dictionary_page_offset, 0)
    encoded = column.total_uncompressed_size * (1 - repeated / size)
    coded = repeated > 0 and encoded <= _INDEX * column.num_values
    if (width := _WIDTHS.get(column.physical_type)) is not None:
        raw = width * column.num_values
    elif column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        raw = float(fixed * column.num_values)
    elif coded:
        raw = _text_length(column) * column.num_values
    else:
        raw = encoded + _LENGTH_MORE * column.num_values
    return _Chunk(
        path=column.path_in_schema,
        rows=rows,
        values=column.num_values,
        raw=raw,
        encoded=encoded,
        compressed=size - repeated,
        dictionary=repeated,
        coded=coded,
    )


def _text_length(column: Any) -> float:
    """Of a text in a dictionary, footers tell only the least and the greatest."""
    told = column.statistics
    if told is None or not told.has_min_max:
        return _LENGTH * 4
    ends = [len(each) for each in (told.min, told.max) if isinstance(each, str | bytes)]
    return _LENGTH + (sum(ends) / len(ends) if ends else _LENGTH * 3)


def _rows(chunks: list[_Chunk]) -> int:
    return sum(each.rows for each in chunks if each.path == chunks[0].path)


def _columns(chunks: list[_Chunk]) -> Iterator[WrittenColumn]:
    rows = max(_rows(chunks), 1)
    for path in dict.fromkeys(each.path for each in chunks):
        same = [each for each in chunks if each.path == path]
        yield WrittenColumn(
            values=sum(each.values for each in same) / rows,
            raw=sum(each.raw for each in same) / rows,
            encoded=sum(each.encoded for each in same) / rows,
            compressed=sum(each.compressed for each in same) / rows,
            coded=any(each.coded for each in same),
        )
