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
-- does:      a: renamed to b (breaking for readers)
-- does:      b: renamed to a (breaking for readers)
-- risk:      2 breaking change(s): files are read by id and stay as they are; queries and inserts by the old name fail
-- predicts:  nothing
-- digest:    sha256:f6f023f0c374c036c90b6e36aa2549f07724923ce1f80ac24357c96e416063e4
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: rename a to a_before_rename ==
-- why:       the names go round in a ring
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
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a" TO "a_before_rename";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales'
  AND "table_name" = 'orders'
  AND "column_name" = 'a_before_rename';
-- undo:      gives the name back
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a_before_rename" TO "a";

-- == Step 2 of 3: rename b to a ==
-- why:       asked for
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "b" TO "a";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'a';
-- undo:      gives the name back
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a" TO "b";

-- == Step 3 of 3: rename a_before_rename to b ==
-- why:       asked for
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "a_before_rename" TO "b";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'b';
-- undo:      gives the name back
--     ALTER TABLE "iceberg"."sales"."orders" RENAME COLUMN "b" TO "a_before_rename";
