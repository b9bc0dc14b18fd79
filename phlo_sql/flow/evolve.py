"""`schema evolve`: read the schema and what is around it, compile what leads to the other."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.flow.edges import physical
from phlo_sql.plan import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phlo_sql.compile.evolve import EvolvePlan, Lost, Surroundings
    from phlo_sql.execute import CheckResult, StepOutcome
    from phlo_sql.flow.commands import Measure
    from phlo_sql.flow.edges import Edges
    from phlo_sql.model.intents import Evolve
    from phlo_sql.model.names import TableName
    from phlo_sql.runbook import Runbook
    from phlo_sql.schema.change import Wanted
    from phlo_sql.schema.model import TableSchema


def compile_plan(intent: Evolve, edges: Edges) -> EvolvePlan:
    """Raises PhloSqlError for whatever cannot be observed, meant or done."""
    from phlo_sql.compile.evolve import compile_evolve

    named = replace(intent, table=intent.table.within(edges.settings.trino_catalog.value))
    edges.note(f"reading the schema of {named.table}")
    # The digest first: a change in between makes the plan stale, and never a wrong one.
    digest = _digest(named.table, named.ref, edges)
    current = read_schema(named.table, named.ref, edges)
    if named.unfinished is not None:
        return _remaining(named, current, digest, edges)
    wanted = _desired(named, current)
    around = replace(_surroundings(current, wanted, digest, edges), asked=named.table)
    return compile_evolve(
        current,
        wanted,
        around,
        datetime.now(UTC),
        command_line(named),
        allow_breaking=named.allow_breaking,
    )


def _digest(table: TableName, ref: str | None, edges: Edges) -> str:
    """Where Trino has no catalog for the ref, one that is no ref at all is told as that."""
    from phlo_sql.observe.schema import columns_digest

    try:
        return columns_digest(edges.session, physical(table, ref, edges))
    except PhloSqlError as error:
        if ref is not None and error.code is Code.UNKNOWN_CATALOG:
            read_schema(table, ref, edges)
        raise


def _remaining(intent: Evolve, current: TableSchema, digest: str, edges: Edges) -> EvolvePlan:
    """The steps that a stopped run left, word for word, bound to the columns as they are now."""
    from phlo_sql import runbook
    from phlo_sql.compile.evolve import SCHEMA_UNMOVED, EvolvePlan, unmoved
    from phlo_sql.plan import Binding

    plan = runbook.read(intent.unfinished or "").plan
    left = [step for step in plan.steps if step.id not in intent.done]
    steps = []
    for number, step in enumerate(left, start=1):
        others = tuple(each for each in step.prechecks if each.name != SCHEMA_UNMOVED)
        bound = (unmoved(current, digest), *others) if number == 1 else others
        steps.append(replace(step, id=number, prechecks=bound))
    again = replace(
        plan,
        steps=tuple(steps),
        state=Binding(metadata_location=current.metadata_location, snapshot_id=current.snapshot_id),
        trino_version=edges.server(intent.table).version,
        planned_at=datetime.now(UTC).replace(microsecond=0),
        does=tuple(step.summary for step in steps),
    )
    return EvolvePlan(plan=again, differences=())


def read_schema(table: TableName, ref: str | None, edges: Edges) -> TableSchema:
    """The schema of a table at its ref, under its name in Trino.

    Raises PhloSqlError for a table, ref or catalog that isn't there or can't be read.
    """
    from phlo_sql.observe.schema import table_schema

    document, location = read_document(table, ref, edges)
    return table_schema(document, location, physical(table, ref, edges), ref)


def read_document(table: TableName, ref: str | None, edges: Edges) -> tuple[dict[str, object], str]:
    """A table's newest metadata document and its place."""
    from phlo_sql.config import catalog_properties
    from phlo_sql.observe import schema
    from phlo_sql.observe.nessie import api_of, require_ref
    from phlo_sql.observe.server import require_iceberg_table

    catalog = str(table.catalog or edges.settings.trino_catalog.value)
    if ref is not None:  # an unknown ref is told before the catalog that would show it
        properties = catalog_properties(edges.settings, catalog, ref)
        if api_of(properties) is not None:
            require_ref(properties, ref)
    shown = physical(table, ref, edges)
    require_iceberg_table(edges.session, shown)
    properties = catalog_properties(edges.settings, catalog, ref)
    return schema.read_document(edges.session, shown, properties)


