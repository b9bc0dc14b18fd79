"""One frozen `Settings`; every value knows where it came from.

Flags > environment > phlo-sql.toml > phlo's .phlo files > defaults: the first layer that names a
setting wins, also with an empty string. Read once, in `cli`.
"""

from __future__ import annotations

from phlo_sql.config.catalogs import catalog_properties, nessie_uri, trino_catalog
from phlo_sql.config.redaction import redact, redact_environment
from phlo_sql.config.secret import MASK, Secret, mask_uris
from phlo_sql.config.settings import (
    DEFINITIONS,
    Settings,
    load,
    user_of,
)
from phlo_sql.config.table import Definition, Setting

__all__ = [
    "DEFINITIONS",
    "MASK",
    "Definition",
    "Secret",
    "Setting",
    "Settings",
    "catalog_properties",
    "load",
    "mask_uris",
    "nessie_uri",
    "redact",
    "redact_environment",
    "trino_catalog",
    "user_of",
]
