"""`schema evolve`: from the schema that is to the one that is wanted, and whom that breaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.compile.evolve_names import WHOLE_CONTAINERS, whole_fails
from phlo_sql.compile.evolve_steps import Steps
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size
from phlo_sql.plan import Binding, Check, Plan
from phlo_sql.schema import spelling
from phlo_sql.schema.difference import Difference, Effect, What, differences
from phlo_sql.schema.model import Primitive, by_id, children, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from phlo_sql.model.names import TableName
    from phlo_sql.model.server import Server
    from phlo_sql.plan import Step
    from phlo_sql.schema.model import Field, TableSchema

COMMAND = "schema evolve"
SCHEMA_UNMOVED = "schema-unmoved"
"""The precheck that binds a plan to columns, not to files: writers go on meanwhile."""
_PARTITIONING_FIXED = 480
_DEFAULTS = 480
_FORMAT_3 = 480
_DEFAULT_FORMAT = 3
_THROUGH_TYPES = frozenset({What.ADDED, What.DROPPED, What.TYPE, What.ORDER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A view or materialized view that reads the table."""

    name: str
    kind: str
    reading: dialect.Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What becomes unreadable with a column that is dropped."""

    files: int
    bytes: int
    partitions: tuple[str, ...] = ()
    more: int = 0

    @property
    def line(self) -> str:
        where = f" in {', '.join(self.partitions)}" if self.partitions else ""
        more = f" and {self.more} more partitions" if self.more else ""
        return f"{human_size(self.bytes)} in {self.files:,} files{where}{more} become unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What was observed around the table: who reads it, and the columns' digest."""

    server: Server
    digest: str
    asked: TableName | None = None
    """The table as it was named; at another ref than main it has another name in Trino."""
    readers: tuple[Reader, ...] = ()
    lost: tuple[tuple[int, Lost], ...] = ()
    """By the id of the field that is dropped."""
    absent_types: frozenset[str] = frozenset()
    """Iceberg's names of types that this server has no plugin for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolvePlan:
    plan: Plan
    differences: tuple[Difference, ...]
    lost: tuple[tuple[int, Lost], ...] = ()

    def document(self) -> dict[str, Any]:
        return {"differences": [each.document() for each in self.differences]}


def compile_evolve(
    current: TableSchema,
    desired: TableSchema,
    around: Surroundings,
    now: datetime,
    command_line: str,
    *,
    allow_breaking: bool,
) -> EvolvePlan:
    """The plan; no steps where nothing differs.

    Raises PhloSqlError(IMPOSSIBLE_CHANGE), or BREAKING_CHANGE where that is not allowed.
    """
    found = judge(differences(current, desired), current, desired, around)
    _refuse(found, allow_breaking=allow_breaking)
    ordered = tuple(each for each in found if each.effect is not Effect.IMPOSSIBLE)
    assert current.name is not None  # noqa: S101 - it was read under a name
    steps = Steps(current, desired, current.name, around.server.version).made()
    if steps:
        first = replace(steps[0], prechecks=(unmoved(current, around.digest),))
        steps = (first, *steps[1:])
    lost = dict(around.lost)
    warnings = [each.why for each in found if each.what is What.ORDER and not each.path]
    return EvolvePlan(
        plan=Plan(
            command=COMMAND,
            command_line=command_line,
            table=around.asked or current.name,
            ref=current.ref,
            trino_version=around.server.version,
            state=Binding(
                metadata_location=current.metadata_location, snapshot_id=current.snapshot_id
            ),
            planned_at=now.replace(microsecond=0),
            planned_by=around.server.user,
            does=tuple(_does(each, lost) for each in ordered[:40])
            or ("nothing: the table has this schema",),
            risk=_risk(found, steps, around),
            steps=steps,
            warnings=tuple(warnings),
        ),
        differences=found,
        lost=around.lost,
    )


def unmoved(schema: TableSchema, digest: str) -> Check:
    assert schema.name is not None  # noqa: S101 - it was read under a name
    return Check(name=SCHEMA_UNMOVED, query=dialect.columns_digest(schema.name), expected=digest)


def _does(each: Difference, lost: dict[int, Lost]) -> str:
    tail = f"; {lost[each.id].line}" if each.what is What.DROPPED and each.id in lost else ""
    return f"{each.line} ({each.effect.value}){tail}"


def _risk(found: tuple[Difference, ...], steps: tuple[Step, ...], around: Surroundings) -> str:
    parts = []
    breaking = [each for each in found if each.effect in (Effect.READERS, Effect.WRITERS)]
    if breaking:
        parts.append(f"{len(breaking)} breaking change(s): {breaking[0].why}")
    dropped = [each for each in found if each.what is What.DROPPED]
    if dropped:
        parts.append(
            "dropped columns can be read by time travel until their snapshots expire; added"
            " again they are new and empty"
        )
    readers = {each.name for each in around.readers}
    if readers and breaking:
        parts.append(f"read by {', '.join(sorted(readers)[:5])}")
    if not parts:
        return "low: metadata only, no file is written" if steps else "none"
    return "; ".join(parts)


def judge(
    found: Iterable[Difference],
    current: TableSchema,
    desired: TableSchema,
    around: Surroundings,
) -> tuple[Difference, ...]:
    """The differences with what this server and its views add to them."""
    fields = by_id(desired.fields)
    whole = _whole_refused(current, desired, around.server.version)
    return tuple(
        replace(
            each,
            effect=Effect.IMPOSSIBLE,
            why=whole[each.id],
            instead=f"do it with Trino {WHOLE_CONTAINERS} or newer, or with Spark",
        )
        if each.what in _THROUGH_TYPES and each.id in whole and each.effect is not Effect.IMPOSSIBLE
        else _judged(each, fields, desired, around)
        for each in found
    )


def _whole_refused(current: TableSchema, desired: TableSchema, version: int) -> dict[int, str]:
    twins = {each.id: each for each in desired.fields}
    refused: dict[int, str] = {}
    for each in current.fields:
        if each.id not in twins:
            continue
        found = whole_fails(each, twins[each.id], version)
        if found is not None:
            refused.update(dict.fromkeys(found[0], found[1]))
    return refused


def _judged(
    each: Difference, fields: Mapping[int, Field], desired: TableSchema, around: Surroundings
) -> Difference:
    impossible = _server_refuses(each, fields.get(each.id), desired, around)
    if impossible is not None:
        return replace(each, effect=Effect.IMPOSSIBLE, why=impossible[0], instead=impossible[1])
    if each.effect is Effect.IMPOSSIBLE:
        return each
    names = [f"{reader.kind} {reader.name}" for reader in around.readers if _hits(each, reader)]
    if not names:
        return each
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    verb = "read" if len(names) > 1 else "reads"
    column = each.what is What.ADDED and len(each.path) == 1
    tail = f"{shown} {verb} {'* of the table' if column else 'it'}"
    if each.what not in (What.ADDED, What.DROPPED, What.RENAMED, What.TYPE, What.ORDER):
        return each
    why = f"{tail}, and fails from then on until it is made anew"
    if each.effect is Effect.WRITERS:
        why += f"; {each.why}"
    return replace(each, effect=Effect.READERS, why=why)


def _hits(each: Difference, reader: Reader) -> bool:
    """Trino keeps a view's columns and compares them: another number, name or type is an error."""
    if each.what is What.ADDED and len(each.path) == 1:
        return reader.reading.everything
    if not each.path or each.what is What.PROPERTY:
        return False
    return reader.reading.everything or each.path[0].lower() in reader.reading.names


