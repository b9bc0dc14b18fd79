"""A table that reads files of its source gets files of its own, under the same name.

Rewriting it where it is would not cut the tie: its old snapshots go on naming the source's files,
and to expire those deletes them (Trino 483). So its rows are copied into a table without a past,
that is compared, and takes the name; the old one is then forgotten, and no file goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.compile.migrate import CHECKSUM_UP_TO, require_version
from phlo_sql.compile.migrate_reading import PATH
from phlo_sql.compile.migrate_scratch import GOES, cleared, is_table, made, names_of, register
from phlo_sql.compile.migrate_steps import GUARD, SLICE_BYTES, compare_step
from phlo_sql.dialect import copying
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.state import DATA
from phlo_sql.model.units import human_size
from phlo_sql.plan import Binding, Check, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.compile.migrate_names import Facts, Staging
    from phlo_sql.dialect import CreatedTable
    from phlo_sql.model.history import History
    from phlo_sql.model.migration import Detach
    from phlo_sql.model.names import TableName
    from phlo_sql.model.state import TableState

SLICE_PARTITIONS = 90
"""One writer of Trino holds at most 100 partitions open unless it is set otherwise."""
SLICE_FILES = 4000
"""Paths that stand in one statement, which may have a million characters."""
_TRINOS_OWN = (
    "commit.", "comment", "format-version", "gc.", "nessie.", "read.", "schema.", "sort-order",
    "trino", "presto", "write.",
)  # fmt: skip
"""Starts of properties that Trino sets from a table's own (`WITH (format = …)`), or that belong to
the table's past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """A table, what SHOW CREATE TABLE says of it, and all that its snapshots reach."""

    name: TableName
    """As Trino names it at its ref."""
    state: TableState
    history: History
    created: CreatedTable

    @property
    def outside(self) -> tuple[str, ...]:
        """Files beyond the table's own folder that any snapshot names, those it dropped too."""
        own = f"{self.state.location.rstrip('/')}/"
        paths = self.history.reach.entries["path"].unique().to_pylist()
        return tuple(sorted(path for path in paths if not path.startswith(own)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachPlan:
    """A plan, and what it cuts."""

    plan: Plan
    outside: tuple[str, ...]
    old: str
    new: str

    def document(self) -> dict[str, Any]:
        return {
            "outside": {"files": len(self.outside), "folders": list(_folders(self.outside))},
            "location": {"from": self.old, "to": self.new},
        }


@dataclass(frozen=True, slots=True)
class _Slice:
    paths: tuple[str, ...]
    bytes: int
    rows: int | None
    """None where deletes are applied to its files."""


def compile_detach(tied: Tied, intent: Detach, staging: Staging, facts: Facts) -> DetachPlan:
    """Raises PhloSqlError where it would lose a branch or tag, or the server is too old."""
    state, outside = tied.state, tied.outside
    slices = tuple(_slices(state))
    _refuse(tied, facts, empty=bool(outside) and not slices)
    size = sum(each.bytes for each in slices)
    verify = intent.verify or ("checksum" if size <= CHECKSUM_UP_TO else "count")
    rows = _total(slices)
    plan = Plan(
        command=facts.command,
        command_line=facts.command_line,
        table=facts.table,
        ref=intent.ref,
        trino_version=facts.trino_version,
        state=Binding(
            metadata_location=state.metadata_location,
            snapshot_id=state.snapshot_id,
            ref_hash=state.ref_hash,
        ),
        planned_at=facts.now,
        planned_by=facts.planned_by,
        does=_does(tied, staging, slices, verify)
        if outside
        else (f"Nothing: no snapshot of {tied.name} names a file outside of its own folder.",),
        risk="none to the source: it is read, never written; time travel to before ends, and a "
        "write while it runs stops it before the names change",
        predicts=Prediction(rows=rows) if outside else Prediction(),
        steps=_steps(tied, staging, slices, verify) if outside else (),
        warnings=_warnings(tied) if outside else (),
    )
    return DetachPlan(plan=plan, outside=outside, old=state.location, new=staging.location)


def _refuse(tied: Tied, facts: Facts, *, empty: bool) -> None:
    require_version(facts.trino_version)
    if others := sorted(ref.name for ref in tied.history.refs if ref.name != "main"):
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"{tied.name} has {', '.join(others[:3])} beside main, which would be lost: a table "
            "without a past has no branches and tags",
            "drop them first, where nobody needs them",
        )
    if empty:
        raise PhloSqlError(
            Code.NOT_MIGRATABLE,
            f"{tied.name} has no rows: there is nothing to copy",
            "drop it, and make it anew",
        )


# ------------------------------------------------------------------ what is copied
@dataclass(frozen=True, slots=True)
class _File:
    path: str
    bytes: int
    rows: int
    deletes: int
    partition: int
    content: int


def _data(state: TableState) -> list[_File]:
    columns = ("path", "size", "rows", "deletes", "partition", "content")
    rows = state.files.files.select(columns).to_pylist()
    found = [_File(*(row[name] for name in columns)) for row in rows]
    return [each for each in found if each.content == DATA]


def _slices(state: TableState) -> Iterator[_Slice]:
    """By partition, so that no statement writes more of them than a writer holds open."""
    found: list[_File] = []
    partitions: set[int] = set()
    size = 0
    for each in sorted(_data(state), key=lambda file: (file.partition, file.path)):
        wide = len(partitions | {each.partition}) > SLICE_PARTITIONS
        if found and (size + each.bytes > SLICE_BYTES or wide or len(found) >= SLICE_FILES):
            yield _slice(found)
            found, partitions, size = [], set(), 0
        found.append(each)
        partitions.add(each.partition)
        size += each.bytes
    if found:
        yield _slice(found)


def _slice(files: Sequence[_File]) -> _Slice:
    plain = not any(each.deletes for each in files)
    return _Slice(
        paths=tuple(each.path for each in files),
        bytes=sum(each.bytes for each in files),
        rows=sum(each.rows for each in files) if plain else None,
    )


def _total(slices: Sequence[_Slice]) -> int | None:
    known = [each.rows for each in slices if each.rows is not None]
    return sum(known) if len(known) == len(slices) else None


# ------------------------------------------------------------------ the statements
def _steps(tied: Tied, staging: Staging, slices: Sequence[_Slice], verify: str) -> tuple[Step, ...]:
    registered = register(staging)
    steps = [
        *made(staging, hive=False),
        _table(tied, staging),
        *_copied(tied, staging, slices),
        *_compared(tied, staging, verify),
        _aside(tied, staging),
        replace(registered, prechecks=(*registered.prechecks, _same(tied, staging))),
        *cleared(staging, (), hive=False),
        _forgotten(tied, staging),
    ]
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


def _unmoved(tied: Tied) -> Check:
    return Check(
        name="not-written-to",
        query=dialect.latest_metadata(tied.name),
        expected=tied.state.metadata_location,
    )


def _same(tied: Tied, staging: Staging) -> Check:
    """A write that came between the last look and the new name is seen here."""
    return Check(
        name="same-snapshot",
        query=copying.main_snapshot(staging.before),
        expected=str(tied.state.snapshot_id),
    )


def _table(tied: Tied, staging: Staging) -> Step:
    created = tied.created
    extra = {
        name: value
        for name, value in sorted(tied.history.properties.items())
        if not name.startswith(_TRINOS_OWN)
    }
    kept: dict[str, Any] = {
        name: value for name, value in created.properties.items() if name != "extra_properties"
    }
    properties = {
        **kept,
        "location": staging.location,
        **({"extra_properties": extra} if extra else {}),
    }
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=dialect.create_table(
            staging.table, created.columns, comment=created.comment, properties=properties
        ),
        summary=f"make the table at {staging.location}",
        why=f"the same columns and properties, but {GUARD}: its files will be its own",
        undo=GOES,
        prechecks=(_unmoved(tied),),
        checks=(is_table(staging.table, 1),),
    )


