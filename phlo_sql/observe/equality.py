"""Whether an equality delete can touch a data file, judged by both files' statistics.

The judgement is `DeleteFileIndex.canContainEqDeletesForFile` (iceberg-core 1.9.1 and 1.11.0), for
many data files at once. What is missing never rules anything out. Used by `deletes` only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from phlo_sql.observe.manifests_avro import column
from phlo_sql.observe.manifests_read import INDEX
from phlo_sql.observe.manifests_scan import scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import pyarrow as pa
    from pyiceberg.types import IcebergType, NestedField

    from phlo_sql.observe.deletes import DeleteFiles, Source

    Array: TypeAlias = np.ndarray[Any, Any]

_STATUS, _DELETED = 0, 2
VALUES, NULLS, LOWERS, UPPERS = 109, 110, 125, 128
STATISTICS = (VALUES, NULLS, LOWERS, UPPERS)
"""Field ids of the statistics that decide what a delete file applies to."""


def statistic(lists: pa.Array, field_id: int, kind: pa.DataType) -> pa.Array:
    """One column's value out of Iceberg's key-value lists, null where it is absent."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(lists.type):
        return pa.nulls(len(lists), kind)
    entries = lists.flatten()
    own = pc.equal(entries.field("key"), field_id)
    places = np.full(len(lists), -1, dtype=np.int64)
    parents = pc.list_parent_indices(lists).filter(own).to_numpy()
    places[parents] = np.arange(len(parents))
    values = entries.field("value").filter(own)
    return values.take(pa.array(places, mask=places < 0)).cast(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """One column's statistics over many files; -1 and null mean: not known."""

    nulls: Array
    values: Array
    lower: pa.Array
    upper: pa.Array
    """Comparable keys: int64, or binary in byte order."""

    @staticmethod
    def of(field: NestedField, lists: dict[int, pa.Array]) -> _Facts:
        import pyarrow as pa
        import pyarrow.compute as pc

        def count(which: int) -> Array:
            found = statistic(lists[which], field.field_id, pa.int64())
            return pc.fill_null(found, -1).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]

        def keys(which: int) -> pa.Array:
            found = statistic(lists[which], field.field_id, pa.binary())
            return comparable(found, field.field_type)

        return _Facts(
            nulls=count(NULLS), values=count(VALUES), lower=keys(LOWERS), upper=keys(UPPERS)
        )

    def take(self, places: Array) -> _Facts:
        return _Facts(
            nulls=self.nulls[places],
            values=self.values[places],
            lower=self.lower.take(places),
            upper=self.upper.take(places),
        )

    @staticmethod
    def joined(parts: Sequence[_Facts]) -> _Facts:
        import numpy as np
        import pyarrow as pa

        return _Facts(
            nulls=np.concatenate([part.nulls for part in parts]),
            values=np.concatenate([part.values for part in parts]),
            lower=pa.concat_arrays([part.lower for part in parts]),
            upper=pa.concat_arrays([part.upper for part in parts]),
        )


class Evidence:
    """Statistics of data files for the columns that equality deletes name."""

    def __init__(self, fields: dict[int, NestedField], place: Array) -> None:
        self._fields = fields
        self._place = place
        """Inventory row → place in the facts, -1 where nothing was read."""
        self._data: dict[int, _Facts] = {}
        self._deletes: dict[int, _Facts] = {}

    @classmethod
    def read(
        cls, source: Source, found: DeleteFiles, manifest_of: Array, wanted: Array, ids: set[int]
    ) -> Evidence:
        """Read what `wanted` inventory rows say of the columns `ids`."""
        import numpy as np
        import pyarrow.compute as pc

        fields = {
            each: field for each, field in _fields(source).items() if each in ids and _kept(field)
        }
        evidence = cls(fields, np.full(len(manifest_of), -1, dtype=np.int64))
        numbers = set(np.unique(manifest_of[wanted]).tolist())
        rows_of = {number: np.flatnonzero(manifest_of == number) for number in numbers}
        parts: dict[int, list[_Facts]] = {each: [] for each in fields}
        chosen = [(number, each) for number, each in source.manifests if number in numbers]
        read = 0
        for part in scan(
            source.table.io, chosen, lambda _: (_STATUS, *STATISTICS), engine=source.engine
        ):
            rows = part.table.filter(pc.not_equal(part.table.column(column(_STATUS)), _DELETED))
            lists = statistics_of(rows)
            for each, field in fields.items():
                parts[each].append(_Facts.of(field, lists))
            for number in dict.fromkeys(rows.column(INDEX).to_pylist()):
                own = rows_of[number]
                evidence._place[own] = np.arange(read, read + len(own))
                read += len(own)
        for each, field in fields.items():
            if parts[each]:
                evidence._data[each] = _Facts.joined(parts[each])
                evidence._deletes[each] = _Facts.joined(
                    [_Facts.of(field, lists) for lists in found.statistics]
                )
        return evidence

    def may_apply(self, delete: int, ids: Sequence[int], rows: Array) -> Array:
        """For each data row, whether the equality delete at place `delete` can touch it."""
        import numpy as np

        possible = np.ones(len(rows), dtype=np.bool_)
        for each in ids:
            if each in self._data:
                data = self._data[each].take(self._place[rows])
                own = self._deletes[each].take(np.array([delete]))
                possible &= _may_match(data, own, required=self._fields[each].required)
        return possible


