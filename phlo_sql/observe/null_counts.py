"""How many NULL values columns of Parquet files have, as the files' footers tell it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pyarrow.parquet import FileMetaData
    from pyiceberg.io import FileIO

_READ_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Nulls:
    """`count`: None where the file does not tell. `counted`: it stands in statistics of the column,
    and not only follows from the schema."""

    count: int | None
    counted: bool = False


UNTOLD = Nulls(count=None)


def of_footer(metadata: FileMetaData, columns: Collection[str]) -> dict[str, Nulls]:
    """Of these columns, by their names in lower case. Of nested ones only the leaves have
    statistics, which tell nothing of the column itself: they are left out."""
    found = {}
    for place in range(metadata.num_columns):
        column = metadata.schema.column(place)
        if column.path != column.name or column.name.lower() not in columns:
            continue
        told = [
            metadata.row_group(group).column(place).statistics
            for group in range(metadata.num_row_groups)
        ]
        counts = [each.null_count for each in told if each is not None and each.has_null_count]
        counted = len(counts) == len(told)
        required = column.max_definition_level == 0
        count = sum(counts) if counted else 0 if required else None
        found[column.name.lower()] = Nulls(count=count, counted=counted)
    return found


def of_files(
    io: FileIO, paths: Sequence[str], columns: Sequence[str]
) -> Mapping[str, list[tuple[str, Nulls]]]:
    """Of each column, named in lower case, what each file tells: every value is NULL where it has
    no such column. A file that can't be read tells nothing."""
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        read = list(pool.map(lambda path: _read(io, path, columns), paths))
    return {
        name: [(path, told[name]) for path, told in zip(paths, read, strict=True)]
        for name in columns
    }


def _read(io: FileIO, path: str, columns: Sequence[str]) -> dict[str, Nulls]:
    from pyarrow import parquet

    try:
        with io.new_input(path).open() as stream:
            metadata = parquet.read_metadata(stream)
            present = {each.lower() for each in metadata.schema.to_arrow_schema().names}
            told = of_footer(metadata, columns)
    except Exception:  # noqa: BLE001 - each store has its own; what can't be read proves nothing
        return dict.fromkeys(columns, UNTOLD)
    absent = Nulls(count=metadata.num_rows)
    return {each: told.get(each, UNTOLD) if each in present else absent for each in columns}
