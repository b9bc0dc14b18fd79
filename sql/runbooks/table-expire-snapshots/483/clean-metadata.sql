-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table expire-snapshots
-- made by:   phlo-sql table expire-snapshots iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00004-a.metadata.json
-- snapshot:  4
-- ref hash:  none
-- does:      Expires 3 of 4 snapshots.
-- does:      Deletes 8 files (2.0 MB): 2 data files, 3 manifests, 3 manifest lists.
-- does:      Leaves the rows of the table as they are.
-- risk:      high: what only the expired snapshots reach is deleted, and time travel to them ends
-- predicts:  deleted_files = 8; deleted_bytes = 2130152; expired_snapshots = 3; kept_snapshots = 1
-- digest:    sha256:77e1c558f7d0fabc0b2f77523ab6223ff8794b3a40b6ce029b39cc0dc31d0da7
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: expire 3 snapshots ==
-- why:       they are older than 7d and nothing holds them
-- kind:      procedure
-- destroys:  data
-- predicts:  deleted_files = 8; deleted_bytes = 2130152; expired_snapshots = 3; kept_snapshots = 1
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00004-a.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck older: expect "3"
SELECT
  COUNT(*)
FROM "iceberg"."sales"."orders$snapshots"
WHERE
  "committed_at" < DATE_ADD('MILLISECOND', -604800000, CURRENT_TIMESTAMP);
-- statement
ALTER TABLE "iceberg"."sales"."orders"
  EXECUTE expire_snapshots(retention_threshold => '7d', clean_expired_metadata => TRUE);
-- check snapshots: expect "1"
SELECT COUNT(*) FROM "iceberg"."sales"."orders$snapshots";
-- undo:      none: an expired snapshot and its files can't be brought back
