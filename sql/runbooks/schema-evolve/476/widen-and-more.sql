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
-- does:      id: type int → long (compatible)
-- does:      id: nullability NOT NULL → optional (compatible)
-- does:      attrs.value.k: type int → long (compatible)
-- risk:      low: metadata only, no file is written
-- predicts:  nothing
-- digest:    sha256:b4a7bd831f48180c2afadda77c0598da4d77e9176a102ef8bb3ea970fe662711
-- ----------------------------------------------------------------------------

-- == Step 1 of 3: make id long ==
-- why:       asked for; files that are there are read as the wider type
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
ALTER TABLE "iceberg"."sales"."orders" ALTER COLUMN "id" SET DATA TYPE BIGINT;
-- check type: expect "bigint"
SELECT
  "data_type"
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'id';
-- undo:      none: Iceberg does not narrow a type; the wider one reads everything

-- == Step 2 of 3: make attrs.value.k long ==
-- why:       asked for; files that are there are read as the wider type
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" ALTER COLUMN "attrs"."value"."k" SET DATA TYPE BIGINT;
-- undo:      none: Iceberg does not narrow a type; the wider one reads everything

-- == Step 3 of 3: let id be NULL ==
-- why:       asked for
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ALTER TABLE "iceberg"."sales"."orders" ALTER COLUMN id DROP NOT NULL;
-- check nullable: expect "YES"
SELECT
  "is_nullable"
FROM "iceberg"."information_schema"."columns"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders' AND "column_name" = 'id';
-- undo:      none: Trino adds no NOT NULL to a column of an Iceberg table
