"""What is predicted is what Trino does: every rule of `compile.selection`, on real servers.

Rewritten files and bytes, and removed delete files, are compared file by file; files written must
lie within the predicted range, and that range must be narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from pyiceberg.typedef import Record

from phlo_sql.compile.selection import Fate
from tests.live.prediction_lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phlo_sql.config import Settings
    from tests.live.prediction_lab import Measured, Predicted

pytestmark = pytest.mark.live
SMALL = 20 * 1024
"""A threshold that files of a few rows stay below, and `WIDE` ones pass."""
WIDE = (
    "SELECT orderkey, date_add('day', linenumber, DATE '2024-01-01'), comment"
    " FROM tpch.tiny.lineitem"
)
WIDER = f"{WIDE} WHERE orderkey < 400"
COLUMNS = "id bigint, day date, note varchar"
FEW = "VALUES (1, DATE '2024-01-01', 'a'), (2, DATE '2024-01-02', 'b'), (3, DATE '2024-02-03', 'c')"
TWO_AND_ONE = "VALUES (1, DATE '2024-01-01', ''), (2, DATE '2024-01-01', ''), (3, NULL, NULL)"
MORE = "VALUES (4, DATE '2024-01-01', 'd'), (5, DATE '2024-01-02', 'e'), (6, NULL, NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`rewritten` and `removed` are what the case is about: counts keep it from going blank."""

    name: str
    make: Callable[[Lab], None]
    rewritten: int
    removed: int = 0
    since: int = 476
    margin: int | None = None
    """The threshold lies so many bytes above the largest file."""

    def threshold(self, lab: Lab) -> int:
        if self.margin is None:
            return SMALL
        return int(max(lab.state().files.files["size"].to_pylist())) + self.margin


def _partitioned(by: str, *inserts: str) -> Callable[[Lab], None]:
    def make(lab: Lab) -> None:
        lab.create(COLUMNS, f"partitioning = ARRAY[{by}]")
        lab.insert(*inserts)

    return make


def _plain(*inserts: str, properties: str = "") -> Callable[[Lab], None]:
    def make(lab: Lab) -> None:
        lab.create(COLUMNS, properties)
        lab.insert(*inserts)

    return make


def _typed(columns: str, by: str, *rows: str, more: str = "") -> Callable[[Lab], None]:
    """Two files for each row's partition; `rows` are what VALUES takes."""

    def make(lab: Lab) -> None:
        lab.create(columns, f"partitioning = ARRAY[{by}]{more}")
        lab.insert(*[f"VALUES {', '.join(rows)}"] * 2)

    return make


def _then(make: Callable[[Lab], None], *steps: str) -> Callable[[Lab], None]:
    """More statements; `{t}` is the table."""

    def run(lab: Lab) -> None:
        make(lab)
        for step in steps:
            lab.sql(step.format(t=lab.table))

    return run


def _evolved(to: str, *after: str) -> Callable[[Lab], None]:
    def run(lab: Lab) -> None:
        _partitioned("'day'", FEW, MORE)(lab)
        lab.sql(f"ALTER TABLE {lab.table} SET PROPERTIES partitioning = ARRAY[{to}]")
        lab.insert(*after)

    return run


def _equality(partitioned: bool) -> Callable[[Lab], None]:  # noqa: FBT001
    def run(lab: Lab) -> None:
        by = "partitioning = ARRAY['day']" if partitioned else ""
        lab.create(COLUMNS, by)
        lab.insert(FEW, MORE)
        partition = Record(19723) if partitioned else Record()
        lab.delete_equal("id", [1, 4], partition)

    return run


