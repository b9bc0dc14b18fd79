"""Table properties under Trino's names, and those that say nothing of what a table is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = {
    "write.format.default": "format",
    "write.target-file-size-bytes": "target_max_file_size",
    "write.parquet.row-group-size-bytes": "parquet_writer_row_group_size",
    "commit.retry.num-retries": "max_commit_retry",
    "write.metadata.delete-after-commit.enabled": "delete_after_commit_enabled",
    "write.metadata.previous-versions-max": "max_previous_versions",
    "write.object-storage.enabled": "object_store_layout_enabled",
    "write.data.path": "data_location",
    "write.orc.bloom.filter.columns": "orc_bloom_filter_columns",
    "write.orc.bloom.filter.fpp": "orc_bloom_filter_fpp",
}
SIZES = frozenset({"target_max_file_size", "parquet_writer_row_group_size"})
NUMBERS = frozenset({"max_commit_retry", "max_previous_versions", "orc_bloom_filter_fpp"})
FLAGS = frozenset({"delete_after_commit_enabled", "object_store_layout_enabled"})
LISTS = frozenset({"orc_bloom_filter_columns", "parquet_bloom_filter_columns"})
KNOWN = frozenset({*_NAMES.values(), "parquet_bloom_filter_columns"})
"""What Trino takes as a table property of this name; the rest are extra_properties."""
_BLOOM = "write.parquet.bloom-filter-enabled.column."
_PASSING = ("nessie.", "comment", "gc.enabled", "created-at", "owner", "schema.")
_CODECS = (
    "write.parquet.compression-codec",
    "write.orc.compression-codec",
    "write.avro.compression-codec",
)
"""Written by Trino for the format that the table has, from the session where nothing else says."""


def trino_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """What the table's properties say, sorted; what catalogs add for themselves is left out."""
    found: dict[str, str] = {}
    blooms: list[str] = []
    for name, value in properties.items():
        if name.startswith(_PASSING) or name in _CODECS:
            continue
        if name.startswith(_BLOOM):
            if value == "true":
                blooms.append(name.removeprefix(_BLOOM))
            continue
        found[_NAMES.get(name, name)] = value.upper() if name == "write.format.default" else value
    if blooms:
        found["parquet_bloom_filter_columns"] = ",".join(sorted(blooms))
    if found.get("object_store_layout_enabled") == "false":
        del found["object_store_layout_enabled"]
    found.setdefault("format", "PARQUET")
    return dict(sorted(found.items()))


def typed(name: str, value: str) -> Any:
    """A property's text as the value that Trino's property of that name takes."""
    if name in NUMBERS:
        return float(value) if "." in value else int(value)
    if name in FLAGS:
        return value == "true"
    if name in LISTS:
        return value.split(",")
    if name in SIZES:
        return f"{value}B"
    return value
