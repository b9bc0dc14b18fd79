"""Plan, apply, verify: the only module that sees every edge."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_never

from phlo_sql import runbook as runbooks
from phlo_sql import verify
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.execute import CheckResult, StepOutcome, Watch, execute, preflight
from phlo_sql.model.intents import Intent, Optimize
from phlo_sql.model.units import trino_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyiceberg.table import Table

    from phlo_sql.audit.journal import Journal
    from phlo_sql.compile.optimize import Compiled
    from phlo_sql.config import Settings
    from phlo_sql.model.names import TableName
    from phlo_sql.model.state import Inventory, TableState
    from phlo_sql.observe.trino import TrinoSession
    from phlo_sql.plan import Prediction
    from phlo_sql.runbook import Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as its runbook, and what a dry run shows beside it."""

    runbook: Runbook
    details: Compiled
    state: TableState


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a run did: each step's outcome, the checks, and prediction against outcome."""

    runbook: Runbook
    steps: tuple[StepOutcome, ...]
    measured: Prediction
    verdicts: tuple[verify.Verdict, ...]

    @property
    def checks(self) -> list[CheckResult]:
        return [check for step in self.steps for check in step.checks]

    @property
    def failures(self) -> list[str]:
        return verify.failures(self.checks, self.verdicts)

    @property
    def surprises(self) -> list[str]:
        """Estimated numbers of files that the outcome lies outside of."""
        found = (each for each in self.verdicts if not each.ok and not each.exact)
        return [each.line for each in found if not each.name.endswith("_bytes")]


def plan(
    intent: Intent, settings: Settings, session: TrinoSession, note: Callable[[str], None]
) -> Planned:
    """Observe the table and compile the intent; every procedure is planned by the server too.

    Raises PhloSqlError for whatever cannot be observed, predicted or done.
    """
    from phlo_sql.compile.optimize import compile_optimize
    from phlo_sql.observe.server import read_server

    named = replace(intent, table=intent.table.within(settings.trino_catalog.value))
    note(f"reading {named.table}")
    state = observe(named.table, named.ref, settings, session)
    server = read_server(session, str(state.table.catalog))
    match named:
        case Optimize():
            line = command_line(named)
            compiled = compile_optimize(named, state, server, datetime.now(UTC), line)
        case _ as never:
            assert_never(never)
    book = runbooks.write(compiled.plan)
    preflight(book, session)
    return Planned(runbook=book, details=compiled, state=state)


def apply(
    text: str,
    settings: Settings,
    session: TrinoSession,
    journal: Journal,
    watch: Watch,
    *,
    accept_drift: bool = False,
) -> Applied:
    """Run a runbook from its text, then compare what happened with what it predicted.

    Raises PhloSqlError; a mismatch is not raised but told in `Applied.failures`.
    """
    from phlo_sql.observe.files import read_inventory

    book = runbooks.read(text)
    _refuse_other_server(book, session)
    table = _open(book.plan.table, book.plan.ref, settings, session)
    before = read_inventory(table)
    steps = execute(book, session, journal, watch, accept_drift=accept_drift)
    watch.note("comparing what happened with what was predicted")
    measured = _measure(table, {step.query_id for step in steps}, before)
    verdicts = verify.judge(book.plan.predicts, measured)
    journal.write("verified", figures=[verdict.document() for verdict in verdicts])
    return Applied(runbook=book, steps=steps, measured=measured, verdicts=verdicts)


def physical(table: TableName, ref: str | None, settings: Settings) -> TableName:
    """The table under the Trino catalog that shows its ref."""
    from phlo_sql.config import trino_catalog

    return replace(table, catalog=trino_catalog(settings, ref, table.catalog))


def observe(
    table: TableName, ref: str | None, settings: Settings, session: TrinoSession
) -> TableState:
    """The table's state at its ref, through PyIceberg, under its name in Trino."""
    from phlo_sql.observe.table import observe as read

    named = physical(table, ref, settings)
    return read(_open(table, ref, settings, session), named, ref)


def command_line(intent: Intent) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "table", "optimize", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    if intent.target_file_size:
        words += ["--target-file-size", trino_size(intent.target_file_size)]
    if intent.verify != "count":
        words += ["--verify", intent.verify]
    return shlex.join(words)


def _open(table: TableName, ref: str | None, settings: Settings, session: TrinoSession) -> Table:
    """PyIceberg's table, once Trino has said that it is one."""
    from phlo_sql.config import catalog_properties
    from phlo_sql.observe.catalog import load_table, open_catalog
    from phlo_sql.observe.nessie import api_of, require_ref
    from phlo_sql.observe.server import require_iceberg_table

    catalog = table.catalog or settings.trino_catalog.value
    if ref is not None:  # an unknown ref is told before the catalog that would show it
        properties = catalog_properties(settings, catalog, ref)
        if api_of(properties) is not None:
            require_ref(properties, ref)
    require_iceberg_table(session, physical(table, ref, settings))
    return load_table(open_catalog(catalog, catalog_properties(settings, catalog, ref)), table)


def _refuse_other_server(book: Runbook, session: TrinoSession) -> None:
    from phlo_sql.observe.server import read_server

    found = read_server(session, book.plan.table.catalog).version
    if found != book.plan.trino_version:
        raise PhloSqlError(
            Code.STALE_PLAN,
            f"the runbook was made for Trino {book.plan.trino_version}, this server is {found}",
            "make the plan again on this server with the command in the runbook's header",
        )


def _measure(table: Table, queries: set[str], before: Inventory) -> Prediction:
    """What the commits of these queries did: the files of each snapshot against its parent's.

    Trino writes its query id into a snapshot's summary, so a commit of somebody else is told
    apart. Where a catalog shows only the current snapshot (Nessie), that one is taken.
    """
    from phlo_sql.observe.files import read_inventory

    table.refresh()
    snapshots = {each.snapshot_id: each for each in table.metadata.snapshots}
    for snapshot in snapshots.values():
        summary = snapshot.summary
        if summary is None or summary.additional_properties.get("trino_query_id") not in queries:
            continue
        parent = snapshot.parent_snapshot_id
        start = read_inventory(table, snapshot_id=parent) if parent in snapshots else before
        return verify.changes(start, read_inventory(table, snapshot_id=snapshot.snapshot_id))
    return verify.changes(before, read_inventory(table))