V3 = "format_version = 3"
TIMES = (
    "(TIMESTAMP '2024-01-01 00:30:00 Europe/Oslo')",
    "(TIMESTAMP '1969-12-31 23:59:59.999999 UTC')",
    "(TIMESTAMP '2024-01-01 12:00:00 UTC')",
    "(NULL)",
)
TEXTS = ("(U&'A\\+01F600z')", "(U&'A\\+01F600y')", "(' ')", "('ÄÖ')", "('')", "(NULL)")
CASES = (
    Case(name="under-threshold", make=_plain(FEW, MORE, WIDER), rewritten=3, margin=1),
    Case(name="at-threshold", make=_plain(FEW, MORE, WIDER), rewritten=3, margin=0),
    Case(name="over-threshold", make=_plain(FEW, MORE, WIDER), rewritten=2, margin=-1),
    Case(
        name="compacted",
        make=_then(
            _partitioned("'day'", FEW, MORE, FEW),
            "ALTER TABLE {t} EXECUTE optimize(file_size_threshold => '20kB')",
        ),
        rewritten=0,
    ),
    Case(
        name="variant",
        make=_typed(
            "id bigint, v variant",
            "'id'",
            "(1, CAST(1 AS variant))",
            "(2, NULL)",
            more=", format_version = 3",
        ),
        rewritten=4,
        since=481,
    ),
    Case(
        name="day-of-zoned-time",
        make=_typed("at timestamp(6) with time zone", "'day(at)'", *TIMES),
        rewritten=8,
    ),
    Case(
        name="hour-of-zoned-time",
        make=_typed("at timestamp(6) with time zone", "'hour(at)'", *TIMES),
        rewritten=8,
    ),
    Case(
        name="truncate-of-text", make=_typed("t varchar", "'truncate(t, 2)'", *TEXTS), rewritten=10
    ),
    Case(name="bucket-of-text", make=_typed("t varchar", "'bucket(t, 2)'", *TEXTS), rewritten=6),
    Case(name="identity-of-text", make=_typed("t varchar", "'t'", *TEXTS), rewritten=12),
    Case(
        name="truncate-of-decimal",
        make=_typed(
            "d decimal(20, 2)", "'truncate(d, 10)'", "(-0.05)", "(0.09)", "(0.10)", "(NULL)"
        ),
        rewritten=8,
    ),
    Case(
        name="nested-source",
        make=_typed(
            "o row(x integer, y varchar)", "'\"o.x\"'", "ROW(ROW(1, 'a'))", "ROW(ROW(2, 'b'))"
        ),
        rewritten=4,
    ),
    Case(name="unpartitioned", make=_plain(FEW, MORE, FEW), rewritten=3),
    Case(name="lone", make=_plain(FEW), rewritten=0),
    Case(name="empty", make=_plain(), rewritten=0),
    Case(name="emptied", make=_then(_plain(FEW), "DELETE FROM {t}"), rewritten=0),
    Case(name="large-stays", make=_plain(FEW, MORE, WIDE), rewritten=2),
    Case(name="large-and-lone", make=_plain(FEW, WIDE), rewritten=0),
    Case(name="identity", make=_partitioned("'day'", FEW, MORE, FEW), rewritten=8),
    Case(name="null-partitions", make=_partitioned("'day'", MORE, MORE), rewritten=6),
    Case(name="lone-null-partition", make=_partitioned("'day'", FEW, MORE), rewritten=4),
    Case(name="day", make=_partitioned("'day(day)'", FEW, MORE, FEW), rewritten=8),
    Case(name="month", make=_partitioned("'month(day)'", FEW, MORE), rewritten=2),
    Case(name="year", make=_partitioned("'year(day)'", FEW, MORE), rewritten=2),
    Case(name="bucket", make=_partitioned("'bucket(id, 2)'", FEW, MORE), rewritten=4),
    Case(name="truncate", make=_partitioned("'truncate(note, 1)'", FEW, MORE, FEW), rewritten=6),
    Case(name="two-fields", make=_partitioned("'day', 'bucket(id, 4)'", FEW, FEW), rewritten=6),
    Case(name="spec-added", make=_evolved("'day', 'bucket(id, 2)'", FEW), rewritten=9),
    Case(name="spec-coarser", make=_evolved("'month(day)'", FEW), rewritten=8),
    Case(
        name="spec-dropped",
        make=_then(
            _partitioned("'day'", FEW), "ALTER TABLE {t} SET PROPERTIES partitioning = ARRAY[]"
        ),
        rewritten=3,
    ),
    Case(
        name="spec-foreign-large",
        make=_then(
            _plain(WIDE),
            "ALTER TABLE {t} SET PROPERTIES partitioning = ARRAY['day']",
            "INSERT INTO {t} " + FEW,
        ),
        rewritten=0,
    ),
    Case(
        name="position-deletes",
        make=_then(
            _plain(FEW, MORE, properties="format_version = 2"), "DELETE FROM {t} WHERE id = 1"
        ),
        rewritten=2,
        removed=1,
    ),
    Case(
        name="position-deletes-on-large",
        make=_then(_plain(WIDE), "DELETE FROM {t} WHERE id = 33"),
        rewritten=1,
        removed=1,
    ),
    Case(
        name="position-deletes-on-lone",
        make=_then(_partitioned("'day'", TWO_AND_ONE), "DELETE FROM {t} WHERE id = 1"),
        rewritten=1,
        removed=1,
    ),
    Case(
        name="position-deletes-all-rows",
        make=_then(
            _plain("VALUES (1, DATE '2024-01-01', 'a'), (2, DATE '2024-01-01', 'b')"),
            "DELETE FROM {t} WHERE id + 0 = 1",
            "DELETE FROM {t} WHERE id + 0 = 2",
        ),
        rewritten=1,
        removed=2,
    ),
    Case(name="equality-deletes", make=_equality(partitioned=False), rewritten=2, removed=1),
    Case(
        name="equality-deletes-partition", make=_equality(partitioned=True), rewritten=4, removed=1
    ),
    Case(name="format-1", make=_plain(FEW, MORE, properties="format_version = 1"), rewritten=2),
    Case(name="format-3", make=_plain(FEW, MORE, properties=V3), rewritten=2, since=480),
    Case(
        name="deletion-vectors",
        make=_then(
            _plain(FEW, MORE, WIDE, properties=V3), "DELETE FROM {t} WHERE id IN (1, 4, 33)"
        ),
        rewritten=3,
        removed=3,
        since=480,
    ),
    Case(name="orc", make=_plain(FEW, MORE, WIDE, properties="format = 'ORC'"), rewritten=2),
    Case(name="avro", make=_plain(FEW, MORE, WIDE, properties="format = 'AVRO'"), rewritten=2),
    Case(
        name="mixed-formats",
        make=_then(
            _plain(FEW, properties="format = 'ORC'"),
            "ALTER TABLE {t} SET PROPERTIES format = 'PARQUET'",
            "INSERT INTO {t} " + MORE,
        ),
        rewritten=2,
    ),
    Case(name="sorted", make=_plain(FEW, MORE, properties="sorted_by = ARRAY['id']"), rewritten=2),
)
VERSIONS = {483: "stack_settings", 476: "stack_476_settings"}


