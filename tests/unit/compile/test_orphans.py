"""Which files Trino's `remove_orphan_files` takes, and when none of them may go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from phlo_sql.compile.orphans import LISTED, Orphans, folder, normal, orphans
from phlo_sql.compile.orphans_shared import Other, refuse_locations, refuse_outside
from phlo_sql.compile.reachable import DATA, MANIFEST, SCHEMA, rows_of
from phlo_sql.errors import Code, PhloSqlError

NOW = datetime(2026, 1, 10, tzinfo=UTC)
WEEK = timedelta(days=7)
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)
HOME = "s3://lake/t"


def listing(*files: tuple[str, timedelta]) -> pa.Table:
    return pa.table(
        {
            "path": pa.array([path for path, _ in files], pa.string()),
            "size": pa.array([10] * len(files), pa.int64()),
            "modified": pa.array([NOW - age for _, age in files], pa.timestamp("us", "UTC")),
        }
    )


def chosen(
    files: pa.Table, known: pa.Table | None = None, *, version: int = 483, exact: bool = False
) -> Orphans:
    known = SCHEMA.empty_table() if known is None else known
    return orphans(
        files,
        known,
        known,
        location=HOME,
        version=version,
        now=NOW,
        older_than=WEEK,
        exact=exact,
    )


def test_one_second_either_side_of_the_retention() -> None:
    older, equal, younger = f"{HOME}/data/a", f"{HOME}/data/b", f"{HOME}/data/c"
    found = chosen(
        listing((older, WEEK + SECOND), (equal, WEEK), (younger, WEEK - SECOND)), exact=True
    )
    assert found.files["path"].to_pylist() == [older]
    assert found.files.schema == LISTED
    assert found.spared == (equal, younger)


def test_a_plan_is_told_the_age_of_its_youngest_file_and_how_long_it_holds() -> None:
    near = (f"{HOME}/data/b", WEEK - 4 * SECOND)
    found = chosen(listing((f"{HOME}/data/a", WEEK + 39 * SECOND), near))
    assert found.files["path"].to_pylist() == [f"{HOME}/data/a"]
    assert found.retention == WEEK + 39 * SECOND - MILLISECOND
    assert found.holds == 43 * SECOND - MILLISECOND
    far = chosen(listing((f"{HOME}/data/a", WEEK + SECOND), (f"{HOME}/data/b", SECOND)))
    assert far.retention == WEEK
    assert far.holds == WEEK - SECOND


def test_what_is_too_close_to_the_border_is_left_for_another_time() -> None:
    a, b, c = (f"{HOME}/data/{name}" for name in "abc")
    near = (b, WEEK + 3 * SECOND), (c, WEEK - SECOND)
    found = chosen(listing((a, WEEK + 50 * SECOND), *near))
    assert found.files["path"].to_pylist() == [a]
    assert found.retention == WEEK + 50 * SECOND - MILLISECOND
    assert found.holds == 47 * SECOND - MILLISECOND
    close = chosen(listing(*near))  # nothing is far enough from the border
    assert close.files["path"].to_pylist() == [b]
    assert close.holds == 4 * SECOND - MILLISECOND


def test_trino_compares_names_so_an_equal_name_elsewhere_stays() -> None:
    known = rows_of([(f"{HOME}/data/x.parquet", 1)], DATA)
    files = listing((f"{HOME}/data/old/x.parquet", 2 * WEEK), (f"{HOME}/y.parquet", 2 * WEEK))
    assert chosen(files, known).files["path"].to_pylist() == [f"{HOME}/y.parquet"]


def test_trino_476_looks_below_data_and_metadata_only() -> None:
    files = listing((f"{HOME}/elsewhere/a", 2 * WEEK), (f"{HOME}/data/a", 2 * WEEK))
    assert chosen(files, version=476).files["path"].to_pylist() == [f"{HOME}/data/a"]
    assert chosen(files, version=483).files.num_rows == 2


@pytest.mark.parametrize(
    ("path", "kind"), [(f"{HOME}/metadata/a.parquet", DATA), (f"{HOME}/data/m0.avro", MANIFEST)]
)
def test_trino_476_would_take_a_live_file_of_the_other_folder(path: str, kind: str) -> None:
    known = rows_of([(path.replace("s3://", "s3a://"), 1)], kind)
    with pytest.raises(PhloSqlError) as caught:
        chosen(listing((path, 2 * WEEK)), known, version=476)
    assert caught.value.code is Code.UNSAFE_DELETION
    assert caught.value.data["live_paths"] == [path]
    assert chosen(listing((path, 2 * WEEK)), known, version=483).files.num_rows == 0


def test_equal_schemes_and_slashes() -> None:
    paths = [
        "s3a://b/k",
        "s3n://b//k",
        "s3://b/k",
        "file:/t/a",
        "file:///t/a",
        "/t/a",
        "local:///t/a",
    ]
    found = normal(pa.chunked_array([paths], pa.string())).to_pylist()
    assert found == ["s3://b/k"] * 3 + ["file:///t/a"] * 4
    assert folder("s3a://b/t/") == folder("s3://b/t") == "s3://b/t/"


@pytest.mark.parametrize(
    ("other", "safe"),
    [
        ("s3a://lake/t/", False),
        ("s3://lake/t/data/inner", False),
        ("s3://lake", False),
        ("s3://lake/t2", True),
        ("s3://lake/te", True),
        ("s3://other/t", True),
    ],
)
def test_locations_of_other_tables(other: str, safe: bool) -> None:  # noqa: FBT001 - a parameter
    if safe:
        refuse_locations(HOME, [Other("n", other)])
        return
    with pytest.raises(PhloSqlError) as caught:
        refuse_locations(HOME, [Other("n", other)])
    assert caught.value.code is Code.UNSAFE_DELETION


def test_files_from_elsewhere_are_not_deleted() -> None:
    refuse_outside(rows_of([("s3n://lake/t/data/a", 1)], DATA), HOME)
    with pytest.raises(PhloSqlError, match="outside"):
        refuse_outside(rows_of([("s3://lake/t2/a", 1)], DATA), HOME)
