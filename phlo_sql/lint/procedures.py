"""Which Trino version has which procedure of the Iceberg connector, with which arguments.

Read off the connector's own sources, 476 to 483 (package io.trino.plugin.iceberg.procedure).
"""

from __future__ import annotations

_ALWAYS = 0

TABLE: dict[str, tuple[int, dict[str, int]]] = {
    "optimize": (_ALWAYS, {"file_size_threshold": _ALWAYS}),
    "optimize_manifests": (470, {}),
    "expire_snapshots": (
        _ALWAYS,
        {"retention_threshold": _ALWAYS, "retain_last": 479, "clean_expired_metadata": 479},
    ),
    "remove_orphan_files": (_ALWAYS, {"retention_threshold": _ALWAYS}),
    "drop_extended_stats": (_ALWAYS, {}),
    "rollback_to_snapshot": (469, {"snapshot_id": 469}),
    "add_files": (461, {"location": 461, "format": 461, "recursive_directory": 461}),
    "add_files_from_table": (
        461,
        {
            "schema_name": 461,
            "table_name": 461,
            "partition_filter": 461,
            "recursive_directory": 461,
        },
    ),
}
"""`ALTER TABLE … EXECUTE`: since which version, and its arguments."""

CATALOG: dict[str, tuple[int, dict[str, int]]] = {
    "register_table": (
        _ALWAYS,
        {
            "schema_name": _ALWAYS,
            "table_name": _ALWAYS,
            "table_location": _ALWAYS,
            "metadata_file_name": _ALWAYS,
        },
    ),
    "unregister_table": (_ALWAYS, {"schema_name": _ALWAYS, "table_name": _ALWAYS}),
    "migrate": (
        _ALWAYS,
        {"schema_name": _ALWAYS, "table_name": _ALWAYS, "recursive_directory": _ALWAYS},
    ),
    "rollback_to_snapshot": (
        _ALWAYS,
        {"schema": _ALWAYS, "table": _ALWAYS, "snapshot_id": _ALWAYS},
    ),
}
"""`CALL catalog.system.…`. Other connectors have their own, which are not judged."""
