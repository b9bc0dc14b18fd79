"""What a rewriting costs and what tends to go wrong with it, said beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from phlo_sql.compile.optimize_settings import OWN_TARGET
from phlo_sql.compile.optimize_steps import data_files
from phlo_sql.compile.selection import Fate
from phlo_sql.model.state import DATA, EQUALITY_DELETES
from phlo_sql.model.units import human_size, trino_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from phlo_sql.compile.optimize_settings import Sizes
    from phlo_sql.compile.slices import Sliced
    from phlo_sql.model.server import Server
    from phlo_sql.model.state import TableState

_LOOKED_AT_SECONDS = 3600
_OFTEN = 6
"""Commits in the last hour: one every ten minutes is likely to meet a rewriting that takes long."""
_FURTHEST = 50
"""Times the largest recorded operation up to which an estimate is ventured."""
_SCOPED = 480
"""First Trino that removes the equality deletes of a partition under a WHERE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What this server's recorded operations did: bytes rewritten, and seconds."""

    samples: tuple[tuple[int, float], ...]

    def seconds(self, size: int) -> int | None:
        """What so many bytes will take: a start that every operation pays, and a time per byte.
        None where nothing of that order is recorded."""
        sizes = np.array([each for each, _ in self.samples], float)
        took = np.array([each for _, each in self.samples], float)
        if not len(sizes) or size > _FURTHEST * sizes.max():
            return None
        slope = float(took[sizes.argmax()] / sizes.max())
        if np.ptp(sizes) > 0:
            fitted, _ = np.polyfit(sizes, took, 1)
            slope = min(slope, max(float(fitted), 0.0))
        start = max(float(np.mean(took - slope * sizes)), 0.0)
        return max(1, round(start + slope * size))


def costs(sliced: Sliced, pace: Pace | None) -> tuple[str, ...]:
    """Bytes that are read and written, and how long that took here before."""
    selection, written = sliced.selection, sliced.outputs.added_bytes
    size = selection.rewritten_bytes + _applied_bytes(sliced)
    told = (
        f"Reads {human_size(size)} and writes {human_size(written.low)} to "
        f"{human_size(written.high)}; the old files stay until snapshots are expired."
    )
    seconds = None if pace is None else pace.seconds(size)
    if pace is None or seconds is None:
        return (told,)
    known = len(pace.samples)
    took = (
        f"Takes about {duration(seconds)}, going by {known} recorded "
        f"operation{'s' * (known > 1)} on this server."
    )
    return told, took


def seconds_of(sliced: Sliced, pace: Pace | None) -> int | None:
    """The estimate of `costs` as a number."""
    if pace is None or not sliced.slices:
        return None
    size = sliced.selection.rewritten_bytes + _applied_bytes(sliced)
    return pace.seconds(size)


def duration(seconds: int) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _applied_bytes(sliced: Sliced) -> int:
    return sliced.selection.size(Fate.REMOVED)


def warnings_of(
    state: TableState, server: Server, chosen: Sizes, sliced: Sliced, now: datetime
) -> tuple[str, ...]:
    """One sentence for each thing that is worth knowing before a yes."""
    return (
        *_left_behind(state, server, chosen),
        *_deletes_that_stay(server, sliced),
        *_evolved(state, sliced),
        *_busy(state, sliced, now),
    )


def _left_behind(state: TableState, server: Server, chosen: Sizes) -> Iterator[str]:
    if (
        chosen.target != chosen.current_target
        and not server.has_target_session_property
        and OWN_TARGET not in state.properties
    ):
        yield (
            f"the table keeps target_max_file_size = '{trino_size(chosen.target)}' afterwards: "
            f"it had none, and Trino {server.version} has no statement that takes one away"
        )


def _deletes_that_stay(server: Server, sliced: Sliced) -> Iterator[str]:
    files = sliced.selection.files
    kept = pc.and_(
        pc.equal(sliced.selection.fates, int(Fate.KEPT)), pc.greater(files["applies_to"], 0)
    )
    equality = pc.equal(files["content"], EQUALITY_DELETES)
    stay = _count(pc.and_(kept, equality))
    if stay:
        reason = (
            "those of an unpartitioned spec go only with a whole table"
            if server.version >= _SCOPED
            else f"Trino {server.version} removes them only when the whole table is rewritten"
        )
        yield (
            f"{stay:,} equality delete file{'s stay' if stay > 1 else ' stays'}, and every scan "
            f"goes on reading {'them' if stay > 1 else 'it'}: {reason}; run it without --where"
        )
    others = _count(pc.and_(kept, pc.and_(pc.greater(files["content"], DATA), pc.invert(equality))))
    if others and sliced.selection.whole_table:
        yield f"{others:,} position delete files stay: nothing they apply to is rewritten"


def _evolved(state: TableState, sliced: Sliced) -> Iterator[str]:
    if not sliced.selection.foreign_specs:
        return
    files = sliced.selection.files
    data = pc.equal(files["content"], DATA)
    older = pc.and_(data, pc.not_equal(files["spec_id"], state.default_spec_id))
    yield (
        f"the partitioning changed: {data_files(_count(older))} of {_count(data):,} have an older "
        "spec, and while one of them is taken Trino takes every small file, also where it is "
        "alone in its partition"
    )


def _busy(state: TableState, sliced: Sliced, now: datetime) -> Iterator[str]:
    since = now.timestamp() - _LOOKED_AT_SECONDS
    recent = [
        each
        for each in state.snapshots
        if each.timestamp_ms / 1000 > since and each.operation != "replace"
    ]
    if len(recent) < _OFTEN:
        return
    advice = "--accept-drift runs it beside them"
    if len(sliced.slices) < 2:
        advice += ", smaller slices (--max-slice-bytes) lose less to a conflict"
    yield (
        f"others committed to the table {len(recent):,} times in the last hour: commits that "
        f"delete or overwrite can conflict with a rewriting; {advice}"
    )


def _count(mask: object) -> int:
    return int(pc.sum(mask).as_py() or 0)
