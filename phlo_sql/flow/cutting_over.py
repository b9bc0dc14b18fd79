"""`--cut-over`: the plan that gives a migrated table its source's name, reviewed by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phlo_sql.access.carried import command
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import lacking
from phlo_sql.flow.edges import physical
from phlo_sql.flow.migrating import answer_of, facts_of
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.cut_over import CutOverPlan
    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import CutOver
    from phlo_sql.runbook import Runbook

COMMAND = "migrate cut-over"


def compile_plan(intent: CutOver, edges: Edges) -> CutOverPlan:
    """Raises PhloSqlError where one of the two tables is not there, or its files would move."""
    from phlo_sql.compile.cut_over import compile_cut_over

    source = intent.source
    target = physical(intent.target, intent.ref, edges)
    is_hive = answer_of(copying.count_catalogs(str(source.catalog), "hive"), edges) == "1"
    if not is_hive or answer_of(copying.count_tables(source), edges) != "1":
        raise PhloSqlError(
            Code.UNKNOWN_TABLE,
            f"no Hive catalog of Trino shows {source}",
            "name the catalog that shows the metastore: --source-catalog NAME",
        )
    files = answer_of(copying.count_files(target), edges)
    apart = answer_of(copying.count_outside(target, intent.location), edges)
    if intent.managed and files != apart:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"{source} is a managed table: to rename it moves its files, which {target} reads",
            f"give {target} its own first: phlo-sql migrate detach {target}",
        )
    facts = facts_of(COMMAND, source, intent.command_line, edges.server(target).version)
    found = lacking(source, intent.target, intent.ref, edges)
    return compile_cut_over(intent, target, facts, tuple(map(command, found)))


def measuring(book: Runbook, edges: Edges) -> Measure:  # noqa: ARG001 - one signature for all
    """Its steps have checks of their own; it predicts no figures."""

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:  # noqa: ARG001
        return Prediction(), ()

    return measure
