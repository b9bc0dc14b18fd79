"""A writer of whole tables out of hand-made manifests, in the shape of Iceberg Java's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import fastavro
from pyiceberg.table import StaticTable, Table

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]
_OPTIONAL = {"default": None}


def _statistic(name: str, field_id: int, key: int, value: int, kind: str) -> Json:
    pair = [
        {"name": "key", "type": "int", "field-id": key},
        {"name": "value", "type": kind, "field-id": value},
    ]
    items = {"type": "record", "name": f"k{key}_v{value}", "fields": pair}
    kinds = ["null", {"type": "array", "items": items, "logicalType": "map"}]
    return {"name": name, "type": kinds, "field-id": field_id, **_OPTIONAL}


def _list(name: str, field_id: int, kind: str) -> Json:
    kinds = ["null", {"type": "array", "items": kind, "element-id": field_id + 1}]
    return {"name": name, "type": kinds, "field-id": field_id, **_OPTIONAL}


def _field(name: str, field_id: int, kind: Any, *, optional: bool = False) -> Json:
    if optional:
        return {"name": name, "type": ["null", kind], "field-id": field_id, **_OPTIONAL}
    return {"name": name, "type": kind, "field-id": field_id}


def entry_schema(version: int, partition: list[Json]) -> Json:
    data_file = [
        _field("file_path", 100, "string"),
        _field("file_format", 101, "string"),
        _field("partition", 102, {"type": "record", "name": "r102", "fields": partition}),
        _field("record_count", 103, "long"),
        _field("file_size_in_bytes", 104, "long"),
        _statistic("column_sizes", 108, 117, 118, "long"),
        _statistic("value_counts", 109, 119, 120, "long"),
        _statistic("null_value_counts", 110, 121, 122, "long"),
        _statistic("lower_bounds", 125, 126, 127, "bytes"),
        _statistic("upper_bounds", 128, 129, 130, "bytes"),
        _list("split_offsets", 132, "long"),
        _field("sort_order_id", 140, "int", optional=True),
    ]
    numbers = []
    if version == 1:
        data_file.insert(5, _field("block_size_in_bytes", 105, "long"))
    else:
        data_file.insert(0, _field("content", 134, "int"))
        data_file += [
            _list("equality_ids", 135, "int"),
            _field("referenced_data_file", 143, "string", optional=True),
        ]
        numbers = [
            _field("sequence_number", 3, "long", optional=True),
            _field("file_sequence_number", 4, "long", optional=True),
        ]
    if version == 3:
        data_file += [
            _field("first_row_id", 142, "long", optional=True),
            _field("content_offset", 144, "long", optional=True),
            _field("content_size_in_bytes", 145, "long", optional=True),
        ]
    return {
        "type": "record",
        "name": "manifest_entry",
        "fields": [
            _field("status", 0, "int"),
            _field("snapshot_id", 1, "long", optional=version > 1),
            *numbers,
            _field("data_file", 2, {"type": "record", "name": "r2", "fields": data_file}),
        ],
    }


def list_schema(version: int) -> Json:
    fields = [
        _field("manifest_path", 500, "string"),
        _field("manifest_length", 501, "long"),
        _field("partition_spec_id", 502, "int"),
        _field("added_snapshot_id", 503, "long"),
        _field("added_files_count", 504, "int", optional=True),
        _field("existing_files_count", 505, "int", optional=True),
        _field("deleted_files_count", 506, "int", optional=True),
        *(_field(f"rows_{each}", each, "long") | {"default": 0} for each in (512, 513, 514)),
    ]
    if version > 1:
        fields += [_field("content", 517, "int"), _field("sequence_number", 515, "long")]
        fields += [_field("min_sequence_number", 516, "long") | {"default": 0}]
    return {"type": "record", "name": "manifest_file", "fields": fields}


def pairs(values: dict[int, Any] | None) -> list[Json] | None:
    return None if values is None else [{"key": k, "value": v} for k, v in values.items()]


def entry(path: str, **given: Any) -> Json:
    """One manifest entry, named as in the spec; statistics are dictionaries by column id."""
    top = {name: given.pop(name, None) for name in ("snapshot_id", "sequence_number")}
    top["file_sequence_number"] = given.pop("file_sequence_number", top["sequence_number"])
    statistics = ("value_counts", "null_value_counts", "lower_bounds", "upper_bounds")
    named = {name: pairs(given.pop(name, None)) for name in statistics}
    data_file: Json = {
        "content": 0,
        "file_path": path,
        "file_format": "PARQUET",
        "partition": {},
        "record_count": 10,
        "file_size_in_bytes": 1000,
        "block_size_in_bytes": 64,
        "column_sizes": pairs({1: 2}),
        "split_offsets": [4],
        **named,
    }
    status = given.pop("status", 1)
    return {"status": status, **top, "data_file": data_file | given}


@dataclass
class TableMaker:
    """Collects manifests; `table()` writes metadata.json and opens it with PyIceberg."""

    folder: Path
    version: int = 2
    columns: list[Json] = field(
        default_factory=lambda: [{"id": 1, "name": "a", "type": "long", "required": False}]
    )
    specs: list[Json] = field(default_factory=lambda: [{"spec-id": 0, "fields": []}])
    manifests: list[Json] = field(default_factory=list)
    avro_partitions: dict[int, list[Json]] = field(default_factory=dict)

    def manifest(self, entries: list[Json], **given: Any) -> Path:
        """Write one manifest; `given` overrides its row in the manifest list.

        `partition` is its Avro partition record, `version` its format, `without` names top fields
        that an old writer leaves out, `avro` goes to the Avro writer.
        """
        version = given.pop("version", self.version)
        options = {"codec": "deflate", "sync_interval": 64_000} | given.pop("avro", {})
        path = self.folder / f"m{len(self.manifests)}.avro"
        spec_id = given.get("partition_spec_id", 0)
        partition = given.pop("partition", None) or self.avro_partitions.get(spec_id, [])
        schema = entry_schema(version, partition)
        left_out = given.pop("without", ())
        schema["fields"] = [each for each in schema["fields"] if each["name"] not in left_out]
        with path.open("wb") as file:
            fastavro.writer(file, schema, entries, **options)
        counts = [sum(1 for each in entries if each["status"] == status) for status in (1, 0, 2)]
        self.manifests.append(
            {
                "manifest_path": f"file://{path}",
                "manifest_length": path.stat().st_size,
                "partition_spec_id": spec_id,
                "added_snapshot_id": 100,
                "added_files_count": counts[0],
                "existing_files_count": counts[1],
                "deleted_files_count": counts[2],
                "content": 0,
                "sequence_number": 7,
            }
            | given
        )
        return path

    def table(self) -> Table:
        manifest_list = self.folder / "snap.avro"
        with manifest_list.open("wb") as file:
            fastavro.writer(file, list_schema(self.version), self.manifests, codec="deflate")
        metadata = self.folder / "v1.metadata.json"
        metadata.write_text(json.dumps(self._metadata(manifest_list)))
        return StaticTable.from_metadata(f"file://{metadata}")

    def _metadata(self, manifest_list: Path) -> Json:
        snapshot: Json = {
            "snapshot-id": 100,
            "timestamp-ms": 1_700_000_000_000,
            "manifest-list": f"file://{manifest_list}",
            "summary": {"operation": "append"},
            "schema-id": 0,
        }
        if self.version > 1:
            snapshot["sequence-number"] = 7
        if self.version > 2:
            snapshot |= {"first-row-id": 0, "added-rows": 0}
        return {
            "format-version": self.version,
            "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
            "location": f"file://{self.folder}",
            "last-sequence-number": 7,
            "last-updated-ms": 1_700_000_000_000,
            "last-column-id": 100,
            "next-row-id": 0,
            "current-schema-id": 0,
            "schema": {"type": "struct", "fields": self.columns},
            "schemas": [{"type": "struct", "schema-id": 0, "fields": self.columns}],
            "partition-spec": self.specs[-1]["fields"],
            "default-spec-id": self.specs[-1]["spec-id"],
            "partition-specs": self.specs,
            "last-partition-id": 1100,
            "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}],
            "current-snapshot-id": 100,
            "snapshots": [snapshot],
            "refs": {"main": {"snapshot-id": 100, "type": "branch"}},
            "properties": {},
        }
