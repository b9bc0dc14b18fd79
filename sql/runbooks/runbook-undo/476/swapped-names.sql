-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   runbook undo
-- made by:   phlo-sql runbook undo swap-names.sql
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-03T03:04:05Z
-- by:        dba
-- trino:     476
-- metadata:  s3://lake/sales/orders/metadata/00009-77aa.metadata.json
-- snapshot:  8954597067493422999
-- ref hash:  none
-- does:      Takes back 3 step(s) of runbook 25f317ba772f (schema evolve).
-- risk:      low: nothing was committed since
-- predicts:  nothing
-- digest:    sha256:d0faf1497a733ed5223af0865c4d69c3cc88427d7c8bba5b66726d5ed5b83479
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: take back: rename a_before_rename to b ==
-- why:       gives the name back
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00009-77aa.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "b" TO "a_before_rename";
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a_before_rename" TO "b";

-- == Step 2 of 3: take back: rename b to a ==
-- why:       gives the name back
-- kind:      ddl
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a" TO "b";
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "b" TO "a";

-- == Step 3 of 3: take back: rename a to a_before_rename ==
-- why:       gives the name back
-- kind:      ddl
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a_before_rename" TO "a";
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a" TO "a_before_rename";
