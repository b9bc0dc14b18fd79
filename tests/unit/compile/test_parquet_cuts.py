"""Where Trino's Parquet writer ends a file. That it does is held by
tests/live/test_prediction_outputs.py; here are the reasons, one by one."""

from __future__ import annotations

import pytest

from phlo_sql.compile.parquet_cuts import full_file
from phlo_sql.model.state import WrittenColumn, WrittenSample

MB = 1024**2


def bigints(number: int, compressed: float) -> WrittenSample:
    one = WrittenColumn(values=1, raw=8, encoded=8, compressed=compressed, coded=False)
    return sampled((one,) * number)


def sampled(columns: tuple[WrittenColumn, ...]) -> WrittenSample:
    return WrittenSample(columns=columns, dictionaries=0.0, dictionary_bytes=0, rows=10_000)


@pytest.mark.parametrize("target", [128 * MB, 512 * MB])
def test_a_narrow_table_gets_what_it_asks_for(target: int) -> None:
    least, most = full_file(bigints(16, 2.5), target, estimates=True)
    assert 0.97 * target <= least <= most <= 1.02 * target


def test_rows_heavier_than_the_target_before_the_first_page_is_full() -> None:
    """300 columns of 8 bytes are 137 MB at 60,000 rows: nothing has been compressed by then."""
    least, most = full_file(bigints(300, 2.0), 100 * MB, estimates=True)
    assert 0.2 * 100 * MB <= least <= most <= 0.3 * 100 * MB


def test_a_row_group_ends_before_the_file_does() -> None:
    """At 128 MB both would; the row group is compressed first, and the file goes on."""
    least, _ = full_file(bigints(300, 2.0), 128 * MB, estimates=True)
    assert least > 0.9 * 128 * MB


def test_later_row_groups_know_the_ratio() -> None:
    least, _ = full_file(bigints(300, 2.0), 1024 * MB, estimates=True)
    assert least > 0.95 * 1024 * MB


def test_what_is_buffered_counts_whole_up_to_476() -> None:
    """Sixteen columns buffer up to 7 MB that will weigh a fourth of it."""
    estimated, _ = full_file(bigints(16, 2.0), 16 * MB, estimates=True)
    least, most = full_file(bigints(16, 2.0), 16 * MB, estimates=False)
    assert 16 * MB - 16 * 60_000 * 8 <= least <= most <= 16 * MB
    assert least <= estimated


def test_values_in_a_dictionary_weigh_four_bytes_while_they_wait() -> None:
    coded = WrittenColumn(values=1, raw=16, encoded=0.5, compressed=0.25, coded=True)
    least, most = full_file(sampled((coded,) * 100), 16 * MB, estimates=True)
    rows = 16 * MB / (100 * 4)
    assert rows * 100 * 0.25 == pytest.approx(least, rel=0.1)
    assert least <= most
