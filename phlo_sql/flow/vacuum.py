"""`table vacuum`: observe every ref and neighbour, compile, look again right before it runs."""

from __future__ import annotations

import shlex
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import CheckResult
from phlo_sql.flow.reclaimed import server_now
from phlo_sql.model.intents import Vacuum
from phlo_sql.model.units import parse_duration, trino_duration
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.table import Table

    from phlo_sql.compile.vacuum import Own, VacuumPlan
    from phlo_sql.compile.vacuum_union import Union
    from phlo_sql.execute import StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.runbook import Runbook

_RETENTION = "retention_threshold"
_NAMED = 3
_SOON = timedelta(seconds=10)
_NONE = "none"
_PLANNED: dict[str, Union] = {}
"""Unions of plans that this process made, by name: a plan that runs at once runs with its own."""


def compile_plan(intent: Vacuum, edges: Edges) -> VacuumPlan:
    """Raises PhloSqlError for whatever cannot be observed, proven safe, or done."""
    from phlo_sql.compile.vacuum import compile_vacuum
    from phlo_sql.flow.vacuum_seen import look

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    compiled = compile_vacuum(named, look(named, edges), command_line(named))
    if compiled.scratch is not None:
        _PLANNED[compiled.scratch.union.name] = compiled.scratch.union
    return compiled


@contextmanager
def running(book: Runbook, edges: Edges) -> Iterator[Measure]:
    """Looks at everything again, and goes on only where the same statements delete the files that
    were listed and no other. The metadata file of all refs is where it must be while the steps run.

    Raises PhloSqlError(STALE_PLAN, UNSAFE_DELETION) before anything is sent.
    """
    from phlo_sql.observe.listing import list_files

    edges.note("looking at every ref and file again")
    again = _again(book, edges)
    _refuse_other(book, again)
    table = _table(book, edges)
    before = list_files(table.io, table.location())
    with _put(again, table):
        yield _Begun(book, again, table, edges, before).measure


