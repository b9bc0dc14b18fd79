# ruff: noqa: E501 - one operation, one line
# fmt: off
"""What Trino is asked for each role: the rows of the table in docs/access-matrix.md.

`{t}` is a table for everybody, `{o}` one of the asking user's own that a superuser makes before, so
that nobody's statement depends on another's.
"""

from __future__ import annotations

from typing import NamedTuple

WHO = ("nobody", "read", "write", "schema", "catalog", "all")
"""No grant at all; read and write on a schema; admin of a schema, a catalog, of everything."""


class Operation(NamedTuple):
    group: str
    name: str
    sql: str
    allowed: str
    """From which of `WHO` on; empty: for none of them."""
    before: tuple[str, ...] = ()
    rows: str = ""
    """Allowed only if this stands in the first column: lists are filtered, not refused."""


_TABLE = ("CREATE TABLE {o} (id bigint, name varchar)",)
_VIEW = ("CREATE VIEW {o} AS SELECT 1 AS one",)

OPERATIONS = (
    Operation("Reading", "SELECT", "SELECT count(*) FROM {t}", "read"),
    Operation("Reading", "SELECT … FOR VERSION AS OF", "SELECT count(*) FROM {t} FOR VERSION AS OF {snapshot}", "read"),
    Operation("Reading", "SELECT from another schema", "SELECT count(*) FROM {other}", "catalog"),
    Operation("Reading", "a branch's catalog, granted on the main one", "SELECT count(*) FROM {branch}", "all"),
    Operation("Reading", "metadata table $snapshots", 'SELECT count(*) FROM {s}."t$snapshots"', "read"),
    Operation("Reading", "metadata table $files", 'SELECT count(*) FROM {s}."t$files"', "read"),
    Operation("Reading", "metadata table $properties", 'SELECT count(*) FROM {s}."t$properties"', "read"),
    Operation("Reading", "SHOW CATALOGS", "SHOW CATALOGS", "read", rows="iceberg"),
    Operation("Reading", "SHOW SCHEMAS", "SHOW SCHEMAS FROM iceberg", "read", rows="{schema}"),
    Operation("Reading", "SHOW TABLES", "SHOW TABLES FROM {s}", "read", rows="t"),
    Operation("Reading", "SHOW COLUMNS", "SHOW COLUMNS FROM {t}", "read", rows="nationkey"),
    Operation("Reading", "SHOW CREATE TABLE", "SHOW CREATE TABLE {t}", "read"),
    Operation("Reading", "SHOW STATS", "SHOW STATS FOR {t}", "read"),
    Operation("Reading", "information_schema.tables", "SELECT table_name FROM iceberg.information_schema.tables WHERE table_schema = '{schema}' AND table_name = 't'", "read", rows="t"),
    Operation("Reading", "information_schema.columns", "SELECT column_name FROM iceberg.information_schema.columns WHERE table_schema = '{schema}' AND table_name = 't'", "read", rows="nationkey"),
    Operation("Reading", "system.runtime.queries (their own)", "SELECT count(*) FROM system.runtime.queries", "read"),
    Operation("Reading", "SELECT from a view", "SELECT count(*) FROM {v}", "read"),
    Operation("Reading", "SELECT from a materialized view", "SELECT one FROM {views}.mv", "read"),
    Operation("Reading", "table function table_changes", "SELECT count(*) FROM TABLE(iceberg.system.table_changes('{schema}', 't', {snapshot}, {snapshot2}))", "catalog"),
    Operation("Rows", "INSERT", "INSERT INTO {t} SELECT * FROM {t} WHERE false", "write"),
    Operation("Rows", "UPDATE", "UPDATE {t} SET comment = '' WHERE nationkey = -1", "write"),
    Operation("Rows", "DELETE", "DELETE FROM {t} WHERE nationkey = -1", "write"),
    Operation("Rows", "MERGE", "MERGE INTO {t} t USING (VALUES -1) s (id) ON t.nationkey = s.id WHEN MATCHED THEN DELETE", "write"),
    Operation("Rows", "TRUNCATE", "TRUNCATE TABLE {o}", "write", _TABLE),
    Operation("Rows", "ANALYZE", "ANALYZE {t}", "write"),
    Operation("Rows", "REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW {views}.mv", "write"),
    Operation("Procedures", "optimize", "ALTER TABLE {o} EXECUTE optimize", "write", _TABLE),
    Operation("Procedures", "optimize_manifests", "ALTER TABLE {o} EXECUTE optimize_manifests", "write", _TABLE),
    Operation("Procedures", "expire_snapshots", "ALTER TABLE {o} EXECUTE expire_snapshots", "schema", _TABLE),
    Operation("Procedures", "remove_orphan_files", "ALTER TABLE {o} EXECUTE remove_orphan_files", "schema", _TABLE),
    Operation("Procedures", "drop_extended_stats", "ALTER TABLE {o} EXECUTE drop_extended_stats", "schema", _TABLE),
    Operation("Procedures", "rollback_to_snapshot", "ALTER TABLE {o} EXECUTE rollback_to_snapshot(1)", "schema", _TABLE),
    Operation("Procedures", "add_files", "ALTER TABLE {o} EXECUTE add_files(location => 'local:///nowhere', format => 'PARQUET')", "schema", _TABLE),
    Operation("Procedures", "add_files_from_table", "ALTER TABLE {o} EXECUTE add_files_from_table(schema_name => '{schema}', table_name => 'x')", "schema", _TABLE),
    Operation("Procedures", "CALL register_table", "CALL iceberg.system.register_table('{schema}', 'x', 'local:///nowhere')", "catalog"),
    Operation("Procedures", "CALL unregister_table", "CALL iceberg.system.unregister_table('{schema}', 'missing')", "catalog"),
    Operation("Procedures", "CALL rollback_to_snapshot", "CALL iceberg.system.rollback_to_snapshot('{schema}', 't', 1)", "catalog"),
    Operation("Definitions", "CREATE TABLE", "CREATE TABLE {o} (id bigint)", "schema"),
    Operation("Definitions", "CREATE TABLE AS", "CREATE TABLE {o} AS SELECT 1 AS one", "schema"),
    Operation("Definitions", "DROP TABLE", "DROP TABLE {o}", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE ADD COLUMN", "ALTER TABLE {o} ADD COLUMN more bigint", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE DROP COLUMN", "ALTER TABLE {o} DROP COLUMN name", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE RENAME COLUMN", "ALTER TABLE {o} RENAME COLUMN name TO label", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE ALTER COLUMN", "ALTER TABLE {o} ALTER COLUMN id SET DATA TYPE bigint", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE RENAME", "ALTER TABLE {o} RENAME TO {o}_renamed", "schema", _TABLE),
    Operation("Definitions", "ALTER TABLE SET PROPERTIES", "ALTER TABLE {o} SET PROPERTIES format_version = 2", "schema", _TABLE),
    Operation("Definitions", "COMMENT ON TABLE", "COMMENT ON TABLE {o} IS 'x'", "schema", _TABLE),
    Operation("Definitions", "COMMENT ON COLUMN", "COMMENT ON COLUMN {o}.name IS 'x'", "schema", _TABLE),
    Operation("Definitions", "CREATE VIEW", "CREATE VIEW {o} AS SELECT 1 AS one", "schema"),
    Operation("Definitions", "DROP VIEW", "DROP VIEW {o}", "schema", _VIEW),
    Operation("Definitions", "CREATE MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW {views}.{who} AS SELECT 1 AS one", "schema"),
    Operation("Definitions", "DROP MATERIALIZED VIEW", "DROP MATERIALIZED VIEW {views}.drop_{who}", "schema", ("CREATE MATERIALIZED VIEW {views}.drop_{who} AS SELECT 1 AS one",)),
    Operation("Definitions", "CREATE SCHEMA", "CREATE SCHEMA {s}_{who}", "catalog"),
    Operation("Definitions", "DROP SCHEMA", "DROP SCHEMA {s}_{who}", "catalog", ("CREATE SCHEMA IF NOT EXISTS {s}_{who}",)),
    Operation("Definitions", "GRANT in SQL", "GRANT SELECT ON {t} TO USER somebody", ""),
    Operation("Server", "SET SESSION of the server", "SET SESSION query_max_run_time = '1h'", "read"),
    Operation("Server", "SET SESSION of the catalog", "SET SESSION iceberg.target_max_file_size = '64MB'", "write"),
    Operation("Server", "SET SESSION of a retention floor", "SET SESSION iceberg.expire_snapshots_min_retention = '1s'", "schema"),
    Operation("Server", "impersonate", "SET SESSION AUTHORIZATION somebody", "all"),
    Operation("Server", "kill another's query", "CALL system.runtime.kill_query(query_id => '{query}', message => 'test')", "all"),
    Operation("Server", "CREATE CATALOG", "CREATE CATALOG made_{schema}_{who} USING memory", "all"),
    Operation("Server", "DROP CATALOG", "DROP CATALOG drop_{schema}_{who}", "all", ("CREATE CATALOG drop_{schema}_{who} USING memory",)),
)