def _server_refuses(
    each: Difference, field: Field | None, desired: TableSchema, around: Surroundings
) -> tuple[str, str] | None:
    version = around.server.version
    if each.what is What.PARTITIONING and version < _PARTITIONING_FIXED:
        return (
            (
                f"Trino {version} drops partition columns silently on SET PROPERTIES partitioning "
                "(trinodb/trino#26492)"
            ),
            f"change the partitioning on Trino {_PARTITIONING_FIXED} or newer",
        )
    if each.what is What.FORMAT and desired.format_version > 2 and version < _FORMAT_3:
        return f"Trino {version} writes no format 3", f"upgrade to Trino {_FORMAT_3} or newer"
    if each.what in (What.ADDED, What.TYPE):
        return _type_refused(each, field, desired, around)
    if each.what is What.DEFAULT:
        return _default_refused(version, desired)
    if each.what is What.NULLABLE and not dialect.is_bare(each.path[0]):
        return (
            "Trino finds a column for DROP NOT NULL only by a name that needs no quotes",
            "rename it to a plain name first, or do it with Spark",
        )
    return None


def _default_refused(version: int, desired: TableSchema) -> tuple[str, str] | None:
    if version < _DEFAULTS:
        return f"Trino {version} sets no defaults on Iceberg tables", "upgrade to 480 or newer"
    if desired.format_version < _DEFAULT_FORMAT:
        return (
            f"defaults need format version 3, the table has {desired.format_version}",
            (
                "raise it first: ALTER TABLE … SET PROPERTIES format_version = 3, once every reader"
                " knows format 3"
            ),
        )
    return None


def _type_refused(
    each: Difference, field: Field | None, desired: TableSchema, around: Surroundings
) -> tuple[str, str] | None:
    if field is None or each.effect is Effect.IMPOSSIBLE:
        return None
    why = spelling.unmakeable(
        field.type,
        trino_version=around.server.version,
        format_version=desired.format_version,
    )
    if why is not None:
        return why, "choose another type, or make it with Spark or PyIceberg"
    inside = [field, *(inner for _, inner in walk(children(field.type)))]
    absent = [
        one.type.name
        for one in inside
        if isinstance(one.type, Primitive) and one.type.name in around.absent_types
    ]
    if absent:
        return (
            f"this server has no type {absent[0]}: its geospatial plugin is not installed",
            "install the plugin, or keep the value as varbinary (WKB)",
        )
    if each.what is What.ADDED and len(each.path) == 1 and field.write_default is not None:
        return _default_refused(around.server.version, desired)
    return None


def _refuse(found: tuple[Difference, ...], *, allow_breaking: bool) -> None:
    data = {"differences": [each.document() for each in found]}
    impossible = [
        each
        for each in found
        if each.effect is Effect.IMPOSSIBLE and not (each.what is What.ORDER and not each.path)
    ]
    if impossible:
        worst = impossible[0]
        more = f" (and {len(impossible) - 1} more)" if len(impossible) > 1 else ""
        raise PhloSqlError(
            Code.IMPOSSIBLE_CHANGE,
            f"{worst.line}: impossible, {worst.why}{more}",
            worst.instead or "leave it out",
            data=data,
        )
    breaking = [each for each in found if each.effect in (Effect.READERS, Effect.WRITERS)]
    if breaking and not allow_breaking:
        told = "; ".join(f"{each.line}: {each.effect.value}, {each.why}" for each in breaking[:3])
        more = f"; and {len(breaking) - 3} more" if len(breaking) > 3 else ""
        raise PhloSqlError(
            Code.BREAKING_CHANGE,
            f"{told}{more}",
            "add --allow-breaking once readers and writers are ready for it",
            data=data,
        )
