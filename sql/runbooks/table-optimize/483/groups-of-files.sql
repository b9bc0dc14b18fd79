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
-- does:      Rewrites 7 data files (2.5 MB) into 3 to 4 of up to 1.0 GB.
-- does:      Commits 2 slices, a snapshot each: one that fails undoes no other, and --resume goes on after a stop.
-- does:      Joins the last files of the groups, so that a second run finds nothing.
-- does:      Reads 2.5 MB and writes 1.5 MB to 3.5 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 7; rewritten_bytes = 4194305..6307841; removed_delete_files = 0; added_data_files = 3..4; added_bytes = 2516584..7557122
-- digest:    sha256:bfa15f72381cdf59a3ae23d6e24bfc00bf7b39754820cd76135145821077056d
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: slice 1 of 2, rewrite 3 data files of 3 files by name ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 3; rewritten_bytes = 1572864; removed_delete_files = 0; added_data_files = 1; added_bytes = 943719..2210202
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck all-rows: note the answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE optimize(file_size_threshold => '100MB') WHERE "$path" IN (
    's3://lake/sales/orders/data/00000.parquet',
    's3://lake/sales/orders/data/00001.parquet',
    's3://lake/sales/orders/data/00002.parquet'
  );
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);

-- == Step 2 of 3: slice 2 of 2, rewrite 2 data files of 2 files by name ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 2; rewritten_bytes = 1048576; removed_delete_files = 0; added_data_files = 1; added_bytes = 629146..1476199
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE optimize(file_size_threshold => '100MB') WHERE "$path" IN (
    's3://lake/sales/orders/data/00003.parquet',
    's3://lake/sales/orders/data/00004.parquet'
  );
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);

-- == Step 3 of 3: join the last files of the groups ==
-- why:       each group leaves one file that is smaller than the others
-- kind:      procedure
-- destroys:  nothing
-- predicts:  rewritten_data_files = 2; rewritten_bytes = 1572865..3686401; removed_delete_files = 0; added_data_files = 1..2; added_bytes = 943719..3870721
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE optimize(file_size_threshold => '100MB');
-- check all-rows: expect the same answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