def _copied(tied: Tied, staging: Staging, slices: Sequence[_Slice]) -> Iterator[Step]:
    names = [each.name for each in tied.created.columns]
    for number, each in enumerate(slices, 1):
        where = dialect.is_in(PATH, each.paths) if len(slices) > 1 else None
        place = f"slice {number} of {len(slices)}" if len(slices) > 1 else "the table"
        yield Step(
            id=1,
            kind=Kind.WRITE,
            statement=copying.insert_select(
                staging.table,
                names,
                [dialect.column(name) for name in names],
                tied.name,
                where,
            ),
            summary=f"copy {place}: {len(each.paths):,} files, {human_size(each.bytes)}",
            why="into files of the table's own",
            undo=GOES,
            late=True,
            predicts=Prediction(rows=each.rows),
        )


def _compared(tied: Tied, staging: Staging, verify: str) -> Iterator[Step]:
    spec = tied.state.specs[tied.state.default_spec_id]
    by_id = {each.field_id: each.name.lower() for each in tied.state.columns}
    keys = [
        by_id[each.source_id]
        for each in spec.fields
        if each.transform == "identity" and each.source_id in by_id
    ]
    every = [each.name for each in tied.created.columns]
    names = [name for name in every if name.lower() not in keys] if verify == "checksum" else []

    def side(table: TableName) -> copying.Side:
        return copying.Side(
            table=table,
            keys=[dialect.column(name) for name in keys],
            values=[dialect.column(name) for name in names],
        )

    yield compare_step(
        copying.differences([side(tied.name)], side(staging.table), keys, names), verify
    )


