-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   migrate detach
-- made by:   phlo-sql migrate detach iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        phlo-sql
-- trino:     483
-- metadata:  s3://lake/sales/orders/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      2 files lie outside of s3://lake/sales/orders, below s3://raw/orders
-- does:      copies 2 files (128 MB) to s3://lake/sales/orders-0123456789ab
-- does:      compares rows and a checksum of each column, then gives the copy the name iceberg.sales.orders
-- does:      leaves the source's files, and all files of the old table, where they are
-- risk:      none to the source: it is read, never written; time travel to before ends, and a write while it runs stops it before the names change
-- predicts:  rows = 2097152
-- warning:   time travel to the 1 snapshots until now ends: the table starts anew
-- warning:   what the table itself wrote to s3://lake/sales/orders stays there, read by nothing: delete it when going back is out of the question
-- digest:    sha256:3ffab201d5186eae1aa43f5e60ece960296620a8313beaeb3aa47bc559428e8a
-- ----------------------------------------------------------------------------

-- == Step 1 of 11: make catalog phlo_sql_0123456789ab_iceberg ==
-- why:       to have the table in the making; nobody else knows it, and it goes at the end
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE CATALOG "phlo_sql_0123456789ab_iceberg" USING iceberg WITH ("fs.s3.enabled" = 'true', "s3.region" = 'eu-west-1', "iceberg.catalog.type" = 'TESTING_FILE_METASTORE', "iceberg.add-files-procedure.enabled" = 'true', "iceberg.register-table-procedure.enabled" = 'true', "iceberg.allowed-extra-properties" = '*', "hive.metastore.catalog.dir" = 's3://lake/scratch/0123456789ab');
-- check catalog: expect "1"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      drop it
--     DROP CATALOG "phlo_sql_0123456789ab_iceberg";

-- == Step 2 of 11: make schema w ==
-- why:       the table in the making needs one
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE SCHEMA IF NOT EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 3 of 11: make the table at s3://lake/sales/orders-0123456789ab ==
-- why:       the same columns and properties, but gc.enabled: its files will be its own
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck not-written-to: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- statement
CREATE TABLE "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id" BIGINT NOT NULL COMMENT 'it''s the key',
  "ts" TIMESTAMP(6) WITH TIME ZONE,
  "amount" DECIMAL(12, 2)
)
COMMENT 'orders'
WITH (
  "format" = 'PARQUET',
  "location" = 's3://lake/sales/orders-0123456789ab',
  "partitioning" = ARRAY['day(ts)'],
  "extra_properties" = MAP(ARRAY['migrated.source'], ARRAY['s3://raw/orders'])
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'target';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 4 of 11: copy the table: 2 files, 128 MB ==
-- why:       into files of the table's own
-- kind:      write
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  rows = 2097152
-- statement
INSERT INTO "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id",
  "ts",
  "amount"
)
SELECT
  "id",
  "ts",
  "amount"
FROM "iceberg"."sales"."orders";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 5 of 11: compare rows and content with the source (checksum) ==
-- why:       each row of the answer would be a difference, and stop the run before the table is registered
-- kind:      compare
-- destroys:  nothing
-- predicts:  nothing
-- statement
SELECT
  MIN("$side") AS "$side",
  "$rows",
  "id",
  "ts",
  "amount"
FROM (
  SELECT
    'source' AS "$side",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM("ts") AS "ts",
    CHECKSUM("amount") AS "amount"
  FROM "iceberg"."sales"."orders"
  UNION ALL
  SELECT
    'target' AS "$side",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM("ts") AS "ts",
    CHECKSUM("amount") AS "amount"
  FROM "phlo_sql_0123456789ab_iceberg"."w"."target"
) AS "sides"
GROUP BY
  "$rows",
  "id",
  "ts",
  "amount"
HAVING
  COUNT(*) <> 2;
-- undo:      none is needed: it only reads

-- == Step 6 of 11: set the old table aside as orders_before_0123456789ab ==
-- why:       the name becomes free; it is the way back until the end
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck not-written-to: expect "s3://lake/sales/orders/metadata/00007-2b1c.metadata.json"
SELECT "file" FROM "iceberg"."sales"."orders$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1;
-- precheck outside: expect "0"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."w"."target$files"
WHERE
  NOT STARTS_WITH("file_path", 's3://lake/sales/orders-0123456789ab/');
-- statement
ALTER TABLE "iceberg"."sales"."orders" RENAME TO "iceberg"."sales"."orders_before_0123456789ab";
-- check table: expect "0"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- check set-aside: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders_before_0123456789ab';
-- undo:      it gets its name back
--     ALTER TABLE "iceberg"."sales"."orders_before_0123456789ab" RENAME TO "iceberg"."sales"."orders";

-- == Step 7 of 11: register it as iceberg.sales.orders ==
-- why:       it is proven: from here on everybody sees it
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- precheck absent: expect "0"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- precheck same-snapshot: expect "8954597067493422955"
SELECT "snapshot_id" FROM "iceberg"."sales"."orders_before_0123456789ab$refs" WHERE "name" = 'main';
-- statement
CALL "iceberg"."system"."register_table"(schema_name => 'sales', table_name => 'orders', table_location => 's3://lake/sales/orders-0123456789ab');
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- undo:      takes the name away; no file goes with it
--     CALL "iceberg"."system"."unregister_table"(schema_name => 'sales', table_name => 'orders');

-- == Step 8 of 11: forget the name in the scratch catalog ==
-- why:       one table must not have two catalogs that write to it
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "phlo_sql_0123456789ab_iceberg"."system"."unregister_table"(schema_name => 'w', table_name => 'target');
-- check table: expect "0"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'target';
-- undo:      none is needed: it was made for this run

-- == Step 9 of 11: drop schema w ==
-- why:       nothing is left behind
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP SCHEMA IF EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: it was made for this run

-- == Step 10 of 11: drop catalog phlo_sql_0123456789ab_iceberg ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_iceberg";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      none is needed: it was made for this run

-- == Step 11 of 11: forget the old table, orders_before_0123456789ab ==
-- why:       it was the last that names the source's files; unregistering touches none of them
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- precheck same-snapshot: expect "8954597067493422955"
SELECT "snapshot_id" FROM "iceberg"."sales"."orders_before_0123456789ab$refs" WHERE "name" = 'main';
-- statement
CALL "iceberg"."system"."unregister_table"(schema_name => 'sales', table_name => 'orders_before_0123456789ab');
-- check table: expect "0"
SELECT
  COUNT(*)
FROM "iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders_before_0123456789ab';
-- undo:      the old table is shown again, from the metadata that it had
--     CALL "iceberg"."system"."register_table"(schema_name => 'sales', table_name => 'orders_before_0123456789ab', table_location => 's3://lake/sales/orders', metadata_file_name => '00007-2b1c.metadata.json');
