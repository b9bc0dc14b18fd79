"""`migrate detach`: look at a table and all its snapshots; afterwards, whether any file is left."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect import copying
from phlo_sql.execute import CheckResult
from phlo_sql.flow import convert
from phlo_sql.flow.edges import open_table, physical
from phlo_sql.flow.migrating import answer_of, facts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.detach import DetachPlan, Tied
    from phlo_sql.execute import StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import Detach, Migration
    from phlo_sql.model.names import TableName
    from phlo_sql.plan import Prediction
    from phlo_sql.runbook import Runbook


def compile_plan(intent: Detach, edges: Edges) -> DetachPlan:
    """Raises PhloSqlError for whatever cannot be observed, copied or proven."""
    from phlo_sql.compile.detach import compile_detach

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    edges.note(f"reading {named.table}")
    tied = _tied(named.table, named.ref, edges)
    version = edges.server(tied.name).version
    facts = facts_of("migrate detach", named.table, command_line(named), version)
    own = convert.staged(tied.name, _as_migration(named), edges)
    return compile_detach(tied, named, own, facts)


def _tied(table: TableName, ref: str | None, edges: Edges) -> Tied:
    from phlo_sql.compile.detach import Tied
    from phlo_sql.observe.history import read_history
    from phlo_sql.observe.table import observe

    opened = open_table(table, ref, edges)
    name = physical(table, ref, edges)
    return Tied(
        name=name,
        state=observe(opened, name, ref),
        history=read_history(opened, name, ref),
        created=dialect.read_create_table(answer_of(copying.show_create_table(name), edges)),
    )


def _as_migration(intent: Detach) -> Migration:
    from phlo_sql.model.migration import Migration

    return Migration(ref=intent.ref, verify=intent.verify, location=intent.location)


def measuring(book: Runbook, edges: Edges) -> Measure:
    """As for every migration, and that no snapshot of the table names a file outside of it."""
    usual = convert.measuring(book, edges)
    plan = book.plan

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        found, checks = usual(steps)
        if found.rows is None:  # the name is nobody's yet
            return found, checks
        outside = _tied(plan.table, plan.ref, edges).outside
        last = plan.steps[-1].id
        cut = CheckResult(name="files-outside", step=last, expected="0", actual=str(len(outside)))
        return replace(found, added_data_files=None), (*checks, cut)

    return measure


def command_line(intent: Detach) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "migrate", "detach", str(intent.table)]
    optional = {"--ref": intent.ref, "--verify": intent.verify, "--location": intent.location}
    for flag, value in optional.items():
        words += [flag, value] if value else []
    return shlex.join(words)
