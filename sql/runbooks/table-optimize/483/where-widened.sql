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
-- does:      Rewrites 13 data files (6.5 MB) into 2 of up to 1.0 GB.
-- does:      Takes only files where "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Reads 6.5 MB and writes 3.9 MB to 9.1 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 13; rewritten_bytes = 6815744; removed_delete_files = 0; added_data_files = 2; added_bytes = 4089447..9558427
-- warning:   "ts" >= TIMESTAMP '2026-01-02 10:00:00 UTC' ends inside a partition: ts is partitioned by day, and Trino takes whole partitions only; widened to "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
-- digest:    sha256:6fb73039d73a4bde9d82309b9d936909e0ec985813abf1363aff8008792dfe1c
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rewrite 13 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 13; rewritten_bytes = 6815744; removed_delete_files = 0; added_data_files = 2; added_bytes = 4089447..9558427
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck content: note the answer
SELECT
  "$partition",
  COUNT(*),
  CHECKSUM(ROW("id", "ts", "amount"))
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE optimize(file_size_threshold => '100MB') WHERE "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC';
-- check content: expect the same answer
SELECT
  "$partition",
  COUNT(*),
  CHECKSUM(ROW("id", "ts", "amount"))
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
