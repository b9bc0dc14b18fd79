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
-- does:      Rewrites 4 data files (302 MB) into 1 of up to 1.0 GB.
-- does:      Applies and removes 1 delete files.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Reads 302 MB and writes 181 MB to 422 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 4; rewritten_bytes = 316145664; removed_delete_files = 1; added_data_files = 1; added_bytes = 189682023..442612122
-- digest:    sha256:37ad3642ad3430c635ff36ebe3a0beba8a2981ba1ce314b9013253b42fda1548
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rewrite 4 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 4; rewritten_bytes = 316145664; removed_delete_files = 1; added_data_files = 1; added_bytes = 189682023..442612122
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck rows: note the answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE optimize(file_size_threshold => '100MB');
-- check rows: expect the same answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
