"""Partition values of manifest entries: from wire columns to one index per distinct value.

Distinct values are found in Arrow and numpy; only they become Python objects. Types are those that
the manifest's writer gave: it is the only place that still knows them once a source column is gone.
A date or timestamp beyond Python's years, or with nanoseconds, stays the integer of the spec.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from phlo_sql.model.state import Partition, PartitionField, PartitionSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pyarrow as pa
    from pyiceberg.table.metadata import TableMetadata

    from phlo_sql.observe.manifests_avro import Layout, PartitionColumn

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EXACT = Context(prec=80)  # the default of 28 digits would round Iceberg's 38


def partition_specs(metadata: TableMetadata) -> dict[int, PartitionSpec]:
    return {
        spec.spec_id: PartitionSpec(
            spec_id=spec.spec_id,
            fields=tuple(
                PartitionField(
                    source_id=field.source_id,
                    field_id=field.field_id,
                    name=field.name,
                    transform=str(field.transform),
                )
                for field in spec.fields
            ),
        )
        for spec in metadata.partition_specs
    }


def is_partitioned(spec: PartitionSpec) -> bool:
    """Whether some field is not void: what Iceberg Java calls partitioned."""
    return any(field.transform != "void" for field in spec.fields)


class PartitionIndex:
    """Numbers distinct partitions in the order in which they are first met."""

    def __init__(self, specs: Mapping[int, PartitionSpec]) -> None:
        self._specs = specs
        self._ids: dict[tuple[int, tuple[object, ...]], int] = {}
        self._partitions: list[Partition] = []

    @property
    def partitions(self) -> tuple[Partition, ...]:
        return tuple(self._partitions)

    def encode(self, table: pa.Table, layout: Layout, spec_id: int) -> np.ndarray[Any, Any]:
        """The index of each row's partition, int32."""
        import numpy as np

        columns = self._in_spec_order(layout, spec_id)
        codes = np.zeros(table.num_rows, dtype=np.int64)
        tuples = np.zeros((1, 0), dtype=np.int64)
        dictionaries: list[list[tuple[object, object]]] = []
        for described in columns:
            if described is None:
                tuples = np.hstack([tuples, np.zeros((len(tuples), 1), dtype=np.int64)])
                dictionaries.append([(None, None)])
                continue
            own, values = _distinct(table.column(described.column))
            transform = self._specs[spec_id].fields[len(dictionaries)].transform
            decode = _decoder(described, transform)
            dictionaries.append([(_key(value), decode(value)) for value in values])
            codes, kept = _factorise(codes * max(len(values), 1) + own)
            size = max(len(values), 1)
            tuples = np.hstack([tuples[kept // size], (kept % size)[:, None]])
        if not table.num_rows:
            return codes.astype(np.int32)
        numbers = [self._number(spec_id, row, dictionaries) for row in tuples.tolist()]
        return np.asarray(numbers, dtype=np.int32)[codes]

    def _in_spec_order(self, layout: Layout, spec_id: int) -> list[PartitionColumn | None]:
        by_id = {column.field_id: column for column in layout.partition}
        by_place = layout.partition if None in by_id else ()
        return [
            by_id.get(field.field_id) or (by_place[place] if place < len(by_place) else None)
            for place, field in enumerate(self._specs[spec_id].fields)
        ]

    def _number(
        self, spec_id: int, row: list[int], dictionaries: list[list[tuple[object, object]]]
    ) -> int:
        pairs = [values[place] for values, place in zip(dictionaries, row, strict=True)]
        key = (spec_id, tuple(pair[0] for pair in pairs))
        number = self._ids.get(key)
        if number is None:
            number = self._ids[key] = len(self._partitions)
            values = tuple(pair[1] for pair in pairs)
            self._partitions.append(Partition(spec_id=spec_id, values=values))
        return number


def _distinct(chunked: pa.ChunkedArray) -> tuple[np.ndarray[Any, Any], list[Any]]:
    encoded = chunked.combine_chunks().dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def _factorise(codes: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    import numpy as np
    import pyarrow as pa

    encoded = pa.array(codes).dictionary_encode()
    return (
        encoded.indices.to_numpy().astype(np.int64),
        encoded.dictionary.to_numpy(zero_copy_only=False),
    )


def _key(value: object) -> object:
    """What makes two wire values the same: NaN is itself, and -0.0 is not 0.0 (as in Java)."""
    return struct.pack("<d", value) if isinstance(value, float) else value


def _decoder(described: PartitionColumn, transform: str) -> Callable[[Any], object]:
    decode = _value_decoder(described, transform)
    return lambda value: None if value is None else decode(value)


def _value_decoder(described: PartitionColumn, transform: str) -> Callable[[Any], object]:
    match described.kind, described.logical:
        case "int", "date":
            return _date
        case "int", _ if transform == "day":  # the spec's older text had `day` as a plain integer
            return _date
        case "long", "time-micros":
            return _time
        case "long", "timestamp-micros":
            return lambda value: _timestamp(value, utc=described.utc)
        case "long", "timestamp-nanos":
            return lambda value: (
                value if value % 1000 else _timestamp(value // 1000, utc=described.utc)
            )
        case (("fixed" | "bytes"), "decimal"):
            scale = described.precision_scale[1] if described.precision_scale else 0
            return lambda value: _decimal(value, scale)
        case "fixed", "uuid":
            return lambda value: UUID(bytes=value)
        case "string", "uuid":
            return UUID
        case _:
            return lambda value: value


def _decimal(value: bytes, scale: int) -> Decimal:
    return Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _EXACT)


def _date(days: int) -> object:
    try:
        return date.fromordinal(_EPOCH_ORDINAL + days)
    except (ValueError, OverflowError):
        return days


def _time(micros: int) -> object:
    seconds, micros = divmod(micros, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def _timestamp(micros: int, *, utc: bool) -> object:
    epoch = datetime(1970, 1, 1, tzinfo=UTC if utc else None)
    try:
        return epoch + timedelta(microseconds=micros)
    except OverflowError:
        return micros
