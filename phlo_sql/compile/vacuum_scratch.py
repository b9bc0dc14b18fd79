"""The steps that show Trino the metadata of all refs, and take every trace away again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phlo_sql import dialect
from phlo_sql.dialect.schemas import create_schema, drop_schema
from phlo_sql.model.units import trino_duration
from phlo_sql.plan import Check, Kind, Prediction, Step, Undo

if TYPE_CHECKING:
    from phlo_sql.compile.orphans import Orphans
    from phlo_sql.compile.vacuum_union import Union
    from phlo_sql.dialect import Statement
    from phlo_sql.model.names import TableName

_FLOOR = "remove_orphan_files_min_retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """A catalog for the time of the run. `left` a killed run's table is still registered in it;
    `left_schema` its schema is still there; `left_files` its metadata files."""

    table: TableName
    location: str
    union: Union
    left: bool = False
    left_schema: bool = False
    left_files: tuple[str, ...] = ()

    @property
    def catalog(self) -> str:
        return str(self.table.catalog)

    @property
    def any_left(self) -> bool:
        return self.left or self.left_schema or bool(self.left_files)


def scratch_steps(
    scratch: Scratch, found: Orphans, predicts: Prediction, *, lowers: bool
) -> tuple[Step, ...]:
    """Nothing at all where there is nothing to remove and nothing was left behind."""
    if not found.files.num_rows:
        steps = _cleanup(scratch) if scratch.any_left else ()
    else:
        steps = (
            *((_lowered(scratch, found),) if lowers else ()),
            *((_forget(scratch, "a run that was killed left it"),) if scratch.left else ()),
            _schema(scratch),
            _register(scratch),
            _removal(scratch, found, predicts),
            _forget(scratch, "the table is not needed any more"),
            _drop(scratch),
        )
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


def _cleanup(scratch: Scratch) -> tuple[Step, ...]:
    forget = (_forget(scratch, "a run that was killed left it"),) if scratch.left else ()
    return (*forget, _drop(scratch))


def _lowered(scratch: Scratch, found: Orphans) -> Step:
    retention = trino_duration(found.retention)
    return Step(
        id=1,
        kind=Kind.SESSION,
        statement=dialect.set_session(scratch.catalog, _FLOOR, retention),
        summary=f"allow a retention of {retention} in this session",
        why="it is below the catalog's floor, and --allow-short-retention was given",
        undo=Undo(
            reason="the setting ends with the session",
            statement=dialect.reset_session(scratch.catalog, _FLOOR),
        ),
        temporary=True,
    )


def _schema(scratch: Scratch) -> Step:
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=create_schema(scratch.catalog, scratch.table.schema),
        summary=f"make schema {scratch.table.schema} in the scratch catalog",
        why="the union of all refs is registered there for the time of the run",
        undo=Undo(reason="drop it", statement=_dropped(scratch)),
        temporary=True,
    )


def _register(scratch: Scratch) -> Step:
    union = scratch.union
    return Step(
        id=1,
        kind=Kind.CALL,
        statement=dialect.call(
            scratch.catalog,
            "register_table",
            {
                "schema_name": scratch.table.schema,
                "table_name": scratch.table.name,
                "table_location": scratch.location,
                "metadata_file_name": union.name,
            },
        ),
        summary="register the union of all refs' metadata",
        why=f"before it, put {union.name} (sha256:{union.sha256}), saved beside this runbook, at "
        f"{union.target}; `runbook apply` puts it there and takes it away",
        undo=Undo(reason="unregister it; no file goes with it", statement=_unregistered(scratch)),
        temporary=True,
    )


def _removal(scratch: Scratch, found: Orphans, predicts: Prediction) -> Step:
    arguments = {"retention_threshold": trino_duration(found.retention)}
    return Step(
        id=1,
        kind=Kind.PROCEDURE,
        statement=dialect.execute_procedure(scratch.table, "remove_orphan_files", arguments),
        summary=f"remove {found.files.num_rows:,} files that no ref references",
        why=f"they are older than {trino_duration(found.retention)}, and no branch, tag or state "
        "of them inside the retention names them",
        undo=Undo(reason="none: a deleted file can't be brought back"),
        destructive=True,
        late=True,
        predicts=predicts,
        prechecks=(
            Check(
                name="union",
                query=dialect.latest_metadata(scratch.table),
                expected=scratch.union.target,
            ),
            Check(
                name="snapshots",
                query=dialect.count_metadata(scratch.table, "snapshots"),
                expected=str(scratch.union.snapshots),
            ),
        ),
    )


def _forget(scratch: Scratch, why: str) -> Step:
    return Step(
        id=1,
        kind=Kind.CALL,
        statement=_unregistered(scratch),
        summary="unregister the union",
        why=why,
        undo=Undo(reason="none is needed: only the scratch catalog knew it"),
    )


def _drop(scratch: Scratch) -> Step:
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=_dropped(scratch),
        summary=f"drop schema {scratch.table.schema} of the scratch catalog",
        why="nothing is left behind",
        undo=Undo(reason="none is needed: it was made for this run"),
    )


def _unregistered(scratch: Scratch) -> Statement:
    names = {"schema_name": scratch.table.schema, "table_name": scratch.table.name}
    return dialect.call(scratch.catalog, "unregister_table", names)


def _dropped(scratch: Scratch) -> Statement:
    return drop_schema(scratch.catalog, scratch.table.schema)
