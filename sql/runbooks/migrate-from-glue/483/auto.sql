-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   migrate from-glue
-- made by:   phlo-sql migrate from-glue --region eu-west-1 --database sales --target sales --table orders
-- table:     iceberg.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        phlo-sql
-- trino:     483
-- metadata:  none
-- snapshot:  none
-- ref hash:  none
-- does:      takes in place 4 orc files (256 MB) of 2 of 3 partitions
-- does:      in-place: the files are read where they are: nothing in them needs to change
-- does:      copies 2 orc files (128 MB) of 1 of 3 partitions
-- does:      copy: the folder name 'region=a%2Fb' has letters that in place are not read right
-- does:      compares the number of rows, and a checksum of each column, for each partition with the source before anybody sees the table
-- risk:      none to the source: it is read, never written; until the table is registered, nobody sees it; afterwards the table reads the source's files
-- predicts:  rows = 6000
-- warning:   column small: Iceberg has no smallint: it becomes integer
-- warning:   buckets are not kept: Iceberg has none of Hive's kind
-- warning:   the table reads the source's files, so gc.enabled is false: nothing that is run on it deletes them, and its old snapshots can't be expired; `migrate detach` cuts that tie later, --mode copy makes a table without it
-- digest:    sha256:05c3fa5b4be78b921c7b652257d572996d677857bb089adcdce7b0d0a985a06d
-- ----------------------------------------------------------------------------

-- == Step 1 of 20: make catalog phlo_sql_0123456789ab_hive ==
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

-- == Step 2 of 20: make catalog phlo_sql_0123456789ab_iceberg ==
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

-- == Step 3 of 20: make schema w in both ==
-- why:       they share one metastore
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE SCHEMA IF NOT EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 4 of 20: show the source's files as external Hive table files ==
-- why:       copies and comparisons read the source through it; dropping it touches no file
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_hive"."w"."files" (
  "id" BIGINT,
  "small" SMALLINT,
  "region" VARCHAR,
  "day" DATE
)
WITH (
  "external_location" = 's3://raw/orders',
  "format" = 'ORC',
  "partitioned_by" = ARRAY['region', 'day']
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'files';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 5 of 20: find its 3 partitions ==
-- why:       the folders' names are the values
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "phlo_sql_0123456789ab_hive"."system"."sync_partition_metadata"(schema_name => 'w', table_name => 'files', mode => 'ADD');
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 6 of 20: show the source's files as external Hive table folders ==
-- why:       partitions are taken in place through it, and for that it may have one column only
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_hive"."w"."folders" (
  "id" BIGINT,
  "region" VARCHAR,
  "day" DATE
)
WITH (
  "external_location" = 's3://raw/orders',
  "format" = 'ORC',
  "partitioned_by" = ARRAY['region', 'day']
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'folders';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 7 of 20: find its 3 partitions ==
-- why:       the folders' names are the values
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "phlo_sql_0123456789ab_hive"."system"."sync_partition_metadata"(schema_name => 'w', table_name => 'folders', mode => 'ADD');
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 8 of 20: make the table at s3://lake/sales/orders-0123456789ab ==
-- why:       under a name of the scratch catalog, until it is proven
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
CREATE TABLE "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id" BIGINT NOT NULL COMMENT 'it''s the key',
  "small" INTEGER,
  "region" VARCHAR,
  "day" DATE
)
COMMENT 'orders of it''s shops'
WITH (
  "format" = 'ORC',
  "location" = 's3://lake/sales/orders-0123456789ab',
  "extra_properties" = MAP(
    ARRAY['team', 'migrated.source', 'migrated.owner', 'gc.enabled'],
    ARRAY['sales', 's3://raw/orders', 'etl', 'false']
  ),
  "partitioning" = ARRAY['region', 'day'],
  "sorted_by" = ARRAY['id']
);
-- check table: expect "1"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_iceberg"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'target';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 9 of 20: take 2 files of region=north/day=2026-01-01 in place ==
-- why:       the table's metadata names them; nothing is moved or written beside it
-- kind:      procedure
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  added_data_files = 2; rows = 2000
-- statement
ALTER TABLE "phlo_sql_0123456789ab_iceberg"."w"."target"
  EXECUTE add_files_from_table(schema_name => 'w', table_name => 'folders', partition_filter => MAP(ARRAY['region'], ARRAY['north/day=2026-01-01']));
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 10 of 20: take 2 files of region=__HIVE_DEFAULT_PARTITION__/day=2026-01-02 in place ==
-- why:       the table's metadata names them; nothing is moved or written beside it
-- kind:      procedure
-- runs:      planned by the server when it is its turn
-- destroys:  nothing
-- predicts:  added_data_files = 2; rows = 2000
-- statement
ALTER TABLE "phlo_sql_0123456789ab_iceberg"."w"."target"
  EXECUTE add_files_from_table(schema_name => 'w', table_name => 'folders', partition_filter => MAP(ARRAY['region'], ARRAY['__HIVE_DEFAULT_PARTITION__/day=2026-01-02']));
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 11 of 20: copy region=a%2Fb/day=2026-01-01: 2 files, 128 MB ==
-- why:       the folder name 'region=a%2Fb' has letters that in place are not read right
-- kind:      write
-- runs:      planned by the server when it is its turn; on its own
-- destroys:  nothing
-- predicts:  rows = 2000
-- statement
INSERT INTO "phlo_sql_0123456789ab_iceberg"."w"."target" (
  "id",
  "small",
  "region",
  "day"
)
SELECT
  "id",
  CAST("small" AS INTEGER),
  "region",
  "day"
