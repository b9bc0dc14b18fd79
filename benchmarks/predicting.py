"""The prediction table: every live case, what was predicted against what the server then did."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from benchmarks.telling import doing
from phlo_sql.compile.selection import Fate
from phlo_sql.config import load
from phlo_sql.model.units import human_size
from phlo_sql.stack.clients import catalog_properties

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.servers import Lent
    from tests.live.prediction_lab import Measured, Predicted


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    predicted: Predicted
    measured: Measured

    @property
    def exact(self) -> bool:
        return (
            self.predicted.keys(Fate.REWRITTEN) == self.measured.rewritten
            and self.predicted.selection.rewritten_bytes == self.measured.rewritten_bytes
            and self.predicted.keys(Fate.REMOVED) == self.measured.removed_deletes
        )

    @property
    def within(self) -> bool:
        return self.measured.added_data_files in self.predicted.outputs.added_data_files


def measure(stack: Lent, out: Console, most: int | None) -> list[Line]:
    from tests.live.prediction_lab import Lab
    from tests.live.test_prediction import CASES

    settings = load(environ=dict(stack.env), cwd=Path(stack.folder))
    settings = replace(settings, catalogs=catalog_properties(stack.env))
    lines = []
    with closing(Lab(settings)) as lab, doing(out, "comparing predictions") as say:
        for case in [each for each in CASES if lab.server.version >= each.since][:most]:
            say(case.name)
            case.make(lab)
            threshold = case.threshold(lab)
            predicted = lab.predict(threshold)
            measured = lab.optimize(predicted.state, threshold)
            lines.append(Line(name=case.name, predicted=predicted, measured=measured))
    return lines


def show(out: Console, version: int, lines: list[Line]) -> None:
    table = Table(box=None, padding=(0, 2), show_edge=False)
    table.add_column(Text(f"case on Trino {version}", "bold"))
    for head in ("rewritten", "measured", "bytes", "measured", "deletes", "measured", "new files"):
        table.add_column(head, justify="right")
    for head in ("measured", ""):
        table.add_column(head, justify="right")
    for each in lines:
        chosen, measured = each.predicted.selection, each.measured
        good = each.exact and each.within
        table.add_row(
            each.name,
            str(chosen.rewritten_data_files),
            str(len(measured.rewritten)),
            human_size(chosen.rewritten_bytes),
            human_size(measured.rewritten_bytes),
            str(chosen.removed_delete_files),
            str(len(measured.removed_deletes)),
            str(each.predicted.outputs.added_data_files),
            str(measured.added_data_files),
            Text("exact" if good else "WRONG", "green" if good else "bold red"),
        )
    out.print()
    out.print(table)
    exact, within = sum(each.exact for each in lines), sum(each.within for each in lines)
    out.print(
        f"files and bytes exact in {exact} of {len(lines)}, new files within the range in {within}"
    )
