"""Where an `optimize` is cut: boxes of partitions, or groups of files, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from phlo_sql import dialect
from phlo_sql.compile.boxes import Axis, Box, axes, ordered
from phlo_sql.compile.selection import ROW, Restriction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phlo_sql.model.state import TableState

_STATEMENT = 700_000
"""Characters of paths in one statement; `query.max-length` is 1,000,000 by default."""
_ARRIVAL = ("file_sequence_number", "path")
_PER_PATH = 4
"""Quotes, comma and space around each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one slice."""

    max_bytes: int
    max_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a slice is to be made, before it is predicted."""

    predicate: dialect.Expression
    restriction: Restriction
    text: str
    places: frozenset[int]
    """Partitions whose files matter to it."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a slice takes upon itself."""

    bytes: int = 0
    files: int = 0
    characters: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(
            self.bytes + other.bytes,
            self.files + other.files,
            self.characters + other.characters,
        )

    def parts(self, limits: Limits) -> int:
        """Into how many slices this load falls at least."""
        by_bytes = -(-self.bytes // limits.max_bytes)
        by_files = -(-self.files // limits.max_files)
        return max(1, by_bytes, by_files, -(-self.characters // _STATEMENT))


class Cutter:
    """Finds where to cut one table."""

    def __init__(self, state: TableState, files: pa.Table, limits: Limits) -> None:
        """`files` are those to be rewritten, by their places in the state's files."""
        self.state, self.limits = state, limits
        self.files = files
        self._sorted: pa.Table | None = None
        self._dirty = bool(pc.any(pc.greater(files["deletes"], 0)).as_py())
        self.axes = axes(state)
        self._along = _along(state, self.axes[0]) if self.axes else {}
        """All partitions by their value on the first axis, which every box bounds."""
        self.loads = self._loads()
        self.warnings: list[str] = []
        self.split = False
        """One partition became several groups of files."""

    def cuts(self) -> tuple[list[Cut] | None, tuple[str, ...]]:
        """None: this table can't be cut."""
        if self.axes:
            found = list(self._boxes(Box(), sorted(self.loads), self.axes))
        elif self._has_deletes():
            reason = "delete files need whole partitions, and no predicate names those of it"
            return None, (f"{self.state.table} is rewritten in one statement: {reason}",)
        else:
            found = list(self._paths(sorted(self.loads)))
        return found, tuple(self.warnings)

    def _loads(self) -> dict[int, Load]:
        totals = self.files.group_by("partition").aggregate([("size", "sum"), ([], "count_all")])
        return {
            row["partition"]: Load(row["size_sum"], row["count_all"]) for row in totals.to_pylist()
        }

    def _load(self, places: Sequence[int]) -> Load:
        return sum((self.loads[place] for place in places), Load())

    def _has_deletes(self, places: Sequence[int] | None = None) -> bool:
        files = self.files
        if not self._dirty:
            return False
        if places is not None:
            files = files.filter(pc.is_in(files["partition"], pa.array(places, pa.int32())))
        return bool(pc.any(pc.greater(files["deletes"], 0)).as_py())

    def _boxes(self, box: Box, places: Sequence[int], left: tuple[Axis, ...]) -> Iterator[Cut]:
        """Neighbours along the first axis together up to the limits; what exceeds them by itself
        is cut along the next axis."""
        if not left:
            yield from self._leaf(box, places)
            return
        axis, partitions = left[0], self.state.files.partitions
        by_value: dict[object, list[int]] = {}
        for place in places:
            by_value.setdefault(partitions[place].values[axis.place], []).append(place)
        batch: list[object] = []
        load = Load()
        for value in ordered(by_value):
            own = self._load(by_value[value])
            if batch and ((load + own).parts(self.limits) > 1):
                yield self._cut(box.with_side(axis, batch))
                batch, load = [], Load()
            if own.parts(self.limits) > 1:
                yield from self._boxes(box.with_side(axis, [value]), by_value[value], left[1:])
            else:
                batch, load = [*batch, value], load + own
        if batch:
            yield self._cut(box.with_side(axis, batch))

    def _cut(self, box: Box) -> Cut:
        near = (place for value in box.sides[0][1] for place in self._along[value])
        restriction = box.restriction(self.state, near)
        return Cut(
            predicate=box.predicate(),
            restriction=restriction,
            text=box.text,
            places=restriction.partitions or frozenset(),
        )

    def _leaf(self, box: Box, places: Sequence[int]) -> Iterator[Cut]:
        """Partitions that no further predicate tells apart, larger than a slice should be."""
        if self._has_deletes(places):
            self.warnings.append(
                f"{box.text} exceeds the size of a slice: its delete files are removed only when "
                "it is rewritten as a whole"
            )
            yield self._cut(box)
        else:
            yield from self._paths(places)

    def _paths(self, places: Sequence[int]) -> Iterator[Cut]:
        """Groups of files: small partitions side by side, a large one in parts of one size."""
        group: list[str] = []
        inside: set[int] = set()
        load = Load()
        for place, files in self._by_place(places):
            own = [
                (path, Load(size, 1, len(path) + _PER_PATH))
                for path, size in zip(
                    files["path"].to_pylist(), files["size"].to_pylist(), strict=True
                )
            ]
            total = sum((each for _, each in own), Load())
            if group and (load + total).parts(self.limits) > 1:
                yield self._path_cut(group, inside)
                group, inside, load = [], set(), Load()
            if total.parts(self.limits) == 1:
                group, load = [*group, *(path for path, _ in own)], load + total
                inside.add(place)
                continue
            self.split = True
            for part in _even(own, total.parts(self.limits)):
                yield self._path_cut(part, {place})
        if group:
            yield self._path_cut(group, inside)

    def _by_place(self, places: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
        if self._sorted is None:
            self._sorted = self.files.sort_by("partition")
        partition, paths = self._sorted["partition"].to_numpy(), self.state.files.files["path"]
        for place in places:
            start, end = np.searchsorted(partition, [place, place + 1])
            part = self._sorted.slice(start, end - start)
            named = part.append_column("path", paths.take(part[ROW].combine_chunks()))
            yield place, named.sort_by([(name, "ascending") for name in _ARRIVAL])

    def _path_cut(self, paths: Sequence[str], places: set[int]) -> Cut:
        return Cut(
            predicate=dialect.in_paths(paths),
            restriction=Restriction(paths=frozenset(paths)),
            text=f"{len(paths):,} files by name",
            places=frozenset(places),
        )


def _along(state: TableState, axis: Axis) -> dict[object, list[int]]:
    found: dict[object, list[int]] = {}
    for place, partition in enumerate(state.files.partitions):
        if partition.spec_id == state.default_spec_id:
            found.setdefault(partition.values[axis.place], []).append(place)
    return found


def _even(files: Sequence[tuple[str, Load]], parts: int) -> Iterator[list[str]]:
    """Runs of files, each with about the same share of the bytes and of the files."""
    total = sum((load for _, load in files), Load())
    group: list[str] = []
    done, made = Load(), 1
    for path, load in files:
        group.append(path)
        done = done + load
        share = made / parts
        if done.bytes >= share * total.bytes or done.files >= share * total.files * 1.2:
            yield group
            group, made = [], made + 1
    if group:
        yield group
