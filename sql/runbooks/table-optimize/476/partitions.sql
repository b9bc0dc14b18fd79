-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table optimize
-- made by:   phlo-sql table optimize iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     476
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      Rewrites 47 data files (41.0 MB) into 2 of up to 1.0 GB.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 47; rewritten_bytes = 42991616; removed_delete_files = 0; added_data_files = 2; added_bytes = 25794971..60204647
-- digest:    sha256:a12a99f8f729d093e3e7527a94fdaf214d29344df7dcf2a561b83244880738d2
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rewrite 47 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- destroys:  nothing
-- predicts:  rewritten_data_files = 47; rewritten_bytes = 42991616; removed_delete_files = 0; added_data_files = 2; added_bytes = 25794971..60204647
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE optimize(file_size_threshold => '100MB');
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
