"""A source brought into Iceberg: staged under names of its own, compared, and only then registered.

Everything is made in two scratch catalogs over one file metastore, a Hive one that shows the source
and an Iceberg one that has the table in the making; whatever the target's catalog is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql.compile.migrate_choice import choose
from phlo_sql.compile.migrate_reading import Relation, compared
from phlo_sql.compile.migrate_steps import ANALYZED_UP_TO, steps_of
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size
from phlo_sql.plan import Binding, Plan, Prediction

if TYPE_CHECKING:
    from phlo_sql.compile.migrate_names import Facts, Staging
    from phlo_sql.model.migration import Chosen, Migration, SourceColumn, SourceTable

CHECKSUM_UP_TO = 50 * 1024**3
"""Bytes up to which content is compared unless --verify says otherwise: both sides are read."""
NOTHING = "none"
_UNCOUNTED = (
    "statistics of files that stay in place don't count its NULL values; --mode copy keeps it"
)
FIRST_VERSION = 476
"""The oldest Trino on which every statement of a migration was run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigratePlan:
    """A plan, with the source, each partition's mode, and how content is compared."""

    plan: Plan
    source: SourceTable
    chosen: tuple[Chosen, ...]
    verify: str
    unproven: tuple[str, ...]
    """Columns whose content no reader can compare."""

    @property
    def modes(self) -> dict[str, int]:
        return dict(Counter(each.mode for each in self.chosen))

    def document(self) -> dict[str, Any]:
        source = self.source
        return {
            "source": {
                "kind": source.kind.value,
                "location": source.location,
                "format": source.format,
                "files": source.files,
                "bytes": source.bytes,
                "rows": source.rows,
                "partitions": len(source.partitions) if source.partitioned else None,
                "owner": source.owner,
                "comment": source.comment,
                "properties": dict(source.properties),
                "bucketing": None if source.bucketing is None else asdict(source.bucketing),
                "statistics": None if source.statistics is None else asdict(source.statistics),
                "constraints": list(source.constraints),
            },
            "columns": [_column(each) for each in (*source.columns, *source.partition_columns)],
            "modes": [
                {
                    "partition": each.partition.raw or None,
                    "mode": each.mode,
                    "reason": each.reason,
                    "files": len(each.partition.files),
                    "bytes": each.partition.bytes,
                }
                for each in self.chosen
            ],
            "verify": self.verify,
            "not_compared": list(self.unproven),
        }


def _column(each: SourceColumn) -> dict[str, Any]:
    return {
        "name": each.name.lower(),
        "source_type": each.type,
        "type": each.target_type,
        "meaning": each.meaning or None,
        "comment": each.comment,
        "not_null": each.not_null,
    }


def compile_migration(
    source: SourceTable, intent: Migration, staging: Staging, facts: Facts
) -> MigratePlan:
    """Raises PhloSqlError(NOT_MIGRATABLE) where it can't be done as asked."""
    require_version(facts.trino_version)
    chosen = decided(source, intent, staging.location)
    in_place = [each for each in chosen if each.mode == "in-place"]
    if in_place:
        source = _countable(source)
    verify = intent.verify or ("checksum" if source.bytes <= CHECKSUM_UP_TO else "count")
    relation = _relation(source, staging)
    unproven = tuple(each.name for each in source.columns if not each.read_type)
    queries = compared(relation, staging.table, verify)
    steps = steps_of(chosen, relation, intent, staging, queries, verify)
    plan = Plan(
        command=facts.command,
        command_line=facts.command_line,
        table=facts.table,
        ref=intent.ref,
        trino_version=facts.trino_version,
        state=Binding(metadata_location=NOTHING, snapshot_id=None),
        planned_at=facts.now,
        planned_by=facts.planned_by,
        does=_does(source, chosen, verify),
        risk="none to the source: it is read, never written; until the table is registered, nobody "
        "sees it" + ("" if not in_place else "; afterwards the table reads the source's files"),
        predicts=Prediction(
            added_data_files=sum(len(each.partition.files) for each in in_place)
            if in_place and len(in_place) == len(chosen)
            else None,
            rows=source.rows,
        ),
        steps=steps,
        warnings=_warnings(source, chosen, unproven),
    )
    return MigratePlan(plan=plan, source=source, chosen=chosen, verify=verify, unproven=unproven)


def _countable(source: SourceTable) -> SourceTable:
    """`add_files` holds NOT NULL against counts of NULL in each file's statistics, and fails where
    one has none (483, `MigrationUtils.addFiles`)."""

    def counted(each: SourceColumn) -> SourceColumn:
        if not each.not_null or each.counted:
            return each
        return replace(each, not_null=False, nullable_for=_UNCOUNTED)

    return replace(
        source,
        columns=tuple(counted(each) for each in source.columns),
        partition_columns=tuple(counted(each) for each in source.partition_columns),
    )


