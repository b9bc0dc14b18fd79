-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table optimize
-- made by:   phlo-sql table optimize iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      Rewrites 1,200 data files (600 MB) into 2 to 4 of up to 256 MB.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Reads 600 MB and writes 360 MB to 840 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 1200; rewritten_bytes = 629145600; removed_delete_files = 0; added_data_files = 2..4; added_bytes = 377487361..880836609
-- warning:   the table keeps target_max_file_size = '256MB' afterwards: it had none, and Trino 483 has no statement that takes one away
-- digest:    sha256:385036c2a9f8cd0dada8759de6c1d83a35f603be3c6719924bf517cf2a33a420
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: write files of 256 MB to this table ==
-- why:       Trino 483 takes the size from the table alone
-- kind:      properties
-- runs:      put back if a later step fails
-- destroys:  nothing
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "target_max_file_size" = '256MB';
-- undo:      stays: the table had no size of its own, and Trino cannot unset one

-- == Step 2 of 2: rewrite 1,200 data files ==
-- why:       files up to 192 MB, and files with deletes, become files of about 256 MB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 1200; rewritten_bytes = 629145600; removed_delete_files = 0; added_data_files = 2..4; added_bytes = 377487361..880836609
-- precheck rows: note the answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE optimize(file_size_threshold => '192MB');
-- check rows: expect the same answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
