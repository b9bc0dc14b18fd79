"""`table vacuum`: expire what is old, remove what nothing reaches, as one plan with one list."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql import dialect
from phlo_sql.compile.cleanup import cleaned
from phlo_sql.compile.expire import (
    Terms,
    below_floor,
    expire_steps,
    fates_of,
    floor_step,
    refuse_format,
)
from phlo_sql.compile.orphans import LISTED, WHOLE_LOCATION, Orphans, orphans, refuse_unsafe
from phlo_sql.compile.orphans_shared import (
    refuse_outside,
    refuse_provider,
    refuse_read_by,
    told_elsewhere,
)
from phlo_sql.compile.reachable import METADATA, SCHEMA, distinct, reached, rows_of
from phlo_sql.compile.vacuum_scratch import Scratch, scratch_steps
from phlo_sql.model.units import human_size, trino_duration
from phlo_sql.plan import Binding, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from phlo_sql.compile.retention import Retained
    from phlo_sql.compile.vacuum_union import Union
    from phlo_sql.model.history import History
    from phlo_sql.model.intents import Vacuum
    from phlo_sql.model.server import Server

EXPIRED, ORPHANED = "of expired snapshots", "referenced by nothing"
LIST = pa.schema([*LISTED, pa.field("why", pa.string()), pa.field("age_seconds", pa.int64())])
DIGEST = "List of files to delete: sha256:"
_PREVIOUS = "write.metadata.previous-versions-max"
_NONE = Terms(retention=timedelta(), retain_last=None, lowers_floor=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was observed at one moment, `now` by the server's clock.

    `versions` are metadata of the table on all refs, read whole; of a catalog without refs the one.
    `others` are files that other tables read (path); `listing` what lies in the location.
    """

    history: History
    live: pa.Table
    """path, size, kind: of every ref, and of each ref's history inside the retention."""
    others: pa.Table
    listing: pa.Table
    server: Server
    now: datetime
    as_of: datetime
    """The moment that ages are counted to."""
    scratch: Scratch | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Retentions that a saved plan has, to see whether it would choose the same again."""

    expire: timedelta | None
    orphans: timedelta | None
    own: Own | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A saved plan's own metadata file, and all that it names (columns path, size, kind): each file
    that was there and isn't on the list. What came since is safe by its age alone."""

    union: Union
    names: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class VacuumPlan:
    """A plan and the list of every file that it deletes. `attachments`: files by name that belong
    beside the saved runbook. `live` must be there afterwards."""

    plan: Plan
    files: pa.Table
    live: pa.Table
    retained: Retained | None
    holds: timedelta | None
    attachments: Mapping[str, bytes]
    scratch: Scratch | None
    list_file: str | None
    totals: Mapping[str, tuple[int, int]]

    @property
    def digest(self) -> str:
        return digest_of(self.files)

    def groups(self) -> list[dict[str, Any]]:
        """Files and bytes by why they are dead, and kind."""
        found = self.files.group_by(["why", "kind"]).aggregate(
            [("size", "count"), ("size", "sum"), ("age_seconds", "max")]
        )
        rows = [
            {
                "why": row["why"],
                "kind": row["kind"],
                "files": row["size_count"],
                "bytes": row["size_sum"],
                "oldest_seconds": row["age_seconds_max"],
            }
            for row in found.to_pylist()
        ]
        return sorted(rows, key=lambda row: (row["why"], row["kind"]))

    def document(self) -> dict[str, Any]:
        """What a dry run shows beside the plan, in JSON."""
        return {
            "groups": self.groups(),
            "before": {
                kind: {"files": files, "bytes": size} for kind, (files, size) in self.totals.items()
            },
            "deleted_paths": self.files["path"].slice(0, 1000).to_pylist(),
            "list_digest": self.digest,
            "holds_seconds": None if self.holds is None else int(self.holds.total_seconds()),
        }


def digest_of(files: pa.Table) -> str:
    paths = sorted(files["path"].to_pylist())
    return hashlib.sha256("".join(f"{path}\n" for path in paths).encode()).hexdigest()


