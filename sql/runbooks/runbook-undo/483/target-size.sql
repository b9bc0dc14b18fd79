-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   runbook undo
-- made by:   phlo-sql runbook undo target-size-given-back.sql
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-03T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00009-77aa.metadata.json
-- snapshot:  8954597067493422999
-- ref hash:  none
-- does:      Takes back 2 step(s) of runbook 4128876c485b (table optimize).
-- risk:      low: nothing was committed since
-- predicts:  nothing
-- warning:   step 3 stays: none needed: this is the state the table had
-- digest:    sha256:0ede5cd3fc764b31e551b7a030a506c07cf59cf849687071817a0133f2e57bc9
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: take back: rewrite 1,200 data files ==
-- why:       go back to snapshot 8954597067493422955; what was committed since is lost with it
-- kind:      procedure
-- destroys:  nothing
-- predicts:  nothing
-- precheck unmoved: expect "s3://lake/sales/orders/metadata/00009-77aa.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
-- check current-snapshot: expect "8954597067493422955"
SELECT "snapshot_id" FROM "iceberg"."sales"."orders$refs" WHERE "name" = 'main';
-- undo:      go forward to snapshot 8954597067493422999 again
--     ALTER TABLE "iceberg"."sales"."orders" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422999);

-- == Step 2 of 2: take back: write files of 256 MB to this table ==
-- why:       the table gets its own size back
-- kind:      properties
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "target_max_file_size" = '512MB';
-- undo:      apply the runbook itself again
--     ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "target_max_file_size" = '256MB';
