-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   runbook undo
-- made by:   phlo-sql runbook undo add-columns.sql
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-03T03:04:05Z
-- by:        dba
-- trino:     476
-- metadata:  s3://lake/sales/orders/metadata/00009-77aa.metadata.json
-- snapshot:  8954597067493422999
-- ref hash:  none
-- does:      Takes back 2 step(s) of runbook cf730c3bc0f1 (schema evolve).
-- risk:      high: 2 commit(s) that changed rows since are lost with it
-- predicts:  nothing
-- warning:   high: 2 commit(s) that changed rows since are lost with it
-- digest:    sha256:e6f6522fd83bace91dc5507287118dbf5c900a06cd01e6f5251817938e30eb1a
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: take back: add note (string) ==
-- why:       drops it again, with what was written to it
-- kind:      ddl
-- destroys:  data
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00009-77aa.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "note";
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" ADD COLUMN "note" VARCHAR COMMENT 'it''s free text' AFTER "id";

-- == Step 2 of 2: take back: add address.zip (string) ==
-- why:       drops it again, with what was written to it
-- kind:      ddl
-- runs:      planned by the server when it is its turn
-- destroys:  data
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "address"."zip";
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" ADD COLUMN "address"."zip" VARCHAR;