def require_version(trino: int) -> None:
    """Raises PhloSqlError(UNSUPPORTED_VERSION)."""
    if trino < FIRST_VERSION:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {trino} can't stage a table: {FIRST_VERSION} is the oldest that was tried",
            f"run it on a Trino from {FIRST_VERSION} on, over the same catalog",
        )


def decided(source: SourceTable, intent: Migration, location: str) -> tuple[Chosen, ...]:
    """Each partition's mode, by what is known of the source alone; nothing is asked of a server.

    Raises PhloSqlError(NOT_MIGRATABLE) where it can't be done as asked.
    """
    chosen = choose(source, intent, location)
    _refuse_unreadable(source, chosen)
    return chosen


def _relation(source: SourceTable, staging: Staging) -> Relation:
    """A metastore's own table where there is one; else a Hive table over the files."""
    if source.name is not None:
        return Relation(table=source.name, source=source)
    paths = None
    if source.chosen_files:
        paths = tuple(staging.reached(f.path) for p in source.partitions for f in p.files)
    forms = dict.fromkeys(each.format for each in source.partitions)
    others = {form: staging.files_in(form) for form in forms if form != source.format}
    return Relation(table=staging.files, source=source, paths=paths, others=others)


def _refuse_unreadable(source: SourceTable, chosen: tuple[Chosen, ...]) -> None:
    """Raises PhloSqlError(NOT_MIGRATABLE) where files must be copied that no reader has types for,
    or names can't stand in a Hive table."""
    copied = next((each for each in chosen if each.mode == "copy"), None)
    without = [each.name for each in source.columns if not each.read_type]
    if copied is not None and without:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"column {without[0]} can't be copied: Hive's tables have none like it "
            f"(it must be copied, for {copied.reason})",
            "write it as a timestamp or a number where the files are made",
        )
    if source.columns and len(without) == len(source.columns):
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"Hive's tables have no columns like any of these, so nothing could be compared: "
            f"{', '.join(without[:5])}",
            "write another column beside them where the files are made",
        )
    odd = [each.name for each in source.partition_columns if "," in each.name]
    if odd:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"column {odd[0]!r} has a comma in its name, which no Hive table can have",
            "rename it where the files are made",
        )


def _does(source: SourceTable, chosen: tuple[Chosen, ...], verify: str) -> tuple[str, ...]:
    lines = []
    for mode, word in (("in-place", "takes in place"), ("copy", "copies")):
        found = [each.partition for each in chosen if each.mode == mode]
        if not found:
            continue
        files, size = sum(len(each.files) for each in found), sum(each.bytes for each in found)
        of = f" of {len(found)} of {len(chosen)} partitions" if source.partitioned else ""
        forms = " and ".join(sorted({each.format for each in found}))
        lines.append(f"{word} {files:,} {forms} files ({human_size(size)}){of}")
        reasons = Counter(each.reason for each in chosen if each.mode == mode)
        lines += [f"{mode}: {reason}" for reason, _ in reasons.most_common(5)]
    proof = {
        "count": "number of rows",
        "checksum": "number of rows, and a checksum of each column,",
        "sample": "number of rows, and a checksum of each column in a sample,",
    }[verify]
    where = " for each partition" if source.partitioned else ""
    return (*lines, f"compares the {proof}{where} with the source before anybody sees the table")


def _warnings(
    source: SourceTable, chosen: tuple[Chosen, ...], unproven: tuple[str, ...]
) -> tuple[str, ...]:
    found = [
        f"column {each.name.lower()}: {each.meaning}" for each in source.columns if each.meaning
    ]
    found += [
        f"column {each.name.lower()} is not NOT NULL as in the source: {each.nullable_for}"
        for each in (*source.columns, *source.partition_columns)
        if each.nullable_for
    ]
    if source.constraints:
        told = ", ".join(source.constraints)
        found.append(f"not kept, for Trino's Iceberg tables have none: {told}")
    if unproven:
        found.append(
            f"content of {', '.join(unproven)} is not compared: Hive's tables have none like it"
        )
    if source.bytes > ANALYZED_UP_TO and any(each.mode == "in-place" for each in chosen):
        found.append("no statistics of columns: run ANALYZE on it, which reads all of it")
    if source.strangers:
        found.append(
            f"{len(source.strangers):,} folders are no partitions of the source, and are left out "
            f"as there: {', '.join(source.strangers[:3])}"
        )
    if source.bucketing is not None:
        found.append("buckets are not kept: Iceberg has none of Hive's kind")
    if any(each.mode == "in-place" for each in chosen):
        found.append(
            "the table reads the source's files, so gc.enabled is false: nothing that is run on it "
            "deletes them, and its old snapshots can't be expired; `migrate detach` cuts that tie "
            "later, --mode copy makes a table without it"
        )
    return tuple(found)
