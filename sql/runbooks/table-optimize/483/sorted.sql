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
-- does:      Rewrites 12 data files (6.0 MB) into 1 of up to 1.0 GB.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Writes every file sorted by ts, id.
-- does:      Reads 6.0 MB and writes 3.6 MB to 8.4 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- digest:    sha256:1d5106cc563eceafc69e1dbd8ffb694d6df8ca4e61b96b5cbcf3734e3bb5e6c8
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: write files sorted by ts, id ==
-- why:       Trino takes the order from the table alone
-- kind:      properties
-- runs:      put back if a later step fails
-- destroys:  nothing
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders"
SET PROPERTIES "sorted_by" = ARRAY['ts ASC NULLS FIRST', 'id ASC NULLS FIRST'];
-- undo:      the table gets its own order back
--     ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "sorted_by" = ARRAY[];

-- == Step 2 of 3: rewrite 12 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- precheck rows: note the answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE optimize(file_size_threshold => '100MB');
-- check rows: expect the same answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);

-- == Step 3 of 3: leave the table without an order ==
-- why:       the order was for this run only
-- kind:      properties
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "sorted_by" = ARRAY[];
-- undo:      none needed: this is the state the table had