FROM "phlo_sql_0123456789ab_hive"."w"."files"
WHERE
  "region" = 'a/b' AND "day" = DATE '2026-01-01';
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 12 of 20: compare rows and content with the source (checksum) ==
-- why:       each row of the answer would be a difference, and stop the run before the table is registered
-- kind:      compare
-- destroys:  nothing
-- predicts:  nothing
-- statement
SELECT
  MIN("$side") AS "$side",
  "region",
  "day",
  "$rows",
  "id",
  "small"
FROM (
  SELECT
    'source' AS "$side",
    "region" AS "region",
    "day" AS "day",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM(CAST("small" AS INTEGER)) AS "small"
  FROM "phlo_sql_0123456789ab_hive"."w"."files"
  GROUP BY
    "region",
    "day"
  UNION ALL
  SELECT
    'target' AS "$side",
    "region" AS "region",
    "day" AS "day",
    COUNT(*) AS "$rows",
    CHECKSUM("id") AS "id",
    CHECKSUM("small") AS "small"
  FROM "phlo_sql_0123456789ab_iceberg"."w"."target"
  GROUP BY
    "region",
    "day"
) AS "sides"
GROUP BY
  "region",
  "day",
  "$rows",
  "id",
  "small"
HAVING
  COUNT(*) <> 2;
-- undo:      none is needed: it only reads

-- == Step 13 of 20: count the distinct values of its columns ==
-- why:       the files don't tell them, and joins are planned by them
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
ANALYZE "phlo_sql_0123456789ab_iceberg"."w"."target";
-- undo:      none is needed: `migrate rollback` drops the scratch catalogs and their files

-- == Step 14 of 20: register it as iceberg.sales.orders ==
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

-- == Step 15 of 20: forget the name in the scratch catalog ==
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

-- == Step 16 of 20: drop external Hive table files ==
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

-- == Step 17 of 20: drop external Hive table folders ==
-- why:       its files stay: they are the source
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP TABLE "phlo_sql_0123456789ab_hive"."w"."folders";
-- check table: expect "0"
SELECT
  COUNT(*)
FROM "phlo_sql_0123456789ab_hive"."information_schema"."tables"
WHERE
  "table_schema" = 'w' AND "table_name" = 'folders';
-- undo:      none is needed: it was made for this run

-- == Step 18 of 20: drop schema w ==
-- why:       nothing is left behind
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP SCHEMA IF EXISTS "phlo_sql_0123456789ab_iceberg"."w";
-- undo:      none is needed: it was made for this run

-- == Step 19 of 20: drop catalog phlo_sql_0123456789ab_hive ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_hive";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_hive';
-- undo:      none is needed: it was made for this run

-- == Step 20 of 20: drop catalog phlo_sql_0123456789ab_iceberg ==
-- why:       nothing is left behind
-- kind:      catalog
-- destroys:  nothing
-- predicts:  nothing
-- statement
DROP CATALOG "phlo_sql_0123456789ab_iceberg";
-- check catalog: expect "0"
SELECT COUNT(*) FROM "system"."metadata"."catalogs" WHERE "catalog_name" = 'phlo_sql_0123456789ab_iceberg';
-- undo:      none is needed: it was made for this run
