-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   migrate convert
-- made by:   phlo-sql migrate convert s3://raw/orders --format parquet --table iceberg.sales.orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        phlo-sql
-- trino:     483
-- metadata:  none
-- snapshot:  none
-- ref hash:  none
-- does:      copies 6 parquet files (384 MB) of 3 of 3 partitions
-- does:      copy: --mode copy asks for it
-- does:      compares the number of rows for each partition with the source before anybody sees the table
-- risk:      none to the source: it is read, never written; until the table is registered, nobody sees it
-- predicts:  rows = 6000
-- digest:    sha256:88e98aa395345e05b635c122de6edcff18d6ec711e31afb0e0c44c4e5c37a61d
-- ----------------------------------------------------------------------------

-- == Step 1 of 16: make catalog phlo_sql_0123456789ab_hive ==
-- why:       to show the source's files as a table; nobody else knows it, and it goes at the end
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE CATALOG "phlo_sql_0123456789ab_hive" USING hive WITH ("fs.s3.enabled" = 'true', "s3.region" = 'eu-west-1', "s3.aws-access-key" = '${ENV:S3_KEY}', "s3.aws-secret-key" = '${ENV:S3_SECRET}', "hive.metastore" = 'file', "hive.timestamp-precision" = 'MICROSECONDS', "hive.orc.use-column-names" = 'true', "hive.allow-register-partition-procedure" = 'true', "hive.metastore.catalog.dir" = 's3://lake/scratch/0123456789ab');
-- check catalog: expect "1"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_hive';
-- undo:      drop it
--     DROP CATALOG "phlo_sql_0123456789ab_hive";

-- == Step 2 of 16: make catalog phlo_sql_0123456789ab_iceberg ==
-- why:       to have the table in the making; nobody else knows it, and it goes at the end
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE CATALOG "phlo_sql_0123456789ab_iceberg" USING iceberg WITH ("fs.s3.enabled" = 'true', "s3.region" = 'eu-west-1', "s3.aws-access-key" = '${ENV:S3_KEY}', "s3.aws-secret-key" = '${ENV:S3_SECRET}', "iceberg.catalog.type" = 'TESTING_FILE_METASTORE', "iceberg.add-files-procedure.enabled" = 'true', "iceberg.register-table-procedure.enabled" = 'true', "iceberg.allowed-extra-properties" = '*', "hive.metastore.catalog.dir" = 's3://lake/scratch/0123456789ab');
-- check catalog: expect "1"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      drop it
--     DROP CATALOG "phlo_sql_0123456789ab_iceberg";

-- == Step 3 of 16: make schema w in both ==
-- why:       they share one metastore
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE SCHEMA IF NOT EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 4 of 16: show the source's files as external Hive table files ==
-- why:       copies and comparisons read the source through it; dropping it touches no file
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_hive"."w"."files" (
  "id" BIGINT,
  "at" TIMESTAMP(6),
  "region" VARCHAR,
  "day" DATE
)
WITH (
  "external_location" = 's3://raw/orders',
  "format" = 'PARQUET',
  "partitioned_by" = ARRAY['region', 'day']
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'files';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 5 of 16: find its 3 partitions ==
-- why:       the folders' names are the values
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "phlo_sql_0123456789ab_hive"."system"."sync_partition_metadata"(schema_name => 'w', table_name => 'files', mode => 'ADD');
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 6 of 16: make the table at s3://lake/sales/orders-0123456789ab ==
-- why:       under a name of the scratch catalog, until it is proven
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id" BIGINT NOT NULL COMMENT 'it''s the key',
  "at" TIMESTAMP(6) WITH TIME ZONE,
  "region" VARCHAR,
  "day" DATE
)
WITH (
  "format" = 'PARQUET',
  "location" = 's3://lake/sales/orders-0123456789ab',
  "extra_properties" = MAP(ARRAY['migrated.source'], ARRAY['s3://raw/orders']),
  "partitioning" = ARRAY['region', 'day']
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'target';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 7 of 16: copy region=north/day=2026-01-01: 2 files, 128 MB ==
-- why:       --mode copy asks for it
-- kind:      write
-- runs:      planned by the server when it is its turn; on its own
-- destroys:  nothing
-- predicts:  rows = 2000
-- statement
INSERT INTO "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id",
  "at",
  "region",
  "day"
)
SELECT
  "id",
  WITH_TIMEZONE(CAST("at" AS TIMESTAMP(6)), 'UTC'),
  "region",
  "day"
