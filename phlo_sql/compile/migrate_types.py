"""The type that a column of data files gets in Iceberg, and what that means.

Three spellings of one type: the file's, the table's (Trino, Iceberg connector), and that of a Hive
table over the same files, through which they are read for copies and proofs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pyarrow as pa

_SIMPLE = (
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_int32, "integer"),
    (pa.types.is_int64, "bigint"),
    (pa.types.is_float32, "real"),
    (pa.types.is_float64, "double"),
    (pa.types.is_date32, "date"),
    (pa.types.is_string, "varchar"),
    (pa.types.is_large_string, "varchar"),
    (pa.types.is_string_view, "varchar"),
    (pa.types.is_binary, "varbinary"),
    (pa.types.is_large_binary, "varbinary"),
    (pa.types.is_binary_view, "varbinary"),
)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_fixed_size_list,
)
_NARROW = {"int8": "tinyint", "int16": "smallint", "uint8": "smallint", "uint16": "integer"}
_WIDE = {32: "bigint", 64: "decimal(20,0)"}
_SIGNED = {32: "integer", 64: "bigint"}
_UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
MICROSECONDS = 6
_FIELD = re.compile(r"[\w. $]+")
_HAS = "letters, digits, spaces, dots, underscores and $ are what its name may have"
"""Metastores, the scratch catalog's too, hold types in Hive's spelling, which quotes no name
(TypeInfoUtils.isTypeChar)."""
_DIGITS = 38


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """`target` is empty where Iceberg has no such type; `meaning` says why then."""

    target: str = ""
    read: str = ""
    meaning: str = ""
    doubt: str | None = None
    unsigned: int | None = None


def mapped(kind: pa.DataType) -> Mapped:
    """The mapping of a type as Arrow reads it from a file."""
    if pa.types.is_dictionary(kind):
        return mapped(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return _extended(kind)
    for is_kind, name in _SIMPLE:
        if is_kind(kind):
            return Mapped(target=name, read=name)
    for is_kind, map_kind in _PARTICULAR:
        if is_kind(kind):
            return map_kind(kind)
    return _nested(kind)


def _extended(kind: pa.BaseExtensionType) -> Mapped:
    """Arrow's own names for what Parquet annotates (UUID), and other people's extensions."""
    if kind.extension_name == "arrow.uuid":
        return Mapped(target="uuid", read="varbinary")
    stored = mapped(kind.storage_type)
    if not stored.target:
        return stored
    told = f"it is stored as {kind.storage_type}; that it is {kind.extension_name} is not kept"
    json = kind.extension_name == "arrow.json"
    doubt = "Trino's add_files fails on the statistics of JSON" if json else stored.doubt
    meaning = "; ".join(each for each in (stored.meaning, told) if each)
    return replace(stored, meaning=meaning, doubt=doubt)


def _number(kind: pa.DataType) -> Mapped:
    """Integers that Iceberg has no type of its own for."""
    name = str(kind)
    if name in _NARROW:
        meaning = f"{name} becomes integer: Iceberg has no narrower one"
        return Mapped(target="integer", read=_NARROW[name], meaning=meaning)
    bits = int(kind.bit_width)
    wide = _WIDE[bits]
    return Mapped(
        target=wide,
        read=_SIGNED[bits],
        meaning=f"uint{bits} becomes {wide}, which holds every value of it",
        doubt=f"Iceberg has no uint{bits}, so its files can't be read in place",
        unsigned=bits,
    )


def _decimal(kind: pa.DataType) -> Mapped:
    if kind.precision > _DIGITS:
        return Mapped(meaning=f"Iceberg's decimals have {_DIGITS} digits at most, not {kind}")
    found = f"decimal({kind.precision},{kind.scale})"
    return Mapped(target=found, read=found)


def _fixed(_: pa.DataType) -> Mapped:
    return Mapped(target="varbinary", read="varbinary", meaning="its fixed length is not kept")


def _duration(kind: pa.DataType) -> Mapped:
    meaning = f"{kind} becomes bigint, a number of {_UNITS[kind.unit]}"
    return Mapped(target="bigint", read="bigint", meaning=meaning)


def _null(_: pa.DataType) -> Mapped:
    return Mapped(meaning="its files know no type for it, since every value is NULL")


def _moment(kind: pa.DataType) -> Mapped:
    if pa.types.is_time(kind):
        doubt = None if kind.unit == "us" else f"its unit is {_UNITS[kind.unit]}"
        return Mapped(target="time(6)", doubt=doubt)
    zoned = kind.tz is not None
    target = "timestamp(6) with time zone" if zoned else "timestamp(6)"
    if kind.unit == "us":
        return Mapped(target=target, read="timestamp(6)")
    rounded = "; below a microsecond it is rounded" if kind.unit == "ns" else ""
    return Mapped(
        target=target,
        read="timestamp(6)",
        meaning=f"{_UNITS[kind.unit]} become microseconds{rounded}",
        doubt=f"timestamps in {_UNITS[kind.unit]} get wrong bounds when files are taken in place, "
        "and queries would lose rows silently",
    )


def _nested(kind: pa.DataType) -> Mapped:
    if any(is_list(kind) for is_list in _LISTS):
        return _around([mapped(kind.value_type)], "array({})")
    if pa.types.is_map(kind):
        return _around([mapped(kind.key_type), mapped(kind.item_type)], "map({}, {})")
    if pa.types.is_struct(kind):
        fields = [kind.field(number) for number in range(kind.num_fields)]
        odd = next((each.name for each in fields if not _FIELD.fullmatch(each.name)), None)
        if odd is not None:
            return Mapped(meaning=f"no table can be staged with a field named {odd!r}: {_HAS}")
        form = ", ".join(f'"{each.name}" {{}}' for each in fields)
        return _around([mapped(each.type) for each in fields], f"row({form})")
    return Mapped(meaning=f"Iceberg has no type for {kind}")


def _around(inner: list[Mapped], form: str) -> Mapped:
    if missing := [each for each in inner if not each.target]:
        return Mapped(meaning=missing[0].meaning)
    if any(each.unsigned for each in inner):
        return Mapped(meaning="unsigned numbers inside other types can't be read right")
    reads = [each.read for each in inner]
    return Mapped(
        target=form.format(*(each.target for each in inner)),
        read=form.format(*reads) if all(reads) else "",
        meaning="; ".join(dict.fromkeys(each.meaning for each in inner if each.meaning)),
        doubt=next((each.doubt for each in inner if each.doubt), None),
    )


_PARTICULAR = (
    (pa.types.is_integer, _number),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_fixed_size_binary, _fixed),
    (pa.types.is_timestamp, _moment),
    (pa.types.is_time, _moment),
    (pa.types.is_duration, _duration),
    (pa.types.is_null, _null),
)
