"""Prediction against outcome: what a commit really did, from the files before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.execute.steps import compared
from phlo_sql.model.state import DATA
from phlo_sql.model.units import Range, between
from phlo_sql.plan import Measure, Prediction, measure_document

if TYPE_CHECKING:
    from phlo_sql.execute import CheckResult, Ran
    from phlo_sql.model.state import Inventory
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One predicted figure against its measured one."""

    name: str
    predicted: Measure
    measured: int

    @property
    def exact(self) -> bool:
        """An exact figure must agree. A range is an estimate of what compression leaves: outside
        of it is worth a warning, but says nothing against the outcome."""
        return not isinstance(self.predicted, Range)

    @property
    def ok(self) -> bool:
        if isinstance(self.predicted, Range):
            return self.measured in self.predicted
        return self.measured == self.predicted

    @property
    def line(self) -> str:
        return f"{self.name}: predicted {self.predicted}, measured {self.measured}"

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": measure_document(self.predicted),
            "actual": self.measured,
            "ok": self.ok,
        }


def changes(before: Inventory, after: Inventory) -> Prediction:
    """What lies between two inventories, in the names of a prediction; files are known by path,
    and deletion vectors, which share a Puffin file, by path and offset."""
    gone, come = _minus(before.files, after.files), _minus(after.files, before.files)
    data_gone, data_come = _of_data(gone), _of_data(come)
    return Prediction(
        rewritten_data_files=data_gone.num_rows,
        rewritten_bytes=_sum(data_gone, "size"),
        removed_delete_files=gone.num_rows - data_gone.num_rows,
        added_data_files=data_come.num_rows,
        added_bytes=_sum(data_come, "size"),
    )


def deletes_gone(before: Inventory, after: Inventory) -> int:
    """Bytes of delete files that are no longer there."""
    gone = _minus(before.files, after.files)
    return _sum(gone, "size") - _sum(_of_data(gone), "size")


MOVED = "moved"
"""A check of this name tells that others wrote to the table while the steps ran."""


def expected_of(book: Runbook, ran: Ran) -> Prediction:
    """What the steps that ran were to do: the plan's own figures where all ran as planned."""
    if not ran.failed and not ran.left and all(step.replanned is None for step in ran.steps):
        return book.plan.predicts
    predicts = {step.id: step.predicts for step in book.plan.steps}
    total: dict[str, Measure] = {}
    for outcome in ran.steps:
        for name, value in (outcome.replanned or predicts[outcome.id]).items():
            total[name] = _added(total.get(name, 0), value)
    return Prediction(**total)


def _added(left: Measure, right: Measure) -> Measure:
    lows = [each.low if isinstance(each, Range) else each for each in (left, right)]
    highs = [each.high if isinstance(each, Range) else each for each in (left, right)]
    return between(sum(lows), sum(highs))


def judge(predicted: Prediction, measured: Prediction) -> tuple[Verdict, ...]:
    """Every figure that was both predicted and measured."""
    actual = dict(measured.items())
    found = ((name, value, actual.get(name)) for name, value in predicted.items())
    return tuple(
        Verdict(name=name, predicted=value, measured=measured)
        for name, value, measured in found
        if isinstance(measured, int)
    )


def live_rows(inventory: Inventory) -> int | None:
    """Rows that a scan returns, where metadata alone tells: none while delete files stand."""
    data = _of_data(inventory.files)
    return _sum(data, "rows") if data.num_rows == inventory.files.num_rows else None


def recorded_rows(before: Inventory, after: Inventory, step: int) -> CheckResult | None:
    """Rows per partition as metadata has them, where they differ: the server copied other rows than
    the files were said to hold. None where they are alike, or where delete files stand."""
    if live_rows(before) is None or live_rows(after) is None:
        return None
    found = compared("recorded-rows", step, _rows_told(before), _rows_told(after))
    return None if found.ok else found


def _rows_told(inventory: Inventory) -> str:
    """One line per partition; one in all where there are none, or where older specs are left."""
    specs = {each.spec_id for each in inventory.partitions}
    sums = inventory.files.group_by("partition").aggregate([("rows", "sum")]).to_pylist()
    if len(specs) != 1:
        return str(sum(row["rows_sum"] for row in sums))
    lines = []
    for row in sums:
        values = inventory.partitions[row["partition"]].values
        lines.append(" | ".join([*(str(value) for value in values), str(row["rows_sum"])]))
    return "\n".join(sorted(lines))


def failures(checks: list[CheckResult], verdicts: tuple[Verdict, ...]) -> list[str]:
    """One line for each check or figure that does not agree."""
    lines = [
        f"check {check.name} of step {check.step}: expected {check.expected}, found {check.actual}"
        for check in checks
        if not check.ok
    ]
    return lines + [verdict.line for verdict in verdicts if verdict.exact and not verdict.ok]


def _minus(left: pa.Table, right: pa.Table) -> pa.Table:

    return left.filter(pc.invert(pc.is_in(_keys(left), value_set=_keys(right).combine_chunks())))


def _keys(files: pa.Table) -> pa.ChunkedArray:

    if not files.num_rows:
        return pa.chunked_array([[]], type=pa.string())
    offset = pc.fill_null(files["content_offset"], -1).cast(pa.string())
    return pc.binary_join_element_wise(files["path"].cast(pa.string()), offset, "\n")


def _of_data(files: pa.Table) -> pa.Table:

    return files.filter(pc.equal(files["content"], DATA))


def _sum(files: pa.Table, column: str) -> int:

    return int(pc.sum(files[column]).as_py() or 0)
