"""One metadata file that holds the snapshots of all refs of a table, for Trino to look at.

Trino's `remove_orphan_files` knows the metadata of one ref only, and deletes what others need.
Given this file, registered under a name of its own for the time of the run, it knows them all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phlo_sql.model.names import TableName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCRATCH_SCHEMA = "phlo_sql_vacuum_"
_MARK = "phlo-sql.union"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A table's metadata on a ref, now or earlier; `document` is the whole metadata file."""

    ref: str
    location: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """The metadata file. Its name holds the digest of its text, because Trino keeps metadata files
    in its cache by name: under the name of an earlier union it would see that one (seen on 483:
    files of the newest commit were deleted)."""

    prefix: str
    folder: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.prefix}{self.sha256[:32]}.metadata.json"

    @property
    def target(self) -> str:
        return f"{self.folder}/{self.name}"

    @property
    def snapshots(self) -> int:
        return len(json.loads(self.text)["snapshots"])

    def naming(self, paths: Sequence[str]) -> Union:
        """The same, which also names these files: Trino then leaves them, whenever it runs."""
        made = json.loads(self.text)
        at = int(made["last-updated-ms"]) - 1
        made["metadata-log"] += [{"timestamp-ms": at, "metadata-file": path} for path in paths]
        return replace(self, text=_text(made))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def scratch_table(catalog: str, uuid: str) -> TableName:
    """Where the union of a table is registered. Always the same, so that what a killed run left
    behind is found again."""
    return TableName(catalog=catalog, schema=SCRATCH_SCHEMA + uuid.replace("-", ""), name="t")


def name_prefix(uuid: str) -> str:
    """What every union's name of this table begins with: one that a killed run left is found by it.
    The version is below every other, so `register_table` without a file name never takes it."""
    return f"00000-{uuid}-"


def union_named(name: str, folder: str, text: str) -> Union | None:
    """A union that was saved under its name; None for a text that is another's."""
    found = Union(prefix=name[: -len(f"{'0' * 32}.metadata.json")], folder=folder, text=text)
    return found if found.name == name else None


def union_of(base: Version, others: Sequence[Version]) -> Union:
    """What all these versions name, under the base's schema and sort order."""
    documents = [base.document, *(each.document for each in others)]
    uuid = str(base.document["table-uuid"])
    made: dict[str, Any] = dict(base.document)
    snapshots = {
        int(each["snapshot-id"]): each
        for document in reversed(documents)
        for each in document.get("snapshots") or ()
    }
    made["snapshots"] = [snapshots[each] for each in sorted(snapshots)]
    made["refs"] = _refs(base, others)
    made["snapshot-log"] = []
    made["metadata-log"] = _log(base, others)
    made["partition-specs"] = _specs(base, others)
    made["schemas"] = _by_id(documents, "schemas", "schema-id")
    for name in ("statistics", "partition-statistics"):
        made[name] = _all(documents, name)
    for name in ("last-sequence-number", "next-row-id", "last-column-id", "last-partition-id"):
        found = [int(document[name]) for document in documents if name in document]
        if found:
            made[name] = max(found)
    made["format-version"] = max(int(document["format-version"]) for document in documents)
    made["properties"] = {**(base.document.get("properties") or {}), _MARK: "true"}
    location = str(base.document["location"]).rstrip("/")
    return Union(prefix=name_prefix(uuid), folder=f"{location}/metadata", text=_text(made))


def _text(made: Mapping[str, Any]) -> str:
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def _refs(base: Version, others: Sequence[Version]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in (base, *others):
        current = each.document.get("current-snapshot-id")
        if current is None or int(current) < 0:
            continue
        name = "main" if each is base else f"{each.ref}-{current}"
        found.setdefault(name, {"snapshot-id": int(current), "type": "branch"})
        for ref, its in (each.document.get("refs") or {}).items():
            if ref != "main":
                found.setdefault(f"{each.ref}-{ref}", its)
    return found


def _log(base: Version, others: Sequence[Version]) -> list[dict[str, Any]]:
    """Iceberg wants the log sorted by time; only the union itself is as young as the table."""
    at = int(base.document["last-updated-ms"]) - 1
    paths = {
        path
        for each in (base, *others)
        for path in (
            each.location,
            *(str(entry["metadata-file"]) for entry in each.document.get("metadata-log") or ()),
        )
    }
    return [{"timestamp-ms": at, "metadata-file": path} for path in sorted(paths)]


def _specs(base: Version, others: Sequence[Version]) -> list[Any]:
    """Refs number their specs each on their own. A manifest is read by the spec of its number, and
    where that can't be right for all, by one without fields: partition values are then skipped,
    and paths are all that is read through the scratch table."""
    found: dict[int, Any] = {}
    columns = _columns(base.document)
    for each in (base, *others):
        for spec in each.document.get("partition-specs") or ():
            number = int(spec["spec-id"])
            known = found.setdefault(number, spec)
            foreign = each is not base and any(
                int(field["source-id"]) not in columns for field in spec["fields"]
            )
            if foreign or known["fields"] != spec["fields"]:
                found[number] = {"spec-id": number, "fields": []}
    return [found[number] for number in sorted(found)]


def _columns(document: Mapping[str, Any]) -> set[int]:
    current = document.get("current-schema-id")
    schemas = [each for each in document.get("schemas") or () if each.get("schema-id") == current]
    found: set[int] = set()
    pending: list[Any] = list(schemas)
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if "id" in item:
                found.add(int(item["id"]))
            pending += list(item.values())
        elif isinstance(item, list):
            pending += item
    return found


def _by_id(documents: Sequence[Mapping[str, Any]], name: str, key: str) -> list[Any]:
    """The base's own stand first: nothing reads rows through the scratch table."""
    found: dict[int, Any] = {}
    for document in documents:
        for each in document.get(name) or ():
            found.setdefault(int(each[key]), each)
    return [found[number] for number in sorted(found)]


def _all(documents: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    found: dict[str, Any] = {}
    for document in documents:
        for each in document.get(name) or ():
            found.setdefault(str(each["statistics-path"]), each)
    return [found[path] for path in sorted(found)]
