"""The manifest list of a snapshot, and the bytes of metadata files wherever they are stored."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phlo_sql.errors import Code, PhloSqlError
from phlo_sql.observe.manifests_avro import NotAvroError, column, flatten
from phlo_sql.observe.manifests_read import UnreadableManifestError, read_columns

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

DATA_MANIFEST, DELETE_MANIFEST = 0, 1

# Field ids of `manifest_file` (Iceberg spec, "Manifest Lists").
_PATH, _LENGTH, _SPEC, _CONTENT, _SEQUENCE, _SNAPSHOT = 500, 501, 502, 517, 515, 503
_COUNTS = (504, 505, 506)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One entry of a manifest list. `entries` is None where a v1 writer didn't count."""

    path: str
    length: int
    content: int
    spec_id: int
    sequence_number: int
    added_snapshot_id: int | None
    entries: int | None


def read_manifest_list(io: FileIO, location: str) -> tuple[Manifest, ...]:
    """The distinct manifests of a snapshot, in the list's order.

    Raises PhloSqlError(STORAGE_UNREADABLE).
    """
    return read_sized_list(io, location)[0]


def read_sized_list(io: FileIO, location: str) -> tuple[tuple[Manifest, ...], int]:
    """The same, with the list's own size in bytes, which no metadata tells."""
    data = read_bytes(io, location)
    fields = (_PATH, _LENGTH, _SPEC, _CONTENT, _SEQUENCE, _SNAPSHOT, *_COUNTS)
    try:
        table = read_columns([(0, flatten(data))], [column(field) for field in fields])
    except (NotAvroError, UnreadableManifestError) as error:
        raise unreadable("manifest list", location, str(error)) from error
    distinct: dict[str, Manifest] = {}
    for row in table.to_pylist():
        manifest = _manifest(row)
        distinct.setdefault(manifest.path, manifest)
    return tuple(distinct.values()), len(data)


def _manifest(row: dict[str, Any]) -> Manifest:
    counts = [row.get(column(field)) for field in _COUNTS]
    return Manifest(
        path=row[column(_PATH)],
        length=row[column(_LENGTH)],
        # v1 lists have neither: data files only, sequence number 0
        content=row.get(column(_CONTENT)) or DATA_MANIFEST,
        spec_id=row[column(_SPEC)],
        sequence_number=row.get(column(_SEQUENCE)) or 0,
        added_snapshot_id=row.get(column(_SNAPSHOT)),
        entries=None if None in counts else sum(count for count in counts if count),
    )


def is_local(location: str) -> bool:
    return "://" not in location or location.startswith("file:")


def read_bytes(io: FileIO, location: str) -> bytes:
    """A whole metadata file. Raises PhloSqlError(STORAGE_UNREADABLE)."""
    try:
        if is_local(location):
            return _local_path(location).read_bytes()
        with io.new_input(location).open() as stream:
            return bytes(stream.read())
    except FileNotFoundError as error:
        raise unreadable("file", location, "it does not exist") from error
    except Exception as error:  # every store has its own exceptions
        if _went(io, location):  # between the store's look at it and the reading
            raise unreadable("file", location, "it does not exist") from FileNotFoundError(location)
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise unreadable("file", location, cause[:300]) from error


def _went(io: FileIO, location: str) -> bool:
    with suppress(Exception):
        return not io.new_input(location).exists()
    return False


def _local_path(location: str) -> Path:
    # Iceberg's locations aren't percent-encoded: a `#` or `%20` in them is part of the name.
    if location.startswith("file:"):
        location = "/" + location.removeprefix("file:").lstrip("/")
    return Path(location)


def unreadable(what: str, location: str, cause: str) -> PhloSqlError:
    return PhloSqlError(
        Code.STORAGE_UNREADABLE,
        f"{what} {location} cannot be read: {cause}",
        "check the storage settings and credentials, and whether the file was deleted",
    )
