"""Which files `expire_snapshots` deletes: what Iceberg's cleanup finds, which is not always all
that nothing reaches any more, and in rare histories more than that.

Two ways, both of Iceberg's core (1.9.1 in Trino 476, 1.11.0 in Trino 483):
- `ReachableFileCleanup`: what expired snapshots reach and kept ones don't.
- `IncrementalFileCleanup`, where main is all there is: files that a commit took away go when *that*
  commit expires, and files that a rolled back commit added. A file that was taken away and then
  put back by name (`add_files`) is among them, although it is alive: that is refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql.compile.reachable import (
    DATA,
    DELETES,
    MANIFEST,
    MANIFEST_LIST,
    SCHEMA,
    STATISTICS,
    Freed,
    distinct,
    freed,
    reached,
    rows_of,
)
from phlo_sql.errors import Code, PhloSqlError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.compile.retention import Retained
    from phlo_sql.model.history import History
    from phlo_sql.model.state import Snapshot

ADDED, DELETED = 1, 2
_REWRITTEN = 483
"""First tested with the rule of Iceberg 1.11; 476 carries 1.9.1."""
_SOURCE = "source-snapshot-id"
_NAMED = 3


def cleaned(history: History, fates: Retained, version: int) -> Freed:
    """The files that Trino `version` deletes when these snapshots expire.

    Raises PhloSqlError(UNSAFE_DELETION) where one of them is still in use.
    """
    if not fates.expired:
        return Freed(files=SCHEMA.empty_table())
    incremental = _only_main(history, fates, version)
    found = (
        _incremental(history, fates) if incremental else freed(history, fates.kept, fates.expired)
    )
    _refuse_live(history, fates, found)
    return found


def _refuse_live(history: History, fates: Retained, found: Freed) -> None:
    live = reached(history, fates.kept)["path"].combine_chunks()
    alive = found.files.filter(pc.is_in(found.files["path"], value_set=live))["path"].to_pylist()
    if not alive:
        return
    named = ", ".join(alive[:_NAMED]) + (" …" if len(alive) > _NAMED else "")
    raise PhloSqlError(
        Code.UNSAFE_DELETION,
        f"expiring snapshots of {history.table} would delete {len(alive):,} files that kept "
        f"snapshots read: {named}",
        "a commit took them away and a later one put them back under the same name; keep the "
        "snapshots (a longer --older-than), or rewrite the files first (table optimize)",
        data={"live_paths": alive[:1000]},
    )


def _only_main(history: History, fates: Retained, version: int) -> bool:
    gone = {ref.name for ref in fates.dropped_refs}
    refs = [ref for ref in history.refs if ref.name not in gone]
    if version < _REWRITTEN:
        return len(refs) == 1
    known = {each.snapshot_id: each for each in history.snapshots}
    main = _ancestors(known, history.snapshot_id)
    return all(each.snapshot_id in main for each in history.snapshots)


def _ancestors(known: Mapping[int, Snapshot], current: int | None) -> set[int]:
    found: set[int] = set()
    while current is not None and current in known:
        found.add(current)
        current = known[current].parent_id
    return found


def _incremental(history: History, fates: Retained) -> Freed:
    known = {each.snapshot_id: each for each in history.snapshots}
    ancestors = _ancestors(known, history.snapshot_id)
    sources = {
        int(known[each].summary[_SOURCE]) for each in ancestors if _SOURCE in known[each].summary
    }
    reach, kept, expired = history.reach, set(fates.kept), set(fates.expired)
    valid = {place for each in kept for place in reach.of_snapshot[each]}
    scan = {
        place
        for place in valid
        if reach.added_by[place] not in kept
        and (reach.added_by[place] in ancestors or reach.added_by[place] in sources)
    }
    dropped: set[int] = set()
    revert: set[int] = set()
    lists: list[int] = []
    for each in expired:
        source = int(known[each].summary.get(_SOURCE, -1))
        if each in sources or source in ancestors or source in sources:
            continue  # cherry-picked: its changes go with the commit that they were picked into
        lists.append(each)
        for place in set(reach.of_snapshot[each]) - valid:
            dropped.add(place)
            if reach.added_by[place] in ancestors:
                scan.add(place)
            elif reach.added_by[place] in expired:
                revert.add(place)
    return Freed(files=distinct(_files(history, fates, kept, scan, revert, dropped, lists)))


def _files(
    history: History,
    fates: Retained,
    kept: set[int],
    scan: set[int],
    revert: set[int],
    dropped: set[int],
    lists: list[int],
) -> pa.Table:
    reach, entries = history.reach, history.reach.entries
    taken_away = pc.and_(
        pc.and_(_within(entries, "manifest", scan), pc.equal(entries["status"], DELETED)),
        pc.invert(_within(entries, "snapshot_id", kept)),
    )
    rolled_back = pc.and_(_within(entries, "manifest", revert), pc.equal(entries["status"], ADDED))
    gone = entries.filter(pc.or_(taken_away, rolled_back))
    kinds = pc.if_else(pc.equal(gone["content"], 0), DATA, DELETES).cast(pa.string())
    statistics = [each for each in history.statistics if each.snapshot_id in set(fates.expired)]
    return pa.concat_tables(
        [
            pa.table([gone["path"], gone["size"], kinds], schema=SCHEMA),
            rows_of(
                ((reach.manifests[p].path, reach.manifests[p].size) for p in dropped), MANIFEST
            ),
            rows_of(((reach.lists[s].path, reach.lists[s].size) for s in lists), MANIFEST_LIST),
            rows_of(((each.path, each.size) for each in statistics), STATISTICS),
        ]
    )


def _within(entries: pa.Table, name: str, values: set[int]) -> pa.ChunkedArray:
    wanted = pa.array(sorted(values), entries.schema.field(name).type)
    return pc.is_in(entries[name], value_set=wanted)