@pytest.fixture(scope="module", params=sorted(VERSIONS))
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    settings: Settings = request.getfixturevalue(VERSIONS[request.param])
    made = Lab(settings)
    assert made.server.version == request.param
    yield made
    made.close()


def compare(predicted: Predicted, measured: Measured) -> None:
    chosen, outputs = predicted.selection, predicted.outputs
    assert predicted.keys(Fate.REWRITTEN) == measured.rewritten
    assert chosen.rewritten_bytes == measured.rewritten_bytes
    assert predicted.keys(Fate.REMOVED) == measured.removed_deletes
    assert measured.added_data_files in outputs.added_data_files
    assert measured.added_bytes in outputs.added_bytes
    if measured.metrics:
        assert measured.metrics == {
            "rewritten_data_files_count": chosen.rewritten_data_files,
            "removed_delete_files_count": chosen.applied_delete_files,
            "added_data_files_count": measured.added_data_files,
        }


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_prediction_is_outcome(lab: Lab, case: Case) -> None:
    if lab.server.version < case.since:
        return
    case.make(lab)
    threshold = case.threshold(lab)
    predicted = lab.predict(threshold)
    measured = lab.optimize(predicted.state, threshold)
    compare(predicted, measured)
    assert len(measured.rewritten) == case.rewritten
    assert len(measured.removed_deletes) == case.removed
    again = lab.predict(threshold)
    assert not again.worthwhile
