"""What the footer of one data file says, and whether Trino can read what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import FileMetaData

    from phlo_sql.model.migration import Format


class CodecError(ValueError):
    """A compression that Trino does not read."""


def footer_of(stream: Any, form: Format) -> tuple[pa.Schema, int, frozenset[str]]:
    """Schema, number of rows, and the required columns, in lower case, whose NULL values statistics
    count. Raises CodecError, and what each format's reader raises for what is no such file."""
    match form:
        case "parquet":
            return _parquet(stream)
        case "orc":
            from pyarrow import orc

            opened = orc.ORCFile(stream)
            return opened.schema, int(opened.nrows), frozenset()
        case _:
            from phlo_sql.observe.avro_schema import read_avro

            return (*read_avro(stream), frozenset())


def _parquet(stream: Any) -> tuple[pa.Schema, int, frozenset[str]]:
    import pyarrow.parquet as pq

    from phlo_sql.observe.null_counts import of_footer

    parquet = pq.ParquetFile(stream)
    schema = parquet.schema_arrow
    _refuse_codec(parquet.metadata)
    required = {each.name.lower() for each in schema if not each.nullable}
    nulls = of_footer(parquet.metadata, required) if required else {}
    counted = frozenset(name for name, each in nulls.items() if each.counted)
    return schema, int(parquet.metadata.num_rows), counted


def _refuse_codec(metadata: FileMetaData) -> None:
    """Trino decompresses all but these two (its ParquetCompressionUtils). PyArrow calls LZ4_RAW
    `LZ4`, and Hadoop's LZ4, which Trino reads, otherwise."""
    if not metadata.num_row_groups:
        return
    group = metadata.row_group(0)
    for place in range(group.num_columns):
        column = group.column(place)
        if column.compression in ("BROTLI", "LZ4"):
            name = "LZ4_RAW" if column.compression == "LZ4" else column.compression
            raise CodecError(f"{column.path_in_schema} is compressed by {name}: Trino reads none")
