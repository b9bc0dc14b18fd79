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
-- does:      note: added, string (compatible)
-- does:      address.zip: added, string (breaking for writers)
-- risk:      1 breaking change(s): an INSERT writes the whole value, and fails where this field is missing from it
-- predicts:  nothing
-- digest:    sha256:867c5e509d48d89682d739a328a2632f8641dc1f8f3ce0019139758d85f07d24
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
