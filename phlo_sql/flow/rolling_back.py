"""`migrate rollback`: all that one migration made goes, and nothing else."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql import runbook as runbooks
from phlo_sql.compile.made_catalog import drops
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import taking_back
from phlo_sql.flow.migrating import (
    answer_of,
    await_stopped,
    kill,
    staging,
    still_running,
)
from phlo_sql.plan import Binding, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import Rollback
    from phlo_sql.runbook import Runbook

_GONE = Undo(reason="none: run the migration again")
OF = "of runbook "


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackPlan:
    plan: Plan
    folders: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"folders": list(self.folders)}


def compile_plan(intent: Rollback, edges: Edges) -> RollbackPlan:
    """Steps for what is there, and only that; files are counted when they go."""
    book = runbooks.read(intent.text)
    own = staging(book.plan, edges)
    steps = tuple(_steps(own, book.plan, edges))
    folders = (own.folder, own.location)
    granted = taking_back(book.plan, edges)
    if not steps and (granted or any(_files(each, book.plan, edges) for each in folders)):
        steps = (_look(own),)
    plan = Plan(
        command="migrate rollback",
        command_line=shlex.join(["phlo-sql", "migrate", "rollback", intent.operation]),
        table=intent.table,
        ref=intent.ref,
        trino_version=edges.server(own.target).version,
        state=Binding(metadata_location="none", snapshot_id=None),
        planned_at=datetime.now(UTC).replace(microsecond=0),
        planned_by=book.plan.planned_by,
        does=(
            f"takes back what {intent.operation} made, {OF}{book.digest}",
            f"deletes the files below {own.folder} and {own.location}, which it made",
            *granted,
        ),
        risk="what was written to the table since goes too; the source's files stay",
        steps=tuple(replace(step, id=number) for number, step in enumerate(steps, 1)),
    )
    return RollbackPlan(plan=plan, folders=folders)


def _steps(own: Staging, plan: Plan, edges: Edges) -> Iterator[Step]:
    for query in still_running(own, edges):
        yield Step(
            id=1,
            kind=Kind.CALL,
            statement=kill(query),
            summary=f"stop query {query}, which still runs for it",
            why="a query whose client was killed goes on, and would write behind us",
            undo=_GONE,
        )
    if _is_ours(own, edges):
        target = own.target
        names = {"schema_name": target.schema, "table_name": target.name}
        yield Step(
            id=1,
            kind=Kind.CALL,
            statement=dialect.call(str(target.catalog), "unregister_table", names),
            summary=f"take {target} out of its catalog",
            why="it touches no file, and so none of the source's",
            undo=_GONE,
            destructive=True,
        )
    yield from _old_table(own, plan, edges)
    for name in (own.hive, own.iceberg):
        if answer_of(copying.count_catalogs(name), edges) != "0":
            why = "the migration made it; its metastore is files, which go with its folder"
            yield drops(name, why, _GONE)


def _old_table(own: Staging, plan: Plan, edges: Edges) -> Iterator[Step]:
    """A table that was detached gets its name back, and its place in the catalog where it was
    forgotten there already."""
    aside = next(
        (each for each in plan.steps if copying.renaming_of(each.statement) is not None), None
    )
    if aside is None or aside.undo.statement is None:
        return
    there = answer_of(copying.count_tables(own.before), edges) != "0"
    taken = answer_of(copying.count_tables(own.target), edges) != "0"
    if not there and taken and not _is_ours(own, edges):
        return  # it was never set aside
    if not there:
        shown = plan.steps[-1].undo.statement
        assert shown is not None  # noqa: S101 - the compiler of the command writes it
        yield Step(
            id=1,
            kind=Kind.CALL,
            statement=shown,
            summary=f"show the old table again, as {own.before.name}",
            why="its metadata and files are as they were",
            undo=_GONE,
        )
    yield Step(
        id=1,
        kind=Kind.DDL,
        statement=aside.undo.statement,
        summary=f"give it the name {own.target.name} back",
        why="it is the table that had it",
        undo=_GONE,
        late=True,
    )


def _look(own: Staging) -> Step:
    """Nothing but files or grants is left: the plan still has a step, so that they go after a
    yes."""
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=dialect.drop_catalog(own.hive, if_exists=True),
        summary="nothing of it is on the server; the rest goes",
        why="a run that was killed left them",
        undo=_GONE,
    )


def _is_ours(own: Staging, edges: Edges) -> bool:
    """Whether the table of that name is the one that was registered, and no later one."""
    if answer_of(copying.count_tables(own.target), edges) == "0":
        return False
    try:
        found = answer_of(dialect.latest_metadata(own.target), edges)
    except PhloSqlError as error:
        if error.code in (Code.NOT_ICEBERG, Code.UNKNOWN_TABLE):
            return False
        raise
    return found.startswith(f"{own.location.rstrip('/')}/")


def _files(folder: str, plan: Plan, edges: Edges) -> int:
    from pyiceberg.io.pyarrow import PyArrowFileIO

    from phlo_sql.flow.edges import file_properties
    from phlo_sql.observe.listing import list_files

    io = PyArrowFileIO(file_properties(plan.table, plan.ref, edges))
    return int(list_files(io, folder).num_rows)


def measuring(book: Runbook, edges: Edges) -> Measure:
    """The files go after the last statement, when nothing can write any more."""

    def measure(_steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        from phlo_sql.flow.sweeping import sweep

        original = _original(book, edges)
        own = staging(original.plan, edges)
        await_stopped(own, edges)
        gone = sweep(own.folder, original.plan, edges) + sweep(own.location, original.plan, edges)
        edges.note(f"{gone:,} files of the migration are deleted")
        return Prediction(deleted_files=gone), ()

    return measure


def _original(book: Runbook, edges: Edges) -> Runbook:
    """The runbook that is taken back, as the journal kept it. Raises NOTHING_RECORDED."""
    from phlo_sql.audit.journal import kept

    digest = book.plan.does[0].rpartition(OF)[2]
    path = kept(edges.history, digest) if edges.history is not None else None
    if path is None or not path.exists():
        raise PhloSqlError(
            Code.NOTHING_RECORDED,
            "the journal does not keep the runbook that is to be taken back",
            "run it on the machine, and as the user, that ran the migration",
        )
    return runbooks.read(path.read_text(encoding="utf-8"))
