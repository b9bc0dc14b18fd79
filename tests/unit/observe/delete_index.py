"""Iceberg Java's `DeleteFileIndex`, one file at a time and as literally as Python allows.

The reference for `phlo_sql.observe.deletes`, which counts the same pairs for whole columns. Entries
are those of `manifest_maker`; a partition is compared by value under one spec id.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

FILE_PATH = 2147483546


@dataclass(frozen=True)
class File:
    """A data or delete file with what `DeleteFileIndex` asks of it."""

    path: str
    spec_id: int
    sequence: int
    data: dict[str, Any]

    def statistic(self, name: str) -> dict[int, Any] | None:
        pairs = self.data.get(name)
        return None if pairs is None else {each["key"]: each["value"] for each in pairs}


@dataclass(frozen=True)
class Column:
    field_id: int
    kind: str
    required: bool


def number(kind: str, bound: bytes) -> Any:
    if kind in ("float", "double"):
        return struct.unpack("<f" if len(bound) == 4 else "<d", bound)[0]
    if kind.startswith("decimal"):
        return int.from_bytes(bound, "big", signed=True)
    if kind in ("string", "binary"):
        return bound
    return int.from_bytes(bound, "little", signed=True)


def target(delete: File) -> str | None:
    if delete.data["content"] == 2:
        return None
    if delete.data.get("referenced_data_file"):
        return str(delete.data["referenced_data_file"])
    lower = (delete.statistic("lower_bounds") or {}).get(FILE_PATH)
    upper = (delete.statistic("upper_bounds") or {}).get(FILE_PATH)
    return lower.decode() if lower is not None and lower == upper else None


def applies(
    delete: File,
    data: File,
    *,
    partitioned: bool,
    columns: dict[int, Column],
    deletes: list[File],
) -> bool:
    """Whether a scan reads `delete` with `data`; `deletes` are all delete files of the snapshot."""
    same = delete.spec_id == data.spec_id and delete.data["partition"] == data.data["partition"]
    if delete.data["content"] == 2:
        if partitioned and not same:
            return False
        return data.sequence < delete.sequence and may_contain(data, delete, columns)
    if delete.data["file_format"] == "PUFFIN":
        return target(delete) == data.path
    vectors = [each for each in deletes if each.data["file_format"] == "PUFFIN"]
    if any(target(each) == data.path for each in vectors):
        return False
    named = target(delete)
    return delete.sequence >= data.sequence and (same if named is None else named == data.path)


def may_contain(data: File, delete: File, columns: dict[int, Column]) -> bool:
    lowers, uppers = data.statistic("lower_bounds"), data.statistic("upper_bounds")
    own_lowers, own_uppers = delete.statistic("lower_bounds"), delete.statistic("upper_bounds")
    check = None not in (lowers, uppers, own_lowers, own_uppers)
    nulls, values = data.statistic("null_value_counts"), data.statistic("value_counts")
    own_nulls = delete.statistic("null_value_counts")
    own_values = delete.statistic("value_counts")
    for field_id in delete.data["equality_ids"]:
        column = columns[field_id]
        if contains_null(nulls, column) and contains_null(own_nulls, column):
            continue
        if all_null(nulls, values, column) and all_non_null(own_nulls, column):
            return False
        if all_null(own_nulls, own_values, column) and all_non_null(nulls, column):
            return False
        if not check:
            continue
        sides = (lowers, uppers, own_lowers, own_uppers)
        bounds = [each[field_id] for each in sides if each and field_id in each]
        if len(bounds) < 4:
            continue
        low, high, own_low, own_high = (number(column.kind, bound) for bound in bounds)
        if low > own_high or own_low > high:
            return False
    return True


def contains_null(nulls: dict[int, int] | None, column: Column) -> bool:
    if column.required:
        return False
    return nulls is None or nulls.get(column.field_id) is None or nulls[column.field_id] > 0


def all_null(nulls: dict[int, int] | None, values: dict[int, int] | None, column: Column) -> bool:
    if column.required or nulls is None or values is None:
        return False
    null, value = nulls.get(column.field_id), values.get(column.field_id)
    return null is not None and null == value


def all_non_null(nulls: dict[int, int] | None, column: Column) -> bool:
    if column.required:
        return True
    return (
        nulls is not None
        and nulls.get(column.field_id) is not None
        and (nulls[column.field_id] <= 0)
    )
