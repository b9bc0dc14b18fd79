"""Who reads the old name reads the new table: the old one is set aside, a view takes its name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.compile.migrate import CHECKSUM_UP_TO, NOTHING
from phlo_sql.dialect import copying
from phlo_sql.plan import Binding, Check, Kind, Plan, Step, Undo

if TYPE_CHECKING:
    from phlo_sql.compile.migrate_names import Facts
    from phlo_sql.model.migration import CutOver
    from phlo_sql.model.names import TableName

_ASIDE = "_before_migration"
_WRITERS = (
    "rows written to the old table since its migration are not in the new one: stop its writers"
)
_READERS = "the view reads with the rights of whoever asks: readers need them on the new table"


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOverPlan:
    plan: Plan
    target: TableName
    lacking: tuple[str, ...]
    """Commands that give who may use the old table the same on the new one."""

    def document(self) -> dict[str, Any]:
        return {
            "aside": str(aside(self.plan.table)),
            "target": str(self.target),
            "lacking_grants": list(self.lacking),
        }


def aside(table: TableName) -> TableName:
    """What the old table is called afterwards."""
    return replace(table, name=f"{table.name}{_ASIDE}")


def is_own(tree: dialect.Statement, table: TableName) -> bool:
    """Whether a statement changes no more than the name of the table and of what was set aside."""
    renamed = copying.renaming_of(tree)
    if renamed is not None:
        return set(renamed) == {table, aside(table)}
    return dialect.target_of(tree) == table and copying.is_of_view(tree)


def compile_cut_over(
    intent: CutOver, target: TableName, facts: Facts, lacking: tuple[str, ...] = ()
) -> CutOverPlan:
    """`target` as Trino names it at its ref."""
    old, set_aside = intent.source, aside(intent.source)
    steps = (_renamed(intent, target), _view(intent, target))
    plan = Plan(
        command=facts.command,
        command_line=facts.command_line,
        table=old,
        ref=None,
        trino_version=facts.trino_version,
        state=Binding(metadata_location=NOTHING, snapshot_id=None),
        planned_at=facts.now,
        planned_by=facts.planned_by,
        does=(
            f"calls {old} {set_aside.name}",
            f"shows {target} under the old name, as a view",
        ),
        risk="between the two statements nobody finds the old name; who writes to it must write to "
        f"{target} from then on",
        steps=steps,
        warnings=(_WRITERS, _READERS, *(f"not granted yet: {each}" for each in lacking)),
    )
    return CutOverPlan(plan=plan, target=target, lacking=lacking)


def _there(name: str, table: TableName, expected: int) -> Check:
    return Check(name=name, query=copying.count_tables(table), expected=str(expected))


def _renamed(intent: CutOver, target: TableName) -> Step:
    old, set_aside = intent.source, aside(intent.source)
    reads: tuple[Check, ...] = ()
    if intent.bytes <= CHECKSUM_UP_TO:  # its rows are read, so files that moved are found missing
        query = dialect.checksums(target, intent.columns[:1])
        reads = (Check(name="new-table-reads", query=query),)
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=dialect.rename_table(old, set_aside),
        summary=f"set {old} aside as {set_aside.name}",
        why="its files stay where they are: it is an external table, or nothing reads them there",
        undo=Undo(reason="it gets its name back", statement=dialect.rename_table(set_aside, old)),
        prechecks=(_there("old", old, 1), _there("aside", set_aside, 0), *reads),
        checks=(_there("old-gone", old, 0), _there("set-aside", set_aside, 1), *reads),
    )


def _view(intent: CutOver, target: TableName) -> Step:
    old = intent.source
    return Step(
        id=2,
        kind=Kind.DDL,
        statement=copying.create_view(old, intent.columns, target),
        summary=f"show {target} as {old}",
        why="what names the old table goes on as before",
        undo=Undo(reason="the view goes", statement=copying.drop_view(old)),
        prechecks=(
            _there("name-is-free", old, 0),
            Check(name="rows-seen", query=dialect.count_rows(target)),
        ),
        checks=(Check(name="rows-seen", query=dialect.count_rows(old)),),
    )
