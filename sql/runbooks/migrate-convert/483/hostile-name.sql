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
-- does:      takes in place 2 parquet files (128 MB)
-- does:      in-place: the files are read where they are: nothing in them needs to change
-- does:      compares the number of rows, and a checksum of each column in a sample, with the source before anybody sees the table
-- risk:      none to the source: it is read, never written; until the table is registered, nobody sees it; afterwards the table reads the source's files
-- predicts:  added_data_files = 2; rows = 2000
-- warning:   the table reads the source's files, so gc.enabled is false: nothing that is run on it deletes them, and its old snapshots can't be expired; `migrate detach` cuts that tie later, --mode copy makes a table without it
-- digest:    sha256:83b68445a1941ef253450e3fe3510733cf0eb802b7bcb79f5b3e1bfc759ebaaf
-- ----------------------------------------------------------------------------

-- == Step 1 of 15: make catalog phlo_sql_0123456789ab_hive ==
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

-- == Step 2 of 15: make catalog phlo_sql_0123456789ab_iceberg ==
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

-- == Step 3 of 15: make schema w in both ==
-- why:       they share one metastore
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE SCHEMA IF NOT EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 4 of 15: show the source's files as external Hive table files ==
-- why:       copies and comparisons read the source through it; dropping it touches no file
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_hive"."w"."files" (
  "id" BIGINT,
  "we""ird; --" VARCHAR
)
WITH (
  "external_location" = 's3://raw/orders',
  "format" = 'PARQUET'
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'files';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 5 of 15: make the table at s3://lake/sales/orders-0123456789ab ==
-- why:       under a name of the scratch catalog, until it is proven
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id" BIGINT NOT NULL COMMENT 'it''s the key',
  "we""ird; --" VARCHAR
)
WITH (
  "format" = 'PARQUET',
  "location" = 's3://lake/sales/orders-0123456789ab',
  "extra_properties" = MAP(ARRAY['migrated.source', 'gc.enabled'], ARRAY['s3://raw/orders', 'false'])
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'target';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 6 of 15: take 2 files of s3://raw/orders in place ==
-- why:       the table's metadata names them; nothing is moved or written beside it
-- kind:      procedure
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  added_data_files = 2; rows = 2000
-- statement
ALTER TABLE "phlo_sql_0123456789ab_iceberg"."w"."target"
EXECUTE add_files(location => 's3://raw/orders', format => 'PARQUET');
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 7 of 15: compare rows and content with the source (sample) ==
-- why:       each row of the answer would be a difference, and stop the run before the table is registered
-- kind:      compare
-- destroys:  nothing
-- predicts:  nothing
-- statement
SELECT
  MIN("$side") AS "$side",
  "$rows"
FROM (
  SELECT
    'source' AS "$side",
    COUNT(*) AS "$rows"
  FROM "phlo_sql_0123456789ab_hive"."w"."files"
  UNION ALL
  SELECT
    'target' AS "$side",
    COUNT(*) AS "$rows"
  FROM "phlo_sql_0123456789ab_iceberg"."w"."target"
) AS "sides"
GROUP BY
  "$rows"
HAVING
  COUNT(*) <> 2;
-- undo:      none is needed: it only reads

-- == Step 8 of 15: compare rows and content with the source (sample) ==
-- why:       each row of the answer would be a difference, and stop the run before the table is registered
-- kind:      compare
-- destroys:  nothing
-- predicts:  nothing
-- statement
SELECT
  MIN("$side") AS "$side",
  "$rows",
  "id",
  "we""ird; --"
FROM (
  SELECT
    'source' AS "$side",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM("we""ird; --") AS "we""ird; --"
  FROM "phlo_sql_0123456789ab_hive"."w"."files"
  WHERE
    BITWISE_AND(FROM_BIG_ENDIAN_64(XXHASH64(TO_UTF8(CAST("id" AS VARCHAR)))), 15) = 0
    OR BITWISE_AND(FROM_BIG_ENDIAN_64(XXHASH64(TO_UTF8(CAST("id" AS VARCHAR)))), 15) IS NULL
  UNION ALL
  SELECT
    'target' AS "$side",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM("we""ird; --") AS "we""ird; --"
  FROM "phlo_sql_0123456789ab_iceberg"."w"."target"
  WHERE
    BITWISE_AND(FROM_BIG_ENDIAN_64(XXHASH64(TO_UTF8(CAST("id" AS VARCHAR)))), 15) = 0
    OR BITWISE_AND(FROM_BIG_ENDIAN_64(XXHASH64(TO_UTF8(CAST("id" AS VARCHAR)))), 15) IS NULL
) AS "sides"
GROUP BY
  "$rows",
  "id",
  "we""ird; --"
HAVING
  COUNT(*) <> 2;
-- undo:      none is needed: it only reads

-- == Step 9 of 15: count the distinct values of its columns ==
-- why:       the files don't tell them, and joins are planned by them
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ANALYZE "phlo_sql_0123456789ab_iceberg"."w"."target";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 10 of 15: register it as iceberg.sales.orders ==
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

-- == Step 11 of 15: forget the name in the scratch catalog ==
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

-- == Step 12 of 15: drop external Hive table files ==
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

-- == Step 13 of 15: drop schema w ==
-- why:       nothing is left behind
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP SCHEMA IF EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: it was made for this run

-- == Step 14 of 15: drop catalog phlo_sql_0123456789ab_hive ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_hive";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_hive';
-- undo:      none is needed: it was made for this run

-- == Step 15 of 15: drop catalog phlo_sql_0123456789ab_iceberg ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_iceberg";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      none is needed: it was made for this run
