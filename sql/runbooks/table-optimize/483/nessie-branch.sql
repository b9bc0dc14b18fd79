-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table optimize
-- made by:   phlo-sql table optimize iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       dev
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  4c1e2a
-- does:      Rewrites 12 data files (6.0 MB) into 1 of up to 1.0 GB.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Reads 6.0 MB and writes 3.6 MB to 8.4 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- digest:    sha256:0e04bb7ba35d44243a801f3eecffc3cbdc2390bad43604619a31e92262b4f4a7
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rewrite 12 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg_dev"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck rows: note the answer
SELECT COUNT(*) FROM "iceberg_dev"."sales"."orders";
-- statement
ALTER TABLE "iceberg_dev"."sales"."orders" EXECUTE optimize(file_size_threshold => '100MB');
-- check rows: expect the same answer
SELECT COUNT(*) FROM "iceberg_dev"."sales"."orders";
-- undo:      Nessie keeps the commit before: assign dev back to 4c1e2a
