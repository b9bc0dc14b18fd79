-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   schema evolve
-- made by:   phlo-sql schema evolve sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     476
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      note: added, string (compatible)
-- does:      address.zip: added, string (compatible)
-- risk:      low: metadata only, no file is written
-- predicts:  nothing
-- digest:    sha256:60df65020fdad7a96f941a59842bf5e65c73ef7819c98979cfa8f551295b4cb3
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: add address.zip (string) ==
-- why:       asked for; files that are there read as NULL
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
ALTER TABLE "iceberg"."sales"."orders" ADD COLUMN "address"."zip" VARCHAR;
-- undo:      drops it again, with what was written to it
--     ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "address"."zip";

-- == Step 2 of 2: add note (string) ==
-- why:       asked for; files that are there read as NULL
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" ADD COLUMN "note" VARCHAR COMMENT 'it''s free text' AFTER "id";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'note';
-- undo:      drops it again, with what was written to it
--     ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "note";
