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
-- does:      a: dropped, was long (breaking for readers); 1.2 kB in 3 files in 2026-01-01 become unreadable
-- does:      address.city: dropped, was string (breaking for readers)
-- does:      table: sort order a ASC NULLS FIRST → none (compatible)
-- risk:      2 breaking change(s): queries and inserts that name it fail; dropped columns can be read by time travel until their snapshots expire; added again they are new and empty
-- predicts:  nothing
-- digest:    sha256:f2508e8b2a33c099a95ae65b83ef6fd23fc94c3c00957bf29faa7f3b6cf4d1b3
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: sort by nothing ==
-- why:       a column of the sort order is dropped
-- kind:      properties
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
ALTER TABLE "iceberg"."sales"."orders" SET PROPERTIES "sorted_by" = ARRAY[];
-- undo:      none: a column that it names is dropped

-- == Step 2 of 3: drop a (long) ==
-- why:       asked for; its values stay in the files, but nothing reads them
-- kind:      ddl
-- destroys:  data
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "a";
-- check column: expect "0"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'a';
-- undo:      none: a column added again is a new one, and empty; older snapshots still have the values (FOR VERSION AS OF)

-- == Step 3 of 3: drop address.city (string) ==
-- why:       asked for; its values stay in the files, but nothing reads them
-- kind:      ddl
-- destroys:  data
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" DROP COLUMN "address"."city";
-- check column: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'address';
-- undo:      none: a column added again is a new one, and empty; older snapshots still have the values (FOR VERSION AS OF)