def compile_vacuum(
    intent: Vacuum, seen: Seen, command_line: str, fixed: Fixed | None = None
) -> VacuumPlan:
    """The plan that expires and removes. Raises PhloSqlError where a deletion can't be proven safe,
    BELOW_FLOOR, UNSUPPORTED_VERSION."""
    history, server = seen.history, seen.server
    refuse_provider(history.properties)
    refuse_format(history, server, "remove_orphan_files")
    _refuse_shared_collection(seen)
    lowers = below_floor(
        intent.older_than,
        _floor(server.orphan_floor, server.expire_floor),
        allowed=intent.allow_short_retention,
    )
    fates, terms = _fates(intent, seen, fixed, lowers=lowers)
    expired = (
        SCHEMA.empty_table() if fates is None else cleaned(history, fates, server.version).files
    )
    known = _kept(history, fates) if fates is not None and fates.expired else seen.live
    live = distinct(pa.concat_tables([known, seen.others])) if seen.others.num_rows else known
    seen, found = _chosen(intent, seen, fixed, known, live, expired)
    refuse_outside(expired, history.location)
    refuse_read_by("another table", seen.others, expired)
    files = _list(expired, found.files, seen)
    steps = _steps(seen, fates, terms, expired, found, lowers=lowers)
    predicts = Prediction(
        deleted_files=files.num_rows,
        deleted_bytes=int(pc.sum(files["size"]).as_py() or 0),
        expired_snapshots=len(fates.expired) if fates else None,
        kept_snapshots=len(fates.kept) if fates else None,
    )
    plan = Plan(
        command="table vacuum",
        command_line=command_line,
        table=intent.table,
        ref=intent.ref,
        trino_version=server.version,
        state=Binding(
            metadata_location=history.metadata_location,
            snapshot_id=history.snapshot_id,
            ref_hash=history.ref_hash,
        ),
        planned_at=seen.as_of.replace(microsecond=0),
        planned_by=server.user,
        does=_does(seen, files, live, steps),
        risk="high: the listed files are deleted, and nothing brings them back",
        predicts=predicts if steps else Prediction(),
        steps=steps,
        warnings=(*seen.warnings, *told_elsewhere(history.location, history.properties)),
    )
    attachments: dict[str, bytes] = {}
    if seen.scratch is not None and found.files.num_rows:
        attachments[seen.scratch.union.name] = seen.scratch.union.text.encode()
    return VacuumPlan(
        plan=plan,
        files=files,
        live=live,
        retained=fates,
        holds=found.holds,
        attachments=attachments,
        scratch=seen.scratch,
        list_file=intent.list_file,
        totals=_totals(live),
    )


def _refuse_shared_collection(seen: Seen) -> None:
    if seen.scratch is None and seen.history.properties.get("gc.enabled", "true").lower() != "true":
        refuse_unsafe(
            f"{seen.history.table} has gc.enabled=false: other tables may use its files",
            "whoever set it knows which; take it away only when none does any more",
        )


def _floor(*floors: timedelta | None) -> timedelta | None:
    return max((each for each in floors if each is not None), default=None)


def _fates(
    intent: Vacuum, seen: Seen, fixed: Fixed | None, *, lowers: bool
) -> tuple[Retained | None, Terms]:
    """None: snapshots aren't this table's to expire (a catalog of refs keeps one per commit)."""
    if seen.scratch is not None or seen.history.snapshot_id is None:
        return None, _NONE
    if fixed is not None and fixed.expire is None:
        return None, _NONE
    retention = intent.older_than if fixed is None or fixed.expire is None else fixed.expire
    terms = Terms(retention=retention, retain_last=None, lowers_floor=lowers)
    fates = fates_of(seen.history, terms, seen.now)
    return fates, terms


def _kept(history: History, fates: Retained) -> pa.Table:
    """What the metadata reaches once the first step has run: the commit of an expiry moves the
    metadata's log on, and what falls off it is an orphan."""
    current, *log = history.metadata_files
    named = [*log, current][-max(1, int(history.properties.get(_PREVIOUS, 100))) :]
    metadata = rows_of(((path, 0) for path in named), METADATA)
    return pa.concat_tables([reached(history, fates.kept), metadata])


def _orphans(
    intent: Vacuum,
    seen: Seen,
    fixed: Fixed | None,
    known: pa.Table,
    live: pa.Table,
    expired: pa.Table,
) -> Orphans:
    nothing = fixed is not None and fixed.orphans is None
    if nothing or seen.history.snapshot_id is None:  # Trino skips a table without a snapshot
        return Orphans(files=LISTED.empty_table(), retention=intent.older_than, holds=None)
    return orphans(
        seen.listing,
        known,
        live,
        location=seen.history.location,
        version=seen.server.version,
        now=seen.as_of,
        older_than=fixed.orphans if fixed is not None and fixed.orphans else intent.older_than,
        exact=fixed is not None
        or (seen.scratch is not None and seen.server.version >= PINNED_SINCE),
        gone=expired,
    )


PINNED_SINCE = WHOLE_LOCATION
"""Trino 476 compares data files with the names in manifests only: nothing else can spare them."""


_MARGIN = timedelta(seconds=60)
"""How much younger than the retention a file must be that only its age protects."""


