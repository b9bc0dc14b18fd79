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
-- does:      Expires 2 of 4 snapshots.
-- does:      Deletes 5 files (1.0 MB): 1 data file, 2 manifests, 2 manifest lists.
-- does:      Leaves the rows of the table as they are.
-- risk:      high: what only the expired snapshots reach is deleted, and time travel to them ends
-- predicts:  deleted_files = 5; deleted_bytes = 1070576; expired_snapshots = 2; kept_snapshots = 2
-- digest:    sha256:c3fac61bed6388d8eddb25485ee915e93bed5c22dc777325e4dd74686e6ab9a2
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: expire 2 snapshots ==
-- why:       they are older than 7d and nothing holds them
-- kind:      procedure
-- destroys:  data
-- predicts:  deleted_files = 5; deleted_bytes = 1070576; expired_snapshots = 2; kept_snapshots = 2
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00004-a.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck older: expect "3"
SELECT
  COUNT(*)
FROM "iceberg"."sales"."orders$snapshots"
WHERE
  "committed_at" < DATE_ADD('MILLISECOND', -604800000, CURRENT_TIMESTAMP);
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE expire_snapshots(retention_threshold => '7d', retain_last => 2);
-- check snapshots: expect "2"
SELECT COUNT(*) FROM "iceberg"."sales"."orders$snapshots";
-- undo:      none: an expired snapshot and its files can't be brought back
