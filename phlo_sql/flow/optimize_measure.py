"""What the commits of an optimize did: the files of each snapshot against its parent's.

Trino writes its query id into a snapshot's summary, so a commit of somebody else is told apart.
Where a catalog shows only the current snapshot (Nessie), all steps are seen as one change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phlo_sql import dialect, verify
from phlo_sql.execute import CheckResult
from phlo_sql.execute.steps import answer_of, compared
from phlo_sql.flow.edges import open_table
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

    from phlo_sql.execute import StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.state import Inventory
    from phlo_sql.runbook import Runbook

_FILE_BY_FILE = 8
"""Commits up to which every inventory is compared. Beyond, Iceberg's own summaries are added up."""
_REWRITTEN, _ADDED = "rewritten_data_files_count", "added_data_files_count"
_DATA_FIGURES = {
    "rewritten_data_files": "deleted-data-files",
    "removed_delete_files": "removed-delete-files",
    "added_data_files": "added-data-files",
    "added_bytes": "added-files-size",
}


def measuring(book: Runbook, edges: Edges) -> Measure:
    """Compares the files of each snapshot that the steps made with its parent's."""
    from phlo_sql.observe.files import read_inventory

    table, fresh = open_table(book.plan.table, book.plan.ref, edges), edges.fresh
    known = None
    if fresh is not None and fresh.metadata_location == table.metadata_location:
        known = fresh.inventory
    begun = _Begun(
        book=book,
        edges=edges,
        table=table,
        inventory=read_inventory(table) if known is None else known,
        snapshot_id=table.metadata.current_snapshot_id,
        sequence=_sequence(table),
    )
    return begun.measure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """The table as it was before the first step."""

    book: Runbook
    edges: Edges
    table: Table
    inventory: Inventory
    snapshot_id: int | None
    sequence: int

    def measure(self, steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        from phlo_sql.observe.files import read_inventory

        self.table.refresh()
        snapshots = {each.snapshot_id: each for each in self.table.metadata.snapshots}
        if self.snapshot_id in snapshots:
            line = self._line(snapshots)
            queries = {step.query_id for step in steps}
            mine = [each for each in line if _query(each) in queries]
            others = len(line) - len(mine)
            figures = self._added_up(mine, snapshots)
            lost = [self._lost(each, snapshots, steps) for each in mine]
        else:
            mine, lost = [], []
            written = _sequence(self.table) - self.sequence
            others = max(0, written - sum(_commits(self.book, step) for step in steps))
            figures = self._as_one(steps)
            if not others:
                now = read_inventory(self.table)
                lost = [verify.recorded_rows(self.inventory, now, steps[0].id if steps else 0)]
        checks = [
            found
            for step in steps
            for check in step.checks
            if not check.ok and (found := self._overruled(check, step, mine)) is not None
        ]
        checks += [each for each in lost if each is not None]
        return figures, (*self._moved(others), *checks)

    def _lost(
        self, snapshot: Snapshot, snapshots: dict[int, Snapshot], steps: Sequence[StepOutcome]
    ) -> CheckResult | None:
        """A rewriting that applies no deletes adds as many rows as it takes away. The server counts
        both in the files as they are, and Iceberg adds up what their metadata says."""
        if _summary(snapshot, "added-records") == _summary(snapshot, "deleted-records"):
            return None
        step = next(each.id for each in steps if each.query_id == _query(snapshot))
        return verify.recorded_rows(*self._around(snapshot, snapshots), step)

    def _line(self, snapshots: dict[int, Snapshot]) -> list[Snapshot]:
        """Snapshots since the first step, oldest first."""
        found = []
        at = self.table.metadata.current_snapshot_id
        while at is not None and at != self.snapshot_id and at in snapshots:
            found.append(snapshots[at])
            at = snapshots[at].parent_snapshot_id
        return found[::-1]

    def _moved(self, others: int) -> tuple[CheckResult, ...]:
        before = self.book.plan.state.snapshot_id != self.snapshot_id
        if not others and not before:
            return ()
        when = "since it was planned" if before else f"{others} times while it was optimized"
        told = f"others wrote to the table {when}: it was not the one that was predicted"
        return (CheckResult(name=verify.MOVED, step=0, expected="", actual=told),)

    def _added_up(self, mine: list[Snapshot], snapshots: dict[int, Snapshot]) -> Prediction:
        if not mine:
            return verify.changes(self.inventory, self.inventory)
        if len(mine) > _FILE_BY_FILE:
            return self._summaries(mine)
        parts = [self._of_one(each, snapshots) for each in mine]
        totals = [dict(part.items()) for part in parts]
        return Prediction(
            **{name: sum(_number(part[name]) for part in totals) for name in totals[0]}
        )

    def _of_one(self, snapshot: Snapshot, snapshots: dict[int, Snapshot]) -> Prediction:
        return verify.changes(*self._around(snapshot, snapshots))

    def _around(
        self, snapshot: Snapshot, snapshots: dict[int, Snapshot]
    ) -> tuple[Inventory, Inventory]:
        """The files before a commit, and after it."""
        from phlo_sql.observe.files import read_inventory

        parent = snapshot.parent_snapshot_id
        if parent is None or parent == self.snapshot_id or parent not in snapshots:
            start = self.inventory
        else:
            start = read_inventory(self.table, snapshot_id=parent)
        return start, read_inventory(self.table, snapshot_id=snapshot.snapshot_id)

    def _summaries(self, mine: list[Snapshot]) -> Prediction:
        """`removed-files-size` counts delete files too; what those weighed is seen in what the
        first and the last inventory differ by, because an optimize writes none."""
        from phlo_sql.observe.files import read_inventory

        after = read_inventory(self.table, snapshot_id=mine[-1].snapshot_id)
        figures = {
            name: sum(_summary(each, key) for each in mine) for name, key in _DATA_FIGURES.items()
        }
        removed = sum(_summary(each, "removed-files-size") for each in mine)
        return Prediction(
            **figures, rewritten_bytes=removed - verify.deletes_gone(self.inventory, after)
        )

    def _as_one(self, steps: Sequence[StepOutcome]) -> Prediction:
        """A file that one step wrote and a later one joined is not seen: then only what the server
        itself counted is told."""
        from phlo_sql.observe.files import read_inventory

        independent = {step.id for step in self.book.plan.steps if step.independent}
        commits = [
            step
            for step in steps
            if _commits(self.book, step) and (not step.metrics or _REWRITTEN in step.metrics)
        ]
        figures = verify.changes(self.inventory, read_inventory(self.table))
        if len(commits) < 2 or all(step.id in independent for step in commits):
            return figures
        if not all(step.metrics for step in commits):  # up to 480 the server counts nothing
            return Prediction(removed_delete_files=figures.removed_delete_files)
        return Prediction(
            rewritten_data_files=sum(step.metrics[_REWRITTEN] for step in commits),
            removed_delete_files=figures.removed_delete_files,
            added_data_files=sum(step.metrics[_ADDED] for step in commits),
        )

    def _overruled(
        self, check: CheckResult, step: StepOutcome, mine: list[Snapshot]
    ) -> CheckResult | None:
        """A check that does not agree is asked again of the very snapshots that the steps made and
        of those before them: where they agree, it was another writer who changed the rows."""
        query = next(
            each.query
            for planned in self.book.plan.steps
            if planned.id == step.id
            for each in planned.checks
            if each.name == check.name
        )
        whole = check.name.startswith("all-")
        asked = [each for each in mine if whole or _query(each) == step.query_id]
        asked = [each for each in asked if each.parent_snapshot_id is not None]
        if not asked:
            return None
        for snapshot in asked:
            self.edges.note(f"asking snapshot {snapshot.snapshot_id} and the one before it")
            was, now = (
                answer_of(self.edges.session.query(dialect.as_of(query, version)))
                for version in (snapshot.parent_snapshot_id or 0, snapshot.snapshot_id)
            )
            found = compared(check.name, step.id, was, now)
            if not found.ok:
                return found
        return found


def _sequence(table: Table) -> int:
    """Commits so far; a table of format 1 doesn't count them."""
    return int(getattr(table.metadata, "last_sequence_number", 0))


def _query(snapshot: Snapshot) -> str | None:
    summary = snapshot.summary
    return None if summary is None else summary.additional_properties.get("trino_query_id")


def _summary(snapshot: Snapshot, key: str) -> int:
    summary = snapshot.summary
    return 0 if summary is None else int(summary.additional_properties.get(key) or 0)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _commits(book: Runbook, step: StepOutcome) -> bool:
    """Whether the step writes a snapshot."""
    found = next(each for each in book.plan.steps if each.id == step.id)
    return found.kind.value == "procedure"
