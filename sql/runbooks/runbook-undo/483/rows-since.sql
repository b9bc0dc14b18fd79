-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   runbook undo
-- made by:   phlo-sql runbook undo small-files.sql
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-03T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00009-77aa.metadata.json
-- snapshot:  8954597067493422999
-- ref hash:  none
-- does:      Takes back 1 step(s) of runbook 975732d5bae8 (table optimize).
-- risk:      high: 2 commit(s) that changed rows since are lost with it
-- predicts:  nothing
-- warning:   high: 2 commit(s) that changed rows since are lost with it
-- digest:    sha256:3673d34927b7edb2a3bb776a83960e6bac4f4abd6a10fe654d4b80e9e5e3538e
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: take back: rewrite 1,200 data files ==
-- why:       go back to snapshot 8954597067493422955; what was committed since is lost with it
-- kind:      procedure
-- destroys:  data
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00009-77aa.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
-- check current-snapshot: expect "8954597067493422955"
SELECT "snapshot_id" FROM "iceberg"."sales"."orders$refs" WHERE "name" = 'main';
-- undo:      go forward to snapshot 8954597067493422999 again
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422999);
