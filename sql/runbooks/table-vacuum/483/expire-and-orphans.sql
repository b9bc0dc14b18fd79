-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table vacuum
-- made by:   phlo-sql table vacuum iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00004-a.metadata.json
-- snapshot:  4
-- ref hash:  none
-- does:      Deletes 11 of 19 files (2.0 MB).
-- does:      Leaves 7 files that are alive; each is looked for afterwards.
-- does:      List of files to delete: sha256:c6c813ac497d66aa02a5b6b831f1bd2128a475459c3fe328a8bfed1d908eebb5
-- risk:      high: the listed files are deleted, and nothing brings them back
-- predicts:  deleted_files = 11; deleted_bytes = 2145152; expired_snapshots = 3; kept_snapshots = 1
-- digest:    sha256:b1319354eb5a3ea7795b014907b860faebaba713b65923bb9ceae2df41ebc76c
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: expire 3 snapshots ==
-- why:       they are older than 7d and nothing holds them
-- kind:      procedure
-- destroys:  data
-- predicts:  deleted_files = 8; deleted_bytes = 2130152; expired_snapshots = 3; kept_snapshots = 1
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE expire_snapshots(retention_threshold => '7d');
-- undo:      none: an expired snapshot and its files can't be brought back

-- == Step 2 of 2: remove 3 files that nothing references ==
-- why:       they are older than 7d, and no snapshot, ref or metadata file names them
-- kind:      procedure
-- destroys:  data
-- predicts:  deleted_files = 3; deleted_bytes = 15000
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE remove_orphan_files(retention_threshold => '7d');
-- undo:      none: a deleted file can't be brought back