def _desired(intent: Evolve, current: TableSchema) -> TableSchema:
    from phlo_sql.schema.change import desired, from_file
    from phlo_sql.schema.reading import read_file

    wanted = _wanted(intent)
    if intent.file_text is not None and intent.file is not None:
        return from_file(current, read_file(intent.file, intent.file_text), wanted)
    if not wanted:
        raise PhloSqlError(
            Code.INVALID_ARGUMENTS,
            "nothing is asked for",
            "name a change: --add-column, --drop-column, --rename, --alter-type, --from FILE …",
        )
    return desired(current, wanted)


def _wanted(intent: Evolve) -> Wanted:
    from phlo_sql.schema.change import Wanted
    from phlo_sql.schema.spelling import parse_type

    return Wanted(
        adds=tuple((path, parse_type(text)) for path, text in intent.adds),
        drops=intent.drops,
        renames=intent.renames,
        types=tuple((path, parse_type(text)) for path, text in intent.types),
        optional=intent.optional,
        comments=intent.comments,
        defaults=intent.defaults,
        table_comment=intent.table_comment,
        first=intent.first,
        after=intent.after,
    )


def _surroundings(
    current: TableSchema, wanted: TableSchema, digest: str, edges: Edges
) -> Surroundings:
    from phlo_sql.compile.evolve import Reader, Surroundings
    from phlo_sql.observe.schema import missing_types, views_reading
    from phlo_sql.schema.model import Primitive, walk

    table = current.name
    assert table is not None  # noqa: S101 - it was read under a name
    used = {
        each.type.name
        for _, each in walk(wanted.fields)
        if isinstance(each.type, Primitive) and each.type.name in ("geometry", "geography")
    }
    return Surroundings(
        server=edges.server(table),
        digest=digest,
        readers=tuple(
            Reader(name=name, kind=kind, reading=reading)
            for name, kind, reading in views_reading(edges.session, table)
        ),
        lost=_lost(current, wanted, edges),
        absent_types=missing_types(edges.session, used) if used else frozenset(),
    )


_SHOWN = 5


def _lost(current: TableSchema, wanted: TableSchema, edges: Edges) -> tuple[tuple[int, Lost], ...]:
    from phlo_sql.compile.evolve import Lost
    from phlo_sql.observe.schema import column_sizes
    from phlo_sql.schema.difference import What, differences
    from phlo_sql.schema.model import by_id

    assert current.name is not None  # noqa: S101 - it was read under a name
    fields, found = by_id(current.fields), []
    gone = [each.id for each in differences(current, wanted) if each.what is What.DROPPED]
    for each in gone if current.snapshot_id is not None else ():
        rows = column_sizes(
            edges.session, current.name, fields[each], partitioned=bool(current.partitioning)
        )
        named = tuple(partition for partition, _, _ in rows if partition)
        lost = Lost(
            files=sum(files for _, files, _ in rows),
            bytes=sum(size for _, _, size in rows),
            partitions=named[:_SHOWN],
            more=max(0, len(named) - _SHOWN),
        )
        found.append((each, lost))
    return tuple(found)


def measuring(book: Runbook, edges: Edges) -> Measure:  # noqa: ARG001 - each step has its checks
    """No figure is predicted: the checks of each step say whether it did what it should."""

    def measure(steps: Sequence[StepOutcome]) -> tuple[Prediction, tuple[CheckResult, ...]]:
        del steps
        return Prediction(), ()

    return measure


def command_line(intent: Evolve) -> str:
    """The command that makes the same plan anew."""
    from phlo_sql.schema.spelling import written

    words = ["phlo-sql", "schema", "evolve", str(intent.table)]
    if intent.ref:
        words += ["--ref", intent.ref]
    if intent.file:
        words += ["--from", intent.file]
    for flag, pairs in (
        ("--add-column", intent.adds),
        ("--rename", intent.renames),
        ("--alter-type", intent.types),
        ("--comment", intent.comments),
        ("--default", intent.defaults),
    ):
        for path, text in pairs:
            name = written((text,)) if flag == "--rename" else text
            words += [flag, f"{written(path)}:{name}"]
    for flag, paths in (
        ("--drop-column", intent.drops),
        ("--make-optional", intent.optional),
        ("--first", intent.first),
    ):
        for path in paths:
            words += [flag, written(path)]
    for path, place in intent.after:
        words += ["--after", f"{written(path)}:{written(place)}"]
    if intent.table_comment is not None:
        words += ["--table-comment", intent.table_comment]
    if intent.allow_breaking:
        words.append("--allow-breaking")
    return shlex.join(words)
