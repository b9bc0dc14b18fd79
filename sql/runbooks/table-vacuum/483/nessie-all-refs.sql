-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table vacuum
-- made by:   phlo-sql table vacuum iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00004-a.metadata.json
-- snapshot:  4
-- ref hash:  none
-- does:      Deletes 2 of 19 files (9.8 kB).
-- does:      Leaves 16 files that are alive; each is looked for afterwards.
-- does:      List of files to delete: sha256:9cc6c3587fd4083bc6bfab8c6064caefb18da40ead58880d1d77189986e0b37e
-- does:      Needs 00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json, sha256:03999d09f4488289821e626b93b9db8558b2fbed524c497b529bef50ca98b852, at s3://lake/sales/orders/metadata/00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json
-- risk:      high: the listed files are deleted, and nothing brings them back
-- predicts:  deleted_files = 2; deleted_bytes = 10000
-- digest:    sha256:ee8cfc17777733a01606f168009cb419060abb9897ccbb01c8e60b35e9b3eea4
-- ----------------------------------------------------------------------------

-- == Step 1 of 5: make schema phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d in the scratch catalog ==
-- why:       the union of all refs is registered there for the time of the run
-- kind:      ddl
-- runs:      put back if a later step fails
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE SCHEMA IF NOT EXISTS "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d";
-- undo:      drop it
--     DROP SCHEMA IF EXISTS "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d";

-- == Step 2 of 5: register the union of all refs' metadata ==
-- why:       before it, put 00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json (sha256:03999d09f4488289821e626b93b9db8558b2fbed524c497b529bef50ca98b852), saved beside this runbook, at s3://lake/sales/orders/metadata/00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json; `runbook apply` puts it there and takes it away
-- kind:      call
-- runs:      put back if a later step fails
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "scratch"."system"."register_table"(schema_name => 'phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d', table_name => 't', table_location => 's3://lake/sales/orders', metadata_file_name => '00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json');
-- undo:      unregister it; no file goes with it
--     CALL "scratch"."system"."unregister_table"(schema_name => 'phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d', table_name => 't');

-- == Step 3 of 5: remove 2 files that no ref references ==
-- why:       they are older than 7d, and no branch, tag or state of them inside the retention names them
-- kind:      procedure
-- runs:      planned by the server when it is its turn
-- destroys:  data
-- predicts:  deleted_files = 2; deleted_bytes = 10000
-- precheck union: expect "s3://lake/sales/orders/metadata/00000-6f9a2f5e-6f0d-4b0c-9f7e-1c1d2a3b4c5d-03999d09f4488289821e626b93b9db85.metadata.json"
SELECT
  "file"
FROM "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d"."t$metadata_log_entries"
ORDER BY
  "timestamp" DESC
LIMIT 1;
-- precheck snapshots: expect "2"
SELECT COUNT(*) FROM "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d"."t$snapshots";
-- statement
ALTER TABLE "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d"."t"
EXECUTE remove_orphan_files(retention_threshold => '7d');
-- undo:      none: a deleted file can't be brought back

-- == Step 4 of 5: unregister the union ==
-- why:       the table is not needed any more
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "scratch"."system"."unregister_table"(schema_name => 'phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d', table_name => 't');
-- undo:      none is needed: only the scratch catalog knew it

-- == Step 5 of 5: drop schema phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d of the scratch catalog ==
-- why:       nothing is left behind
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP SCHEMA IF EXISTS "scratch"."phlo_sql_vacuum_6f9a2f5e6f0d4b0c9f7e1c1d2a3b4c5d";
-- undo:      none is needed: it was made for this run
