"""`table expire-snapshots`: which snapshots go, what that frees, in which statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from phlo_sql import dialect
from phlo_sql.compile.cleanup import cleaned
from phlo_sql.compile.retention import Retained, retained
from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.model.units import human_size, trino_duration
from phlo_sql.plan import UNMOVED, Binding, Check, Kind, Plan, Prediction, Step, Undo

if TYPE_CHECKING:
    from phlo_sql.compile.reachable import Freed
    from phlo_sql.model.history import History
    from phlo_sql.model.intents import ExpireSnapshots
    from phlo_sql.model.server import Server

_RETAIN_LAST = 479
"""First with `retain_last` (Trino's release notes)."""
_NEWEST_FORMAT = {False: 2, True: 3}
_MARGIN = timedelta(hours=1)
"""How long a plan that keeps the last N by age alone holds before it is stale."""
_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpirePlan:
    """A plan, each snapshot's fate, and the files that go."""

    plan: Plan
    retained: Retained
    freed: Freed

    def document(self) -> dict[str, Any]:
        """What a dry run shows beside the plan, in JSON."""
        return {
            "snapshots": [
                {
                    "snapshot_id": fate.snapshot.snapshot_id,
                    "committed_at": _moment(fate.snapshot.timestamp_ms),
                    "operation": fate.snapshot.operation,
                    "kept": fate.kept,
                    "why": fate.why,
                }
                for fate in self.retained.fates
            ],
            "freed": {
                kind: {"files": files, "bytes": size}
                for kind, (files, size) in sorted(self.freed.by_kind().items())
            },
            "deleted_paths": self.freed.files["path"].slice(0, _SHOWN).to_pylist(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked of the server. `retention` may be longer than what was asked of us, where a
    server without `retain_last` keeps the last snapshots by their age."""

    retention: timedelta
    retain_last: int | None
    lowers_floor: bool
    cleans_metadata: bool = False


def compile_expire(
    intent: ExpireSnapshots,
    history: History,
    server: Server,
    now: datetime,
    command_line: str,
) -> ExpirePlan:
    """The plan that expires snapshots; `now` is the server's clock.

    Raises PhloSqlError where the table, the catalog or this Trino version does not allow it.
    """
    refuse_collected(history)
    refuse_format(history, server, "expire_snapshots")
    terms = _terms(intent, history, server, now)
    fates = fates_of(history, terms, now)
    gone = cleaned(history, fates, server.version)
    predicts = Prediction(
        deleted_files=gone.count,
        deleted_bytes=gone.bytes,
        expired_snapshots=len(fates.expired),
        kept_snapshots=len(fates.kept),
    )
    nothing = not fates.expired
    plan = Plan(
        command="table expire-snapshots",
        command_line=command_line,
        table=intent.table,
        ref=intent.ref,
        trino_version=server.version,
        state=Binding(
            metadata_location=history.metadata_location,
            snapshot_id=history.snapshot_id,
            ref_hash=history.ref_hash,
        ),
        planned_at=now.replace(microsecond=0),
        planned_by=server.user,
        does=_does(history, fates, gone),
        risk="high: what only the expired snapshots reach is deleted, and time travel to them ends",
        predicts=Prediction() if nothing else predicts,
        steps=() if nothing else expire_steps(history, server, terms, fates, predicts, now),
        warnings=tuple(
            f"{ref.kind} {ref.name} goes too: it is older than its own max_ref_age"
            for ref in fates.dropped_refs
        ),
    )
    return ExpirePlan(plan=plan, retained=fates, freed=gone)


def refuse_collected(history: History) -> None:
    """Raises PhloSqlError(REFUSED_GC) where the catalog, not the table, owns the files' lives."""
    if history.properties.get("gc.enabled", "true").lower() != "true":
        raise PhloSqlError(
            Code.GC_DISABLED,
            f"{history.table} has gc.enabled=false: other refs or tables may use its files, and a "
            "Nessie catalog keeps one snapshot per commit",
            f"phlo-sql table vacuum {history.table} looks at every ref before it deletes",
        )
    if history.ref_hash is not None:
        raise PhloSqlError(
            Code.GC_DISABLED,
            f"{history.table} is in a Nessie catalog and has gc.enabled=true set by hand: "
            "expire_snapshots would delete files that other refs still use",
            "take the property away again (gc.enabled=false), then use table vacuum",
        )


def refuse_format(history: History, server: Server, procedure: str) -> None:
    newest = _NEWEST_FORMAT[server.version >= 480]
    if history.format_version > newest:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {server.version} runs {procedure} on tables up to format {newest}, "
            f"{history.table} has format {history.format_version}",
            "use a Trino of version 480 or newer",
        )


def _terms(intent: ExpireSnapshots, history: History, server: Server, now: datetime) -> Terms:
    lowers = below_floor(
        intent.older_than, server.expire_floor, allowed=intent.allow_short_retention
    )
    if intent.clean_expired_metadata and server.version < _RETAIN_LAST:
        raise PhloSqlError(
            Code.UNSUPPORTED_VERSION,
            f"Trino {server.version} cleans no metadata of {history.table} when snapshots expire, "
            f"{_RETAIN_LAST} is the first that does",
            "leave --clean-expired-metadata out: unused schemas cost little",
        )
    if intent.keep_last is None or server.version >= _RETAIN_LAST:
        return Terms(
            retention=intent.older_than,
            retain_last=intent.keep_last,
            lowers_floor=lowers,
            cleans_metadata=intent.clean_expired_metadata,
        )
    return Terms(
        retention=max(intent.older_than, _age_of_last(intent.keep_last, history, now)),
        retain_last=None,
        lowers_floor=lowers,
    )


def below_floor(asked: timedelta, floor: timedelta | None, *, allowed: bool) -> bool:
    """Whether the session must lower the catalog's floor. Raises PhloSqlError(BELOW_FLOOR)."""
    if floor is None or asked >= floor:
        return False
    if not allowed:
        raise PhloSqlError(
            Code.BELOW_FLOOR,
            f"{trino_duration(asked)} is below the catalog's retention floor of "
            f"{trino_duration(floor)}",
            "ask for a longer --older-than, or lower the floor with --allow-short-retention",
        )
    return True


def _age_of_last(count: int, history: History, now: datetime) -> timedelta:
    """An age that keeps the last `count` snapshots of main, for servers without `retain_last`."""
    known = {each.snapshot_id: each for each in history.snapshots}
    current, oldest = history.snapshot_id, None
    for _ in range(count):
        if current is None or current not in known:
            break
        oldest = known[current]
        current = oldest.parent_id
    if oldest is None:
        return timedelta()
    age = now - datetime.fromtimestamp(oldest.timestamp_ms / 1000, UTC) + _MARGIN
    return timedelta(seconds=int(age.total_seconds()) + 1)


def fates_of(history: History, terms: Terms, now: datetime) -> Retained:
    """What becomes of each snapshot under these terms."""
    now_ms = int(now.timestamp() * 1000)
    own = int(history.properties.get("history.expire.min-snapshots-to-keep", 1))
    return retained(
        history.snapshots,
        history.refs,
        now_ms=now_ms,
        cutoff_ms=now_ms - terms.retention // timedelta(milliseconds=1),
        keep_last=own if terms.retain_last is None else terms.retain_last,
        properties=history.properties,
    )


def expire_steps(
    history: History,
    server: Server,
    terms: Terms,
    fates: Retained,
    predicts: Prediction,
    now: datetime,
) -> tuple[Step, ...]:
    """The steps, the first of which carries the plan's prechecks."""
    catalog = history.table.catalog or server.catalog
    arguments: dict[str, Any] = {"retention_threshold": trino_duration(terms.retention)}
    if terms.retain_last is not None:
        arguments["retain_last"] = terms.retain_last
    if terms.cleans_metadata:
        arguments["clean_expired_metadata"] = True
    floor = floor_step(catalog, "expire_snapshots_min_retention", terms.retention)
    before = (floor,) if terms.lowers_floor else ()
    cutoff = int(now.timestamp() * 1000) - terms.retention // timedelta(milliseconds=1)
    older = sum(each.timestamp_ms < cutoff for each in history.snapshots)
    procedure = Step(
        id=len(before) + 1,
        kind=Kind.PROCEDURE,
        statement=dialect.execute_procedure(history.table, "expire_snapshots", arguments),
        summary=f"expire {len(fates.expired):,} snapshots",
        why=f"they are older than {trino_duration(terms.retention)} and nothing holds them",
        undo=Undo(reason="none: an expired snapshot and its files can't be brought back"),
        destructive=True,
        late=terms.lowers_floor,
        predicts=predicts,
        prechecks=(
            unmoved(history),
            Check(
                name="older",
                query=dialect.count_older(history.table, terms.retention),
                expected=str(older),
            ),
        ),
        checks=(
            Check(
                name="snapshots",
                query=dialect.count_metadata(history.table, "snapshots"),
                expected=str(len(fates.kept)),
            ),
        ),
    )
    return (*before, procedure)


def unmoved(history: History) -> Check:
    return Check(
        name=UNMOVED,
        query=dialect.latest_metadata(history.table),
        expected=history.metadata_location,
    )


def floor_step(catalog: str, name: str, retention: timedelta) -> Step:
    """Lowers a retention floor for this session."""
    return Step(
        id=1,
        kind=Kind.SESSION,
        statement=dialect.set_session(catalog, name, trino_duration(retention)),
        summary=f"allow a retention of {trino_duration(retention)} in this session",
        why="it is below the catalog's floor, and --allow-short-retention was given",
        undo=Undo(
            reason="the setting ends with the session",
            statement=dialect.reset_session(catalog, name),
        ),
        temporary=True,
    )


def _does(history: History, fates: Retained, gone: Freed) -> tuple[str, ...]:
    if not fates.expired:
        return (f"Nothing: no snapshot of {history.table} is old enough and held by nothing.",)
    kinds = ", ".join(
        f"{count:,} {kind}{'' if count == 1 or kind == 'statistics' else 's'}"
        for kind, (count, _) in sorted(gone.by_kind().items())
    )
    return (
        f"Expires {len(fates.expired):,} of {len(fates.fates):,} snapshots.",
        f"Deletes {gone.count:,} files ({human_size(gone.bytes)}): {kinds or 'none'}.",
        "Leaves the rows of the table as they are.",
    )


def _moment(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
