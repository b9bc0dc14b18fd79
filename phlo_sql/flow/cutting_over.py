"""`--cut-over`: the plan that gives a migrated table its source's name, reviewed by itself."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.edges import physical
from phlo_sql.flow.migrating import answer_of, facts_of
from phlo_sql.model.names import TableName
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
    shows = copying.count_named(
        TableName(catalog="system", schema="metadata", name="catalogs"),
        {"catalog_name": str(source.catalog), "connector_name": "hive"},
    )
    is_hive = answer_of(shows, edges) == "1"
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
    return compile_cut_over(intent, target, facts, _lacking(intent, edges))


def _lacking(intent: CutOver, edges: Edges) -> tuple[str, ...]:
    """Commands for the grants that readers of the old table have, and on the new one not."""
    from phlo_sql.access import carried, guard

    grants = guard.policies(edges.settings)
    if grants is None:
        return ()
    found = carried.lacking(
        grants,
        guard.physical(edges.settings, intent.source, None),
        guard.physical(edges.settings, intent.target, intent.ref),
        datetime.now(UTC),
        edges.settings,
    )
    named = f"{intent.target}@{intent.ref}" if intent.ref else str(intent.target)
    words = ("phlo-sql", "access", "grant")
    return tuple(
        shlex.join([*words, f"--{who.kind}", who.name, "--role", str(role), named])
        for who, role in found
    )


def measuring(book: Runbook, edges: Edges) -> Measure:  # noqa: ARG001 - one signature for all
    """Its steps have checks of their own; it predicts no figures."""

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:  # noqa: ARG001
        return Prediction(), ()

    return measure