FROM "phlo_sql_0123456789ab_hive"."w"."files"
WHERE
  "region" = 'north' AND "day" = DATE '2026-01-01';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 8 of 16: copy region=a%2Fb/day=2026-01-01: 2 files, 128 MB ==
-- why:       --mode copy asks for it
-- kind:      write
-- runs:      planned by the server when it is its turn; on its own
-- destroys:  nothing
-- predicts:  rows = 2000
-- statement
INSERT INTO "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id",
  "at",
  "region",
  "day"
)
SELECT
  "id",
  WITH_TIMEZONE(CAST("at" AS TIMESTAMP(6)), 'UTC'),
  "region",
  "day"
FROM "phlo_sql_0123456789ab_hive"."w"."files"
WHERE
  "region" = 'a/b' AND "day" = DATE '2026-01-01';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 9 of 16: copy region=__HIVE_DEFAULT_PARTITION__/day=2026-01-02: 2 files, 128 MB ==
-- why:       --mode copy asks for it
-- kind:      write
-- runs:      planned by the server when it is its turn; on its own
-- destroys:  nothing
-- predicts:  rows = 2000
-- statement
INSERT INTO "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id",
  "at",
  "region",
  "day"
)
SELECT
  "id",
  WITH_TIMEZONE(CAST("at" AS TIMESTAMP(6)), 'UTC'),
  "region",
  "day"
FROM "phlo_sql_0123456789ab_hive"."w"."files"
WHERE
  "region" IS NULL AND "day" = DATE '2026-01-02';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 10 of 16: compare rows with the source (count) ==
-- why:       each row of the answer would be a difference, and stop the run before the table is registered
-- kind:      compare
-- destroys:  nothing
-- predicts:  nothing
-- statement
SELECT
  MIN("$side") AS "$side",
  "region",
  "day",
  "$rows"
FROM (
  SELECT
    'source' AS "$side",
    "region" AS "region",
    "day" AS "day",
    COUNT(*) AS "$rows"
  FROM "phlo_sql_0123456789ab_hive"."w"."files"
  GROUP BY
    "region",
    "day"
  UNION ALL
  SELECT
    'target' AS "$side",
    "region" AS "region",
    "day" AS "day",
    COUNT(*) AS "$rows"
  FROM "phlo_sql_0123456789ab_iceberg"."w"."target"
  GROUP BY
    "region",
    "day"
) AS "sides"
GROUP BY
  "region",
  "day",
  "$rows"
HAVING
  COUNT(*) <> 2;
-- undo:      none is needed: it only reads

-- == Step 11 of 16: register it as iceberg.sales.orders ==
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

-- == Step 12 of 16: forget the name in the scratch catalog ==
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

-- == Step 13 of 16: drop external Hive table files ==
-- why:       its files stay: they are the source
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP TABLE "phlo_sql_0123456789ab_hive"."w"."files";
-- check table: expect "0"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'files';
-- undo:      none is needed: it was made for this run

-- == Step 14 of 16: drop schema w ==
-- why:       nothing is left behind
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP SCHEMA IF EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: it was made for this run

-- == Step 15 of 16: drop catalog phlo_sql_0123456789ab_hive ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_hive";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_hive';
-- undo:      none is needed: it was made for this run

-- == Step 16 of 16: drop catalog phlo_sql_0123456789ab_iceberg ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_iceberg";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      none is needed: it was made for this run
