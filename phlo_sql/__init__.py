"""phlo-sql: lakehouse maintenance for Trino and Iceberg, as SQL that a DBA can read first."""

__version__ = "0.1.0"

TESTED_TRINO_VERSIONS = (476, 483)
