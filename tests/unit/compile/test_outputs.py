"""What an estimate of the files that come out may be used for, and what not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from phlo_sql.compile.outputs import Outputs, fewer, gains, predict_outputs
from phlo_sql.compile.selection import Selection, select
from phlo_sql.model.state import WrittenColumn, WrittenSample
from phlo_sql.model.units import Range, between
from tests.golden.tables import server
from tests.unit.compile.test_selection import inventory, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MB = 1024**2
SERVER = server(483)


def test_one_file_is_certain_and_several_are_not() -> None:
    whole = _of(_sized(1, 8), 64 * MB)[1].added_data_files
    assert between(whole.low, whole.high) == 1
    cut = _of(_sized(16, 8), 128 * MB)[1]
    assert isinstance(between(cut.added_data_files.low, cut.added_data_files.high), Range)


def test_files_that_one_rewriting_cut_are_not_cut_again_for_an_estimate() -> None:
    """Rows so wide that a file of 64 MB is full at 16 MB: twelve files of 10 MB may become ten, or
    may not, as they were cut like that before. Files of 3 MB come from a lower target."""
    cut = _sized(10, 12)
    assert gains(*_of(cut, 64 * MB, WIDE))
    assert gains(*_of(cut, 64 * MB, WIDE, made_by="append"))
    assert not gains(*_of(cut, 64 * MB, WIDE, made_by="replace"))
    assert fewer(_of(_sized(3, 60), 64 * MB, WIDE, made_by="replace")[1]).to_pylist() == [0]


def test_where_files_get_as_large_as_asked_a_raised_target_is_followed() -> None:
    assert gains(*_of(_sized(40, 40), 64 * MB, made_by="replace"))


def _sized(size: int, number: int) -> list[dict[str, object]]:
    return [{"size": size * MB, "path": _TRINO.format(n)} for n in range(number)]


WIDE = WrittenSample(
    columns=(WrittenColumn(values=1, raw=8, encoded=8, compressed=2, coded=False),) * 300,
    dictionaries=0.0,
    dictionary_bytes=0,
    rows=10_000,
)
_TRINO = "20260101_000000_00001_abcde-{:08d}-0000-0000-0000-000000000000.parquet"


def _of(
    rows: Sequence[Mapping[str, object]],
    target: int,
    sample: WrittenSample | None = None,
    made_by: str | None = None,
) -> tuple[Selection, Outputs]:
    files = inventory(*({**row, "rows": 100_000} for row in rows))
    state = state_of(
        files.append_column("added_snapshot_id", pa.array([1] * len(rows), pa.int64()))
    )
    state = replace(
        state, sample=sample, snapshots=(replace(state.snapshots[0], operation=made_by),)
    )
    selection = select(state, SERVER.version, target, None)
    return selection, predict_outputs(selection, state, SERVER, target)
