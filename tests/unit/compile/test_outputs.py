"""What an estimate of the files that come out may be used for, and what not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from phlo_sql.compile.outputs import Outputs, fewer, gains, predict_outputs
from phlo_sql.compile.selection import Selection, select
from phlo_sql.model.server import Server
from phlo_sql.model.units import Range, between
from tests.unit.compile.test_selection import inventory, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MB = 1024**2
SERVER = Server(
    version=483,
    version_text="483",
    catalog="iceberg",
    connector="iceberg",
    user="u",
    workers=1,
    session={},
    system_session={},
)


def test_one_file_is_certain_and_several_are_not() -> None:
    whole = _of([{"size": MB} for _ in range(8)], 64 * MB)[1].added_data_files
    assert between(whole.low, whole.high) == 1
    cut = _of([{"size": 16 * MB, "path": _TRINO.format(n)} for n in range(8)], 128 * MB)[1]
    assert isinstance(between(cut.added_data_files.low, cut.added_data_files.high), Range)


def test_files_that_one_rewriting_cut_are_not_cut_again_for_an_estimate() -> None:
    """Four files of 40 MB may become three of up to 64 MB, or may not: they were cut before."""
    rows = [{"size": 40 * MB, "path": _TRINO.format(n)} for n in range(4)]
    assert gains(*_of(rows, 64 * MB))
    assert gains(*_of(rows, 64 * MB, made_by="append"))
    assert not gains(*_of(rows, 64 * MB, made_by="replace"))
    many = [{"size": 4 * MB, "path": _TRINO.format(n)} for n in range(40)]
    assert fewer(_of(many, 64 * MB, made_by="replace")[1]).to_pylist() == [0]


_TRINO = "20260101_000000_00001_abcde-{:08d}-0000-0000-0000-000000000000.parquet"


def _of(
    rows: Sequence[Mapping[str, object]], target: int, made_by: str | None = None
) -> tuple[Selection, Outputs]:
    files = inventory(*({**row, "rows": 100_000} for row in rows))
    state = state_of(
        files.append_column("added_snapshot_id", pa.array([1] * len(rows), pa.int64()))
    )
    state = replace(state, snapshots=(replace(state.snapshots[0], operation=made_by),))
    selection = select(state, SERVER.version, target, None)
    return selection, predict_outputs(selection, state, SERVER, target)
