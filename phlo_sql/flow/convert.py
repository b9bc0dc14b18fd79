"""`migrate convert`, and each table of a metastore: look at the source, stage it, register it."""

from __future__ import annotations

import secrets
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.carrying import carrying
from phlo_sql.flow.edges import file_properties, physical
from phlo_sql.flow.migrating import answer_of, facts_of, staging
from phlo_sql.flow.sources import completed
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.migrate import MigratePlan
    from phlo_sql.compile.migrate_names import Staging
    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.migration import Convert, FromTable, Migration, SourceTable
    from phlo_sql.model.names import TableName
    from phlo_sql.runbook import Runbook

_SECRET = ("key", "secret", "token", "password", "credential")


def compile_plan(intent: Convert | FromTable, edges: Edges) -> MigratePlan:
    """Raises PhloSqlError for whatever cannot be observed, brought over or proven."""
    from phlo_sql.model.migration import FromTable
    from phlo_sql.observe.data_files import read_source

    target = physical(intent.table, intent.ref, edges)
    require_absent(target, edges)
    own = staged(target, intent, edges)
    if isinstance(intent, FromTable):  # its reader has looked at the source
        command = f"migrate from-{intent.source.kind.value}"
        source = completed(intent, edges)
        made = compiled(source, intent, own, edges, command, intent.command_line)
        return replace(made, plan=carrying(intent, made.plan, edges))
    edges.note(f"reading the files of {intent.path}")
    properties = file_properties(intent.table, intent.ref, edges)
    source = read_source(intent.path, intent.format, properties)
    return compiled(source, intent, own, edges, "migrate convert", command_line(intent))


def compiled(
    source: SourceTable,
    intent: Convert | FromTable,
    own: Staging,
    edges: Edges,
    command: str,
    made_by: str,
) -> MigratePlan:
    from phlo_sql.compile.migrate import compile_migration

    table = intent.table.within(edges.settings.trino_catalog.value)
    facts = facts_of(command, table, made_by, edges.server(own.target).version)
    return compile_migration(source, intent, own, facts)


def require_absent(target: TableName, edges: Edges) -> None:
    """Raises PhloSqlError(TARGET_EXISTS)."""
    if answer_of(copying.count_tables(target), edges) != "0":
        raise PhloSqlError(
            Code.TARGET_EXISTS,
            f"{target} exists already",
            "name another table, or leave it alone with --if-exists skip",
        )


def staged(target: TableName, intent: Migration, edges: Edges) -> Staging:
    """Names for this run. Raises PhloSqlError where a setting lacks, or the schema."""
    from phlo_sql.compile.migrate_names import Staging

    storage, scratch = edges.settings.migrate_storage.value, edges.settings.migrate_scratch.value
    if not storage or not scratch:
        raise PhloSqlError(
            Code.MISSING_SETTING,
            "nothing says how a migration's scratch catalogs reach the storage",
            "set PHLO_SQL_MIGRATE_STORAGE (file systems, as Trino's catalog properties spell them; "
            "secrets as ${ENV:NAME}) and PHLO_SQL_MIGRATE_SCRATCH (a folder of their own)",
        )
    for name, value in storage.items():
        if any(word in name for word in _SECRET) and not value.startswith("${"):
            raise PhloSqlError(
                Code.BAD_SETTING,
                f"migrate_storage: {name} holds a secret, which would stand in a runbook",
                "write it as ${ENV:NAME}: Trino takes it from its own environment",
            )
    token = secrets.token_hex(6)
    return Staging(
        run=token,
        target=target,
        location=(intent.location or f"{_schema_location(target, edges)}/{target.name}-{token}"),
        folder=f"{scratch.rstrip('/')}/{token}",
        storage=storage,
    )


def _schema_location(target: TableName, edges: Edges) -> str:
    answer = answer_of(copying.show_create_schema(str(target.catalog), target.schema), edges)
    location = copying.schema_location(answer)
    if location is None:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"the catalog does not say where tables of {target.schema} lie",
            "say it with --location",
        )
    return location.rstrip("/")


def measuring(book: Runbook, edges: Edges) -> Measure:
    """Afterwards the rows that the table has, under its final name; the scratch folder goes."""
    from phlo_sql import runbook as runbooks
    from phlo_sql.flow.sweeping import sweep

    whole = book.plan
    if len(whole.steps) < len(runbooks.outline(book.text).steps):  # a run that goes on has the rest
        whole = runbooks.read(book.text).plan
    own = staging(whole, edges)

    def measure(_steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        if answer_of(copying.count_tables(own.target), edges) == "0":
            return Prediction(), ()
        rows = int(answer_of(dialect.count_rows(own.target), edges))
        files = int(answer_of(copying.count_files(own.target), edges))
        if answer_of(copying.count_catalogs(own.iceberg), edges) == "0":
            sweep(own.folder, whole, edges)
        return Prediction(rows=rows, added_data_files=files), ()

    return measure


def command_line(intent: Convert) -> str:
    """The command that makes the same plan anew."""
    words = ["phlo-sql", "migrate", "convert", intent.path, "--format", intent.format]
    words += ["--table", str(intent.table)]
    optional = {"--ref": intent.ref, "--verify": intent.verify, "--location": intent.location}
    if intent.mode != "auto":
        words += ["--mode", intent.mode]
    for flag, value in optional.items():
        words += [flag, value] if value else []
    for each in intent.partition_by or ():
        words += ["--partition-by", each]
    return shlex.join(words)