def statistics_of(rows: pa.Table) -> dict[int, pa.Array]:
    """The statistics lists of these rows; an array of type null where a manifest has none."""
    import pyarrow as pa

    return {
        each: rows.column(column(each)).combine_chunks()
        if column(each) in rows.column_names
        else pa.nulls(rows.num_rows)
        for each in STATISTICS
    }


def _may_match(data: _Facts, own: _Facts, *, required: bool) -> Array:
    import numpy as np
    import pyarrow.compute as pc

    def never(counts: _Facts) -> Array:
        return counts.nulls == 0 if not required else np.ones(len(counts.nulls), dtype=np.bool_)

    def only(counts: _Facts) -> Array:
        known = (counts.nulls >= 0) & (counts.values >= 0) & (counts.nulls == counts.values)
        return known if not required else np.zeros(len(counts.nulls), dtype=np.bool_)

    both_null = ~never(data) & ~never(own)
    apart = (only(data) & never(own)) | (only(own) & never(data))
    lower, upper = own.lower[0], own.upper[0]
    if lower.is_valid and upper.is_valid:
        above = pc.and_kleene(pc.greater(data.lower, upper), pc.is_valid(data.upper))
        below = pc.and_kleene(pc.greater(lower, data.upper), pc.is_valid(data.lower))
        outside = pc.fill_null(pc.or_kleene(above, below), fill_value=False)
        apart |= outside.to_numpy(zero_copy_only=False)
    return np.asarray(both_null | ~apart)


def _fields(source: Source) -> dict[int, NestedField]:
    """Every field that any schema of the table has, in its newest form."""
    from pyiceberg.schema import index_by_id

    metadata = source.table.metadata
    fields: dict[int, NestedField] = {}
    for schema in metadata.schemas:
        fields |= index_by_id(schema)
    return fields | index_by_id(source.table.schema())


def _kept(field: NestedField) -> bool:
    return field.field_type.is_primitive


def comparable(bounds: pa.Array, kind: IcebergType) -> pa.Array:
    """Serialised bounds (Iceberg spec, Appendix D) as keys that sort as in Java."""
    import pyarrow as pa

    convert = _integer_key(kind)
    if convert is not None:
        keys = [None if each is None else convert(each) for each in bounds.to_pylist()]
        return pa.array(keys, type=pa.int64())
    rearrange = _binary_key(kind)
    if rearrange is None:
        return bounds
    return pa.array(
        [None if each is None else rearrange(each) for each in bounds.to_pylist()], pa.binary()
    )


def _integer_key(kind: IcebergType) -> Callable[[bytes], int] | None:
    match str(kind):
        case "boolean":
            return lambda data: int(data != b"\x00")
        case "int" | "long" | "date" | "time":
            return _little
        case text if text.startswith("timestamp"):
            return _little
        case "float" | "double":
            return _float_key
        case _:
            return None


def _little(data: bytes) -> int:
    # four bytes where an int column became long later
    return int.from_bytes(data, "little", signed=True)


def _float_key(data: bytes) -> int:
    (value,) = struct.unpack("<f" if len(data) == 4 else "<d", data)
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits if bits >= 0 else bits ^ 0x7FFF_FFFF_FFFF_FFFF)


def _binary_key(kind: IcebergType) -> Callable[[bytes], bytes] | None:
    text = str(kind)
    if text.startswith("decimal"):
        return lambda data: (int.from_bytes(data, "big", signed=True) + 2**127).to_bytes(16, "big")
    if text == "uuid":  # java.util.UUID compares its halves as signed numbers
        return lambda data: bytes([data[0] ^ 0x80, *data[1:8], data[8] ^ 0x80, *data[9:]])
    return None
