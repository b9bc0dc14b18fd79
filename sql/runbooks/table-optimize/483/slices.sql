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
-- does:      Rewrites 53 data files (26.5 MB) into 3 of up to 1.0 GB.
-- does:      Commits 2 slices, a snapshot each: one that fails undoes no other, and --resume goes on after a stop.
-- does:      Reads 26.5 MB and writes 15.9 MB to 37.1 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 53; rewritten_bytes = 27787264; removed_delete_files = 0; added_data_files = 3; added_bytes = 16672360..38926747
-- digest:    sha256:487051ca49b1541fe60530f5573e7d7fe68b31a58c5d2295747c5870ebcc6fb5
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: slice 1 of 2, rewrite 40 data files of ts_day=2026-01-01 ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 40; rewritten_bytes = 20971520; removed_delete_files = 0; added_data_files = 1; added_bytes = 12582913..29368320
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck rows: note the answer
SELECT
  "$partition",
  COUNT(*)
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-01 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE optimize(file_size_threshold => '100MB') WHERE "ts" >= TIMESTAMP '2026-01-01 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-02 00:00:00.000000 UTC';
-- check rows: expect the same answer
SELECT
  "$partition",
  COUNT(*)
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-01 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);

-- == Step 2 of 2: slice 2 of 2, rewrite 13 data files of ts_day=2026-01-02..2026-01-03 (2 values) ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 13; rewritten_bytes = 6815744; removed_delete_files = 0; added_data_files = 2; added_bytes = 4089447..9558427
-- precheck rows: note the answer
SELECT
  "$partition",
  COUNT(*)
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-04 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE optimize(file_size_threshold => '100MB') WHERE "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-04 00:00:00.000000 UTC';
-- check rows: expect the same answer
SELECT
  "$partition",
  COUNT(*)
FROM "iceberg"."sales"."orders"
WHERE
  "ts" >= TIMESTAMP '2026-01-02 00:00:00.000000 UTC'
  AND "ts" < TIMESTAMP '2026-01-04 00:00:00.000000 UTC'
GROUP BY
  "$partition"
ORDER BY
  "$partition";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
