"""What the footer of a Parquet file says of NULL."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phlo_sql.observe.null_counts import Nulls, of_footer

FIELDS = [
    pa.field("Id", pa.int64(), nullable=False),
    pa.field("some", pa.int64()),
    pa.field("a.b", pa.string()),
    pa.field("tags", pa.list_(pa.string()), nullable=False),
    pa.field("place", pa.struct([("x", pa.int32())])),
]
ROWS = pa.table(
    {
        "Id": [1, 2, 3],
        "some": [None, 1, None],
        "a.b": ["x", "y", "z"],
        "tags": [["a"], [], [None]],
        "place": [{"x": 1}, None, {"x": None}],
    },
    schema=pa.schema(FIELDS),
)


COLUMNS = ("id", "some", "a.b", "tags", "place")


@pytest.mark.parametrize("rows_at_once", [1, 3])
def test_row_groups_are_added_up_and_nested_columns_left_out(rows_at_once: int) -> None:
    sink = io.BytesIO()
    pq.write_table(ROWS, sink, row_group_size=rows_at_once)
    assert of_footer(pq.read_metadata(sink), COLUMNS) == {
        "id": Nulls(count=0, counted=True),
        "some": Nulls(count=2, counted=True),
        "a.b": Nulls(count=0, counted=True),
    }


def test_without_statistics_only_the_schema_tells() -> None:
    sink = io.BytesIO()
    pq.write_table(ROWS, sink, write_statistics=["some"])
    assert of_footer(pq.read_metadata(sink), COLUMNS) == {
        "id": Nulls(count=0, counted=False),
        "some": Nulls(count=2, counted=True),
        "a.b": Nulls(count=None, counted=False),
    }


def test_only_what_is_asked_for_is_told() -> None:
    sink = io.BytesIO()
    pq.write_table(ROWS, sink)
    assert of_footer(pq.read_metadata(sink), {"some", "x"}) == {
        "some": Nulls(count=2, counted=True)
    }
