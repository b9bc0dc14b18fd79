"""Iceberg's own JSON of a table's metadata, read into a `TableSchema`.

PyIceberg 0.12 loads no table with a `variant` or `geometry` column, so the document is read as the
spec defines it (https://iceberg.apache.org/spec/, "Appendix C: JSON serialization").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phlo_sql.schema.model import (
    Field,
    ListOf,
    MapOf,
    PartitionTerm,
    Primitive,
    SortTerm,
    Struct,
    TableSchema,
)
from phlo_sql.schema.properties import trino_properties
from phlo_sql.schema.spelling import CRS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phlo_sql.model.names import TableName
    from phlo_sql.schema.model import Type

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)\Z")
_FIXED = re.compile(r"fixed\[(\d+)\]\Z")
_GEO = re.compile(r"(geometry|geography)(?:\((.*)\))?\Z")


def read_metadata(
    document: Mapping[str, Any],
    *,
    name: TableName | None = None,
    ref: str | None = None,
    location: str = "",
    schema_id: int | None = None,
) -> TableSchema:
    """The schema of a metadata document: the current one, or the one of `schema_id`."""
    schemas = document.get("schemas") or [document["schema"]]
    current = document.get("current-schema-id", 0) if schema_id is None else schema_id
    shown = next(each for each in schemas if each.get("schema-id", 0) == current)
    specs = document.get("partition-specs") or [
        {"spec-id": 0, "fields": document.get("partition-spec", [])}
    ]
    default_spec = document.get("default-spec-id", 0)
    orders = document.get("sort-orders") or []
    default_order = document.get("default-sort-order-id", 0)
    properties = dict(document.get("properties") or {})
    return TableSchema(
        name=name,
        ref=ref,
        uuid=document.get("table-uuid"),
        format_version=int(document.get("format-version", 1)),
        schema_id=current,
        fields=_fields(shown),
        last_id=int(document.get("last-column-id", 0)),
        comment=properties.get("comment"),
        partitioning=tuple(
            PartitionTerm(
                source=each.get("source-id") or each["source-ids"][0],
                transform=each["transform"],
                name=each["name"],
            )
            for spec in specs
            if spec["spec-id"] == default_spec
            for each in spec["fields"]
            if each["transform"] != "void"
        ),
        old_sources=frozenset(
            each.get("source-id") or each["source-ids"][0]
            for spec in specs
            if spec["spec-id"] != default_spec
            for each in spec["fields"]
        ),
        sort=tuple(
            SortTerm(
                source=each.get("source-id") or each["source-ids"][0],
                transform=each["transform"],
                descending=each["direction"] == "desc",
                nulls_first=each["null-order"] == "nulls-first",
            )
            for order in orders
            if order["order-id"] == default_order
            for each in order["fields"]
        ),
        identifier=frozenset(shown.get("identifier-field-ids") or ()),
        properties=trino_properties(properties),
        versions={each.get("schema-id", 0): _fields(each) for each in schemas},
        location=str(document.get("location", "")),
        metadata_location=location,
        snapshot_id=_snapshot(document),
    )


def _snapshot(document: Mapping[str, Any]) -> int | None:
    found = document.get("current-snapshot-id")
    return None if found in (None, -1) else int(str(found))


def read_type(value: Any) -> Type:
    """One type of the document."""
    if isinstance(value, str):
        return _primitive(value)
    match value["type"]:
        case "struct":
            return Struct(_fields(value))
        case "list":
            return ListOf(
                Field(
                    name="element",
                    id=value["element-id"],
                    required=bool(value["element-required"]),
                    type=read_type(value["element"]),
                )
            )
        case "map":
            return MapOf(
                Field(name="key", id=value["key-id"], required=True, type=read_type(value["key"])),
                Field(
                    name="value",
                    id=value["value-id"],
                    required=bool(value["value-required"]),
                    type=read_type(value["value"]),
                ),
            )
        case other:
            return Primitive(str(other))


def _fields(struct: Mapping[str, Any]) -> tuple[Field, ...]:
    return tuple(
        Field(
            id=each["id"],
            name=each["name"],
            required=bool(each["required"]),
            type=read_type(each["type"]),
            doc=each.get("doc"),
            initial_default=each.get("initial-default"),
            write_default=each.get("write-default"),
        )
        for each in struct["fields"]
    )


def _primitive(text: str) -> Primitive:
    if match := _DECIMAL.match(text):
        return Primitive("decimal", (int(match[1]), int(match[2])))
    if match := _FIXED.match(text):
        return Primitive("fixed", (int(match[1]),))
    if match := _GEO.match(text):
        parts = [part.strip() for part in (match[2] or CRS).split(",")]
        return Primitive(match[1], (parts[0],))
    return Primitive(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the newest snapshot says of itself; None where it says nothing."""

    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    updated: str | None = None


def read_facts(document: Mapping[str, Any]) -> Facts:
    current = _snapshot(document)
    found = [each for each in document.get("snapshots") or () if each["snapshot-id"] == current]
    if not found:
        return Facts()
    summary = found[0].get("summary") or {}
    rows, files, size = (
        int(summary[name]) if name in summary else None
        for name in ("total-records", "total-data-files", "total-files-size")
    )
    moment = datetime.fromtimestamp(found[0]["timestamp-ms"] / 1000, UTC)
    return Facts(rows=rows, files=files, bytes=size, updated=f"{moment:%Y-%m-%d %H:%M} UTC")