class _Begun:
    """The state before the first step."""

    def __init__(
        self, book: Runbook, again: VacuumPlan, table: Table, edges: Edges, before: pa.Table
    ) -> None:
        self.book, self.again, self.table, self.edges = book, again, table, edges
        self.before = before

    def measure(self, steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        from phlo_sql.observe.listing import absent, list_files

        self.edges.note("looking for every file that is alive")
        io, files = self.table.io, self.again.files
        sizes = dict(zip(files["path"].to_pylist(), files["size"].to_pylist(), strict=True))
        gone = set(absent(io, list(sizes)))
        now = set(list_files(io, self.table.location())["path"].to_pylist())
        scratch = self.again.scratch
        ours = {scratch.union.target, *scratch.left_files} if scratch is not None else set()
        more = self._old() - now - set(sizes) - ours
        alive = sorted(self._alive())
        lost = absent(io, alive)
        expired = self.again.retained
        figures = Prediction(
            deleted_files=len(gone),
            deleted_bytes=sum(sizes[path] for path in gone),
            expired_snapshots=len(expired.expired) if expired else None,
            kept_snapshots=len(expired.kept) if expired else None,
        )
        last = steps[-1].id if steps else 0
        return figures, (
            _check("live files that are there", last, lost, len(alive)),
            _check("files that went and were not listed", last, sorted(more), 0),
        )

    def _old(self) -> set[str]:
        """Files that were there and that a vacuum can take. A writer that must commit again
        deletes manifests that it wrote a moment ago (Iceberg's `cleanUncommitted`)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        young = pa.scalar(server_now(self.edges) - _intent(self.book, self.edges).older_than)
        old = self.before.filter(pc.less(self.before["modified"], young))
        return set(old["path"].to_pylist())

    def _alive(self) -> set[str]:
        """What was to stay, and what is alive now: others may have written meanwhile."""
        from phlo_sql.compile.reachable import METADATA
        from phlo_sql.flow.vacuum_seen import look

        live = self.again.live
        planned = zip(live["path"].to_pylist(), live["kind"].to_pylist(), strict=True)
        seen = look(_intent(self.book, self.edges), self.edges, alone=True)
        stay = {path for path, kind in planned if kind != METADATA}
        return stay.union(seen.live["path"].to_pylist())


def _check(name: str, step: int, wrong: Sequence[str], count: int) -> CheckResult:
    expected = f"{count:,}" if count else _NONE
    named = ", ".join(wrong[:_NAMED]) + (" …" if len(wrong) > _NAMED else "")
    actual = expected if not wrong else f"{len(wrong):,} are not as they should be: {named}"
    return CheckResult(name=name, step=step, expected=expected, actual=actual)


@contextmanager
def _put(again: VacuumPlan, table: Table) -> Iterator[None]:
    scratch = again.scratch
    if scratch is None or not (again.attachments or scratch.any_left):
        yield
        return
    with table.io.new_output(scratch.union.target).create(overwrite=True) as stream:
        stream.write(scratch.union.text.encode())
    try:
        yield
    finally:
        for path in {scratch.union.target, *scratch.left_files}:
            with suppress(FileNotFoundError):  # one that was old enough went with the orphans
                table.io.delete(path)


def _again(book: Runbook, edges: Edges) -> VacuumPlan:
    from phlo_sql.compile.vacuum import Fixed, compile_vacuum
    from phlo_sql.flow.vacuum_seen import look

    found = {
        dialect.procedure_of(step.statement): _retention(step.statement) for step in book.plan.steps
    }
    orphans = found.get("remove_orphan_files")
    fixed = Fixed(expire=found.get("expire_snapshots"), orphans=orphans, own=_own(book, edges))
    intent = _intent(book, edges)
    return compile_vacuum(
        intent, look(intent, edges, as_of=book.plan.planned_at), book.plan.command_line, fixed
    )


def _own(book: Runbook, edges: Edges) -> Own | None:
    """The union that the plan was made with: of this process, or saved beside the runbook. None
    where it isn't there any more, or what it names isn't."""
    from phlo_sql.compile.vacuum import Own
    from phlo_sql.compile.vacuum_union import union_named
    from phlo_sql.flow.vacuum_refs import names_of

    for step in book.plan.steps:
        called = dialect.read_call(step.statement)
        name = called.arguments.get("metadata_file_name") if called is not None else None
        if not isinstance(name, str):
            continue
        table = _table(book, edges)
        union = _PLANNED.get(name)
        if union is None and edges.beside is not None:
            with suppress(FileNotFoundError):
                text = (edges.beside / name).read_text(encoding="utf-8")
                union = union_named(name, f"{table.location().rstrip('/')}/metadata", text)
        names = None if union is None else names_of(union, table, book.plan.table)
        return None if union is None or names is None else Own(union=union, names=names)
    return None


def _retention(statement: dialect.Statement) -> timedelta | None:
    text = dialect.describe(statement).arguments.get(_RETENTION)
    return None if text is None else parse_duration(text)


def _intent(book: Runbook, edges: Edges) -> Vacuum:
    """What the header's command asked for; its retentions are read from the statements."""
    words = shlex.split(book.plan.command_line)
    older = words[words.index("--older-than") + 1] if "--older-than" in words else "7d"
    return Vacuum(
        table=book.plan.table.within(edges.settings.trino_catalog.value),
        ref=book.plan.ref,
        older_than=parse_duration(older),
        allow_short_retention="--allow-short-retention" in words,
    )


def _refuse_other(book: Runbook, again: VacuumPlan) -> None:
    from phlo_sql.compile.vacuum import DIGEST

    told = [line.removeprefix(DIGEST) for line in book.plan.does if line.startswith(DIGEST)]
    planned = [dialect.render(step.statement) for step in book.plan.steps]
    present = [dialect.render(step.statement) for step in again.plan.steps]
    same = told == [again.digest] or not (told or book.plan.destructive)
    if same and set(planned) <= set(present):
        _refuse_nearly_of_age(book, again)
        return
    raise PhloSqlError(
        Code.STALE_PLAN,
        f"{book.plan.table}: the files that would go are not those that were listed "
        f"({again.files.num_rows:,} now)",
        "files came of age, or came into use again: make the plan again and look at its list",
        data={"deleted_paths": again.files["path"].slice(0, 1000).to_pylist()},
    )


def _refuse_nearly_of_age(book: Runbook, again: VacuumPlan) -> None:
    """Where nothing but its age keeps a file that is not listed, that must last until the end."""
    if not again.files.num_rows or again.holds is None or again.holds > _SOON:
        return
    raise PhloSqlError(
        Code.STALE_PLAN,
        f"{book.plan.table}: a file that is not listed comes of age in "
        f"{max(0, int(again.holds.total_seconds()))} s, and would go too",
        "make the plan again: it lists what is old enough then",
    )


def _table(book: Runbook, edges: Edges) -> Table:
    from phlo_sql.flow.edges import open_table

    return open_table(book.plan.table, book.plan.ref, edges)


def command_line(intent: Vacuum) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "table", "vacuum", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    words += ["--older-than", trino_duration(intent.older_than)]
    if intent.allow_short_retention:
        words.append("--allow-short-retention")
    return shlex.join(words)