def _chosen(
    intent: Vacuum,
    seen: Seen,
    fixed: Fixed | None,
    known: pa.Table,
    live: pa.Table,
    expired: pa.Table,
) -> tuple[Seen, Orphans]:
    """What goes, and the union to be shown. A saved plan's own serves as long as what it doesn't
    name stays young: refs may have moved, come and gone since, that changes nothing."""
    if seen.scratch is None:
        return seen, _orphans(intent, seen, fixed, known, live, expired)
    own = fixed.own if fixed is not None else None
    if own is not None:
        found = _orphans(intent, seen, fixed, own.names, live, expired)
        oldest = found.oldest_spared
        if oldest is None or seen.now - oldest + _MARGIN <= found.retention:
            return replace(seen, scratch=replace(seen.scratch, union=own.union)), replace(
                found, holds=None
            )
    found = _orphans(intent, seen, fixed, known, live, expired)
    if seen.server.version < PINNED_SINCE:
        return seen, found
    # Named by the union, none of those that are too young comes of age meanwhile.
    union = seen.scratch.union.naming(found.spared)
    return replace(seen, scratch=replace(seen.scratch, union=union)), replace(found, holds=None)


def _list(expired: pa.Table, removed: pa.Table, seen: Seen) -> pa.Table:
    parts = [
        removed.append_column("why", pa.array([ORPHANED] * removed.num_rows, pa.string())),
    ]
    if expired.num_rows:
        when = seen.listing.select(["path", "modified"])
        dated = expired.join(when, "path", join_type="left outer").select(LISTED.names)
        why = pa.array([EXPIRED] * dated.num_rows, pa.string())
        parts.insert(0, dated.append_column("why", why))
    files = pa.concat_tables(parts)
    age = pc.divide(
        pc.cast(pc.subtract(pa.scalar(seen.as_of), files["modified"]), pa.int64()), 1_000_000
    )
    return files.append_column("age_seconds", age).cast(LIST).sort_by("path")


def _steps(
    seen: Seen,
    fates: Retained | None,
    terms: Terms,
    expired: pa.Table,
    found: Orphans,
    *,
    lowers: bool,
) -> tuple[Step, ...]:
    predicts = Prediction(
        deleted_files=found.files.num_rows,
        deleted_bytes=int(pc.sum(found.files["size"]).as_py() or 0),
    )
    if seen.scratch is not None:
        return scratch_steps(seen.scratch, found, predicts, lowers=lowers)
    steps: list[Step] = []
    table = seen.history.table
    if fates is not None and fates.expired:
        own = Prediction(
            deleted_files=expired.num_rows,
            deleted_bytes=int(pc.sum(expired["size"]).as_py() or 0),
            expired_snapshots=len(fates.expired),
            kept_snapshots=len(fates.kept),
        )
        made = expire_steps(seen.history, seen.server, terms, fates, own, seen.now)
        # Writers may go on: the whole list is looked at again right before the first step.
        steps += [replace(each, prechecks=(), checks=()) for each in made]
    if found.files.num_rows:
        if lowers:
            catalog = str(table.catalog or seen.server.catalog)
            steps.append(floor_step(catalog, "remove_orphan_files_min_retention", found.retention))
        steps.append(orphan_step(table, found, predicts, late=lowers))
    return tuple(replace(step, id=number) for number, step in enumerate(steps, 1))


def orphan_step(table: Any, found: Orphans, predicts: Prediction, *, late: bool) -> Step:
    """`remove_orphan_files` on a table."""
    arguments = {"retention_threshold": trino_duration(found.retention)}
    return Step(
        id=1,
        kind=Kind.PROCEDURE,
        statement=dialect.execute_procedure(table, "remove_orphan_files", arguments),
        summary=f"remove {found.files.num_rows:,} files that nothing references",
        why=f"they are older than {trino_duration(found.retention)}, and no snapshot, ref or "
        "metadata file names them",
        undo=Undo(reason="none: a deleted file can't be brought back"),
        destructive=True,
        late=late,
        predicts=predicts,
    )


def _does(seen: Seen, files: pa.Table, live: pa.Table, steps: tuple[Step, ...]) -> tuple[str, ...]:
    if not steps:
        return (f"Nothing: no file of {seen.history.table} is dead and old enough.",)
    size = human_size(int(pc.sum(files["size"]).as_py() or 0))
    lines = [
        f"Deletes {files.num_rows:,} of {seen.listing.num_rows:,} files ({size}).",
        f"Leaves {live.num_rows:,} files that are alive; each is looked for afterwards.",
        f"{DIGEST}{digest_of(files)}",
    ]
    if seen.scratch is not None:
        union = seen.scratch.union
        lines.append(f"Needs {union.name}, sha256:{union.sha256}, at {union.target}")
    return tuple(lines)


def _totals(files: pa.Table) -> dict[str, tuple[int, int]]:
    found = files.group_by("kind").aggregate([("size", "count"), ("size", "sum")])
    return {row["kind"]: (row["size_count"], row["size_sum"] or 0) for row in found.to_pylist()}
