"""Bounds that hold where nobody names others. A leaf: `--help` shows them and needs no more."""

from __future__ import annotations

from datetime import timedelta

SLICE_BYTES = 100 * 1024**3
SLICE_FILES = 50_000
"""Bounds of one statement: what a conflict or a stop costs at most."""
RETENTION = timedelta(days=7)
"""Trino's own default floor (IcebergConfig, 476 to 483)."""