def _aside(tied: Tied, staging: Staging) -> Step:
    before = staging.before
    return Step(
        id=1,
        kind=Kind.DDL,
        statement=dialect.rename_table(tied.name, before),
        summary=f"set the old table aside as {before.name}",
        why="the name becomes free; it is the way back until the end",
        undo=Undo(
            reason="it gets its name back",
            statement=dialect.rename_table(before, tied.name),
        ),
        prechecks=(
            _unmoved(tied),
            Check(
                name="outside",
                query=copying.count_outside(staging.table, staging.location),
                expected="0",
            ),
        ),
        checks=(
            is_table(tied.name, 0),
            Check(name="set-aside", query=copying.count_tables(before), expected="1"),
        ),
    )


def _forgotten(tied: Tied, staging: Staging) -> Step:
    folder, _, file = tied.state.metadata_location.rpartition("/metadata/")
    catalog, before = str(staging.target.catalog), staging.before
    return Step(
        id=1,
        kind=Kind.CALL,
        statement=dialect.call(catalog, "unregister_table", names_of(before)),
        summary=f"forget the old table, {before.name}",
        why="it was the last that names the source's files; unregistering touches none of them",
        undo=Undo(
            reason="the old table is shown again, from the metadata that it had",
            statement=dialect.call(
                catalog,
                "register_table",
                {**names_of(before), "table_location": folder, "metadata_file_name": file},
            ),
        ),
        prechecks=(_same(tied, staging),),
        checks=(is_table(before, 0),),
    )


# ------------------------------------------------------------------ what is told
def _folders(paths: Sequence[str]) -> tuple[str, ...]:
    """Where the files lie, up to five of them."""
    return tuple(dict.fromkeys(path.rpartition("/")[0] for path in paths))[:5]


def _does(tied: Tied, staging: Staging, slices: Sequence[_Slice], verify: str) -> tuple[str, ...]:
    files, size = sum(len(each.paths) for each in slices), sum(each.bytes for each in slices)
    what = "rows" if verify == "count" else "rows and a checksum of each column"
    folders = ", ".join(_folders(tied.outside))
    return (
        f"{len(tied.outside):,} files lie outside of {tied.state.location}, below {folders}",
        f"copies {files:,} files ({human_size(size)}) to {staging.location}",
        f"compares {what}, then gives the copy the name {tied.name}",
        "leaves the source's files, and all files of the old table, where they are",
    )


def _warnings(tied: Tied) -> tuple[str, ...]:
    past, place = len(tied.history.snapshots), tied.state.location
    found = [f"time travel to the {past:,} snapshots until now ends: the table starts anew"]
    found.append(
        f"what the table itself wrote to {place} stays there, read by nothing: delete it when "
        "going back is out of the question"
    )
    if tied.history.ref_hash is not None:
        found.append(
            "other refs and older commits of Nessie go on naming the source's files: keep the "
            f"source as long as they are read; the catalog itself keeps {GUARD} false"
        )
    return tuple(found)
