-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   schema evolve
-- made by:   phlo-sql schema evolve sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      "we""ird; --": renamed to a.b (breaking for readers)
-- risk:      1 breaking change(s): files are read by id and stay as they are; queries and inserts by the old name fail
-- predicts:  nothing
-- digest:    sha256:1424ed0e2e748e0c83b026de744503e4e806cf4c241b01bc0599c29907d13b59
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rename "we""ird; --" to a.b ==
-- why:       asked for
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck schema-unmoved: expect "7 | 9E3779B97F4A7C15"
SELECT
  COUNT(*),
  TO_HEX(CHECKSUM(ROW("column_name", "ordinal_position", "data_type", "is_nullable")))
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "we""ird; --" TO "a.b";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'a.b';
-- undo:      gives the name back
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a.b" TO "we""ird; --";
