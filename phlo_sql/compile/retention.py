"""Which snapshots `expire_snapshots` keeps and why: Iceberg's own rule, followed step by step.

`RemoveSnapshots.internalApply` of Iceberg's core (1.9 and 1.10, which Trino 476 and 483 carry):
refs past their own age go first (main never), then each branch keeps its newest ancestors, then
what no ref reaches stays while it is young. A cutoff keeps what is exactly as old as it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from phlo_sql.model.state import Snapshot, SnapshotRef

_MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a snapshot; `why` names what holds a kept one, or why an expired one goes."""

    snapshot: Snapshot
    kept: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """Fates from the oldest snapshot on, and refs that go because of their own age."""

    fates: tuple[Fate, ...]
    dropped_refs: tuple[SnapshotRef, ...]

    @property
    def kept(self) -> tuple[int, ...]:
        return tuple(fate.snapshot.snapshot_id for fate in self.fates if fate.kept)

    @property
    def expired(self) -> tuple[int, ...]:
        return tuple(fate.snapshot.snapshot_id for fate in self.fates if not fate.kept)


def retained(
    snapshots: Sequence[Snapshot],
    refs: Sequence[SnapshotRef],
    *,
    now_ms: int,
    cutoff_ms: int,
    keep_last: int,
    properties: Mapping[str, str],
) -> Retained:
    """The fates of all snapshots at `now_ms`, in milliseconds since 1970.

    `cutoff_ms` and `keep_last` hold where a branch says nothing of its own.
    """
    known = {each.snapshot_id: each for each in snapshots}
    oldest_ref = int(properties.get("history.expire.max-ref-age-ms", 2**63 - 1))
    alive = [ref for ref in refs if _stays(ref, known, now_ms, oldest_ref)]
    why: dict[int, str] = {}
    for ref in alive:
        for snapshot, reason in _kept_by(ref, known, now_ms, cutoff_ms, keep_last):
            why.setdefault(snapshot.snapshot_id, reason)
    reached = {each.snapshot_id for ref in alive for each in _ancestors(known, ref.snapshot_id)}
    for snapshot in snapshots:
        if snapshot.snapshot_id not in reached and snapshot.timestamp_ms >= cutoff_ms:
            why.setdefault(snapshot.snapshot_id, "younger than the retention")
    fates = (
        Fate(
            snapshot=each,
            kept=each.snapshot_id in why,
            why=why.get(each.snapshot_id, "older than the retention"),
        )
        for each in sorted(snapshots, key=lambda each: (each.timestamp_ms, each.sequence_number))
    )
    dropped = tuple(ref for ref in refs if ref not in alive)
    return Retained(fates=tuple(fates), dropped_refs=dropped)


def _stays(
    ref: SnapshotRef, known: Mapping[int, Snapshot], now_ms: int, default_age_ms: int
) -> bool:
    if ref.name == _MAIN:
        return True
    snapshot = known.get(ref.snapshot_id)
    age = ref.max_ref_age_ms if ref.max_ref_age_ms is not None else default_age_ms
    return snapshot is not None and now_ms - snapshot.timestamp_ms <= age


def _kept_by(
    ref: SnapshotRef,
    known: Mapping[int, Snapshot],
    now_ms: int,
    cutoff_ms: int,
    keep_last: int,
) -> Iterator[tuple[Snapshot, str]]:
    if ref.kind == "tag":
        if ref.snapshot_id in known:
            yield known[ref.snapshot_id], f"tag {ref.name}"
        return
    own_age = ref.max_snapshot_age_ms
    cutoff = cutoff_ms if own_age is None else now_ms - own_age
    least = ref.min_snapshots_to_keep if ref.min_snapshots_to_keep is not None else keep_last
    for place, snapshot in enumerate(_ancestors(known, ref.snapshot_id)):
        if place == 0:
            yield snapshot, f"branch {ref.name}"
        elif snapshot.timestamp_ms >= cutoff:
            whose = "the retention" if own_age is None else f"the retention of branch {ref.name}"
            yield snapshot, f"younger than {whose}"
        elif place < least:
            whose = "" if ref.min_snapshots_to_keep is None else f" of branch {ref.name}"
            yield snapshot, f"one of the last {least}{whose}"
        else:
            return


def _ancestors(known: Mapping[int, Snapshot], snapshot_id: int | None) -> Iterator[Snapshot]:
    while snapshot_id is not None and snapshot_id in known:
        snapshot = known[snapshot_id]
        yield snapshot
        snapshot_id = snapshot.parent_id
