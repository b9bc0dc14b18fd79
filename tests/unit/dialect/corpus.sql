-- Statements as Trino's users write them. Each under a line with its name, the Trino versions whose
-- grammar accepts it (of 476 and 484), and whether it is in phlo-sql's closed set.

-- opt | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize

-- opt_arg | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize(file_size_threshold => '128MB')

-- opt_where | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize WHERE part = DATE '2024-01-01'

-- opt_arg_where | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize(file_size_threshold => '128MB') WHERE part = DATE '2024-01-01' AND x > 1

-- opt_manifests | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize_manifests

-- expire | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE expire_snapshots(retention_threshold => '7d', retain_last => 5, clean_expired_metadata => true)

-- orphan | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE remove_orphan_files(retention_threshold => '7d')

-- drop_stats | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE drop_extended_stats

-- add_files | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE add_files(location => 's3://b/p', format => 'PARQUET')

-- add_files_tbl | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE add_files_from_table(schema_name => 's', table_name => 't', partition_filter => map(ARRAY['p'], ARRAY['x']), recursive_directory => 'fail')

-- rollback | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE rollback_to_snapshot(123)

-- rollback_named | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955)

-- empty_parens | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize()

-- add | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint

-- add_ifne | 476 484 | known
ALTER TABLE IF EXISTS "cat"."sch"."t" ADD COLUMN IF NOT EXISTS "c" bigint

-- add_full_brief | none | unknown
ALTER TABLE "cat"."sch"."t" ADD COLUMN IF NOT EXISTS "c" bigint DEFAULT 7 COMMENT 'x' NOT NULL FIRST

-- add_full | 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN IF NOT EXISTS "c" bigint DEFAULT 7 NOT NULL COMMENT 'x' FIRST

-- add_nn_comment | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint NOT NULL COMMENT 'x'

-- add_default | 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" varchar DEFAULT 'it''s'

-- add_default_ts | 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" timestamp(6) DEFAULT TIMESTAMP '2024-01-01 00:00:00.000000'

-- add_first | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint FIRST

-- add_last | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint LAST

-- add_after | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint AFTER "b"

-- add_with | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "c" bigint COMMENT 'x' WITH (a = 1) AFTER "b"

-- add_nested | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN "a"."b" bigint

-- add_nested_if | 476 484 | known
ALTER TABLE "cat"."sch"."t" ADD COLUMN IF NOT EXISTS "a"."b c"."d" row("x" bigint) COMMENT 'n'

-- drop | 476 484 | known
ALTER TABLE "cat"."sch"."t" DROP COLUMN "c"

-- drop_if | 476 484 | known
ALTER TABLE "cat"."sch"."t" DROP COLUMN IF EXISTS "c"

-- drop_nested | 476 484 | known
ALTER TABLE "cat"."sch"."t" DROP COLUMN IF EXISTS "a"."b"

-- rename | 476 484 | known
ALTER TABLE "cat"."sch"."t" RENAME COLUMN "a" TO "c"

-- rename_if | 476 484 | known
ALTER TABLE IF EXISTS "cat"."sch"."t" RENAME COLUMN IF EXISTS "a" TO "c"

-- rename_nested | 476 484 | known
ALTER TABLE "cat"."sch"."t" RENAME COLUMN "a"."b" TO "c"

-- set_type | 476 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" SET DATA TYPE bigint

-- set_type_row | 476 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" SET DATA TYPE row("x" bigint, "Y z" array(varchar))

-- set_type_nest | 476 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "a"."b" SET DATA TYPE decimal(20, 2)

-- drop_nn | 476 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" DROP NOT NULL

-- set_default | 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" SET DEFAULT 5

-- drop_default | 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" DROP DEFAULT

-- set_props | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET PROPERTIES partitioning = ARRAY['day(ts)'], sorted_by = ARRAY['x'], format_version = 2

-- set_props_ext | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET PROPERTIES extra_properties = MAP(ARRAY['a.b'], ARRAY['c']), "object_store_layout_enabled" = true

-- set_props_dflt | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET PROPERTIES partitioning = DEFAULT, format = 'ORC'

-- comment_tbl | 476 484 | known
COMMENT ON TABLE "cat"."sch"."t" IS 'it''s'

-- comment_tbl_nul | 476 484 | known
COMMENT ON TABLE "cat"."sch"."t" IS NULL

-- comment_col | 476 484 | known
COMMENT ON COLUMN "cat"."sch"."t"."c" IS 'it''s'

-- comment_col_nst | 476 484 | known
COMMENT ON COLUMN "cat"."sch"."t"."a"."b" IS 'n'

-- comment_view | 476 484 | known
COMMENT ON VIEW "cat"."sch"."t" IS 'v'

-- rename_to | 476 484 | known
ALTER TABLE "cat"."sch"."t" RENAME TO "cat"."sch"."u"

-- rename_to_if | 476 484 | known
ALTER TABLE IF EXISTS "cat"."sch"."t" RENAME TO "cat"."sch"."u"

-- auth | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET AUTHORIZATION "alice"

-- auth_user | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET AUTHORIZATION USER "alice"

-- auth_role | 476 484 | known
ALTER TABLE "cat"."sch"."t" SET AUTHORIZATION ROLE "admin"

-- auth_schema | 476 484 | known
ALTER SCHEMA "cat"."sch" SET AUTHORIZATION ROLE "admin"

-- auth_view | 476 484 | known
ALTER VIEW "cat"."sch"."t" SET AUTHORIZATION USER "u"

-- rename_schema | 476 484 | known
ALTER SCHEMA "cat"."sch" RENAME TO "s2"

-- rename_view | 476 484 | known
ALTER VIEW "cat"."sch"."t" RENAME TO "cat"."sch"."v2"

-- mv_props | 476 484 | known
ALTER MATERIALIZED VIEW "cat"."sch"."t" SET PROPERTIES format = 'ORC'

-- mv_rename | 476 484 | known
ALTER MATERIALIZED VIEW "cat"."sch"."t" RENAME TO "cat"."sch"."v2"

-- branch | 484 | known
CREATE BRANCH "b" IN TABLE "cat"."sch"."t"

-- branch_from | 484 | known
CREATE BRANCH "b" IN TABLE "cat"."sch"."t" FROM "main"

-- branch_ifne | 484 | known
CREATE BRANCH IF NOT EXISTS "b" IN TABLE "cat"."sch"."t"

-- branch_repl | 484 | known
CREATE OR REPLACE BRANCH "b" IN TABLE "cat"."sch"."t" FROM "main"

-- branch_with | 484 | known
CREATE BRANCH "b" WITH (retention = '7d') IN TABLE "cat"."sch"."t"

-- ff_brief | none | unknown
FAST FORWARD BRANCH "a" IN TABLE "cat"."sch"."t" TO "b"

-- ff | 484 | known
ALTER BRANCH "a" IN TABLE "cat"."sch"."t" FAST FORWARD TO "b"

-- drop_branch | 484 | known
DROP BRANCH "b" IN TABLE "cat"."sch"."t"

-- drop_branch_if | 484 | known
DROP BRANCH IF EXISTS "b" IN TABLE "cat"."sch"."t"

-- show_br_brief | none | unknown
SHOW BRANCHES

-- show_branches | 484 | known
SHOW BRANCHES IN TABLE "cat"."sch"."t"

-- show_branches_f | 484 | known
SHOW BRANCHES FROM TABLE "cat"."sch"."t"

-- insert_br | 484 | known
INSERT INTO "cat"."sch"."t" @ "b" ("x") VALUES (1)

-- insert_br_sel | 484 | known
INSERT INTO "cat"."sch"."t" @ "b" SELECT * FROM "s"

-- delete_br | 484 | known
DELETE FROM "cat"."sch"."t" @ "b" WHERE "x" = 1

-- update_br | 484 | known
UPDATE "cat"."sch"."t" @ "b" SET "x" = 1 WHERE "y" = 2

-- merge_br | 484 | known
MERGE INTO "cat"."sch"."t" @ "b" AS "tt" USING "s" AS "ss" ON "tt"."id" = "ss"."id" WHEN MATCHED THEN UPDATE SET "x" = "ss"."x" WHEN NOT MATCHED THEN INSERT ("id", "x") VALUES ("ss"."id", "ss"."x")

-- merge | 476 484 | known
MERGE INTO "cat"."sch"."t" AS "tt" USING "s" AS "ss" ON "tt"."id" = "ss"."id" WHEN MATCHED AND "ss"."op" = 'D' THEN DELETE WHEN MATCHED THEN UPDATE SET "x" = "ss"."x" WHEN NOT MATCHED THEN INSERT ("id", "x") VALUES ("ss"."id", "ss"."x")

-- insert | 476 484 | known
INSERT INTO "cat"."sch"."t" ("x", "y") SELECT "a", "b" FROM "s"

-- delete | 476 484 | known
DELETE FROM "cat"."sch"."t" WHERE "x" = 1

-- update | 476 484 | known
UPDATE "cat"."sch"."t" SET "x" = 1 WHERE "y" = 2

-- truncate | 476 484 | known
TRUNCATE TABLE "cat"."sch"."t"

-- tt_version | 476 484 | known
SELECT * FROM "cat"."sch"."t" FOR VERSION AS OF 123

-- tt_version_ref | 476 484 | known
SELECT * FROM "cat"."sch"."t" FOR VERSION AS OF 'branch'

-- tt_version_al | 476 484 | known
SELECT * FROM "cat"."sch"."t" FOR VERSION AS OF 123 AS "x"

-- tt_ts | 476 484 | known
SELECT * FROM "cat"."sch"."t" FOR TIMESTAMP AS OF TIMESTAMP '2024-01-01 00:00:00.000 UTC'

-- files | 476 484 | known
SELECT * FROM "cat"."sch"."t$files"

-- hidden | 476 484 | known
SELECT "$path", "$file_modified_time" FROM "cat"."sch"."t"

-- ctable | 476 484 | known
CREATE TABLE IF NOT EXISTS "cat"."sch"."t" ("a" bigint NOT NULL COMMENT 'x', "ts" timestamp(6) with time zone) COMMENT 'tbl' WITH (format = 'PARQUET', partitioning = ARRAY['month(ts)'], location = 's3://b/p', format_version = 2)

-- ctable_or | 476 484 | known
CREATE OR REPLACE TABLE "cat"."sch"."t" ("a" bigint) WITH (format = 'PARQUET')

-- ctable_default | 484 | known
CREATE TABLE "cat"."sch"."t" ("a" bigint DEFAULT 7 NOT NULL)

-- ctable_like | 476 484 | known
CREATE TABLE "cat"."sch"."t" (LIKE "cat"."sch"."u" INCLUDING PROPERTIES, "z" bigint)

-- ctable_colprop | 476 484 | known
CREATE TABLE "cat"."sch"."t" ("a" bigint WITH (p = 1))

-- ctas | 476 484 | known
CREATE TABLE "cat"."sch"."t" WITH (format = 'PARQUET', sorted_by = ARRAY['x']) AS SELECT * FROM "s"

-- ctas_nodata | 476 484 | known
CREATE TABLE IF NOT EXISTS "cat"."sch"."t" COMMENT 'c' WITH (format = 'PARQUET') AS SELECT 1 AS "x" WITH NO DATA

-- ctas_cols | 476 484 | known
CREATE OR REPLACE TABLE "cat"."sch"."t" ("x", "y") AS SELECT 1, 2

-- drop_table | 476 484 | known
DROP TABLE IF EXISTS "cat"."sch"."t"

-- schema | 476 484 | known
CREATE SCHEMA IF NOT EXISTS "cat"."s" WITH (location = 's3://b/s/')

-- schema_auth | 476 484 | known
CREATE SCHEMA "cat"."s" AUTHORIZATION ROLE "r" WITH (location = 's3://b/s/')

-- drop_schema | 476 484 | known
DROP SCHEMA IF EXISTS "cat"."s" CASCADE

-- cview | 476 484 | known
CREATE OR REPLACE VIEW "cat"."sch"."t" COMMENT 'v' SECURITY INVOKER AS SELECT 1 AS "x"

-- cview_def | 476 484 | known
CREATE VIEW "cat"."sch"."t" SECURITY DEFINER AS SELECT 1 AS "x"

-- drop_view | 476 484 | known
DROP VIEW IF EXISTS "cat"."sch"."t"

-- cmv | 476 484 | known
CREATE OR REPLACE MATERIALIZED VIEW "cat"."sch"."t" GRACE PERIOD INTERVAL '1' HOUR COMMENT 'mv' WITH (format = 'ORC') AS SELECT 1 AS "x"

-- cmv_stale | 484 | known
CREATE MATERIALIZED VIEW IF NOT EXISTS "cat"."sch"."t" WHEN STALE FAIL AS SELECT 1 AS "x"

-- refresh_mv | 476 484 | known
REFRESH MATERIALIZED VIEW "cat"."sch"."t"

-- drop_mv | 476 484 | known
DROP MATERIALIZED VIEW IF EXISTS "cat"."sch"."t"

-- call_register | 476 484 | known
CALL iceberg.system.register_table(schema_name => 's', table_name => 't', table_location => 's3://b/t', metadata_file_name => '0.metadata.json')

-- call_migrate | 476 484 | known
CALL "iceberg"."system"."migrate"(schema_name => 's', table_name => 't', recursive_directory => 'true')

-- call_migrate_p | 476 484 | known
CALL system.migrate('s', 't')

-- call_unregister | 476 484 | known
CALL iceberg.system.unregister_table(schema_name => 's', table_name => 't')

-- call_noargs | 476 484 | known
CALL system.runtime.foo()

-- catalog_brief | 476 484 | known
CREATE CATALOG x USING iceberg WITH ("iceberg.catalog.type"='rest')

-- catalog_full | 476 484 | known
CREATE CATALOG IF NOT EXISTS "x" USING "iceberg" COMMENT 'c' AUTHORIZATION ROLE "r" WITH ("iceberg.catalog.type" = 'rest', "iceberg.rest-catalog.uri" = 'http://h:1')

-- drop_catalog | 476 484 | known
DROP CATALOG x

-- drop_catalog_if | 476 484 | known
DROP CATALOG IF EXISTS "x" CASCADE

-- set_session | 476 484 | known
SET SESSION cat.prop = 'x'

-- set_session_q | 476 484 | known
SET SESSION "cat"."prop" = true

-- set_session_n | 476 484 | known
SET SESSION query_max_run_time = '1h'

-- reset_session | 476 484 | known
RESET SESSION "cat"."prop"

-- grant | 476 484 | known
GRANT SELECT ON "cat"."sch"."t" TO USER "u" WITH GRANT OPTION

-- grant_table | 476 484 | known
GRANT SELECT, INSERT ON TABLE "cat"."sch"."t" TO ROLE "r"

-- grant_plain | 476 484 | known
GRANT SELECT ON "cat"."sch"."t" TO "u"

-- grant_all | 476 484 | known
GRANT ALL PRIVILEGES ON "cat"."sch"."t" TO USER "u"

-- grant_schema | 476 484 | known
GRANT CREATE ON SCHEMA "cat"."s" TO ROLE "r"

-- grant_branch | 484 | known
GRANT INSERT ON BRANCH "b" IN "cat"."sch"."t" TO USER "u"

-- revoke | 476 484 | known
REVOKE SELECT ON "cat"."sch"."t" FROM USER "u"

-- revoke_go | 476 484 | known
REVOKE GRANT OPTION FOR SELECT ON TABLE "cat"."sch"."t" FROM ROLE "r"

-- deny_brief | none | unknown
DENY SELECT ON "cat"."sch"."t" TO USER "u" WITH GRANT OPTION

-- deny | 476 484 | known
DENY SELECT, INSERT ON "cat"."sch"."t" TO USER "u"

-- deny_role_sch | 476 484 | known
DENY SELECT ON SCHEMA "cat"."s" TO ROLE "r"

-- create_role | 476 484 | known
CREATE ROLE "r"

-- create_role_f | 476 484 | known
CREATE ROLE "r" WITH ADMIN USER "u" IN "cat"

-- drop_role | 476 484 | known
DROP ROLE "r" IN "cat"

-- grant_role | 476 484 | known
GRANT "r", "r2" TO USER "u", ROLE "x" WITH ADMIN OPTION GRANTED BY CURRENT_USER IN "cat"

-- revoke_role | 476 484 | known
REVOKE ADMIN OPTION FOR "r" FROM USER "u" IN "cat"

-- set_role | 476 484 | known
SET ROLE "r" IN "cat"

-- set_role_all | 476 484 | known
SET ROLE ALL

-- analyze | 476 484 | known
ANALYZE "cat"."sch"."t"

-- analyze_with | 476 484 | known
ANALYZE "cat"."sch"."t" WITH (columns = ARRAY['a', 'b'])

-- explain | 476 484 | known
EXPLAIN SELECT 1

-- explain_opts | 476 484 | known
EXPLAIN (TYPE VALIDATE, FORMAT JSON) SELECT * FROM "t"

-- explain_io | 476 484 | known
EXPLAIN (TYPE IO, FORMAT JSON) INSERT INTO "t" SELECT 1

-- explain_analyze | 476 484 | known
EXPLAIN ANALYZE VERBOSE SELECT 1

-- start_tx | 476 484 | known
START TRANSACTION

-- start_tx_full | 476 484 | known
START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY

-- start_tx_rc | 476 484 | known
START TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED

-- commit | 476 484 | known
COMMIT

-- commit_work | 476 484 | known
COMMIT WORK

-- rollback_transaction | 476 484 | known
ROLLBACK

-- use | 476 484 | known
USE "cat"."sch"

-- show_catalogs | 476 484 | known
SHOW CATALOGS

-- show_schemas | 476 484 | known
SHOW SCHEMAS FROM "cat" LIKE 'a%'

-- show_tables | 476 484 | known
SHOW TABLES FROM "cat"."sch" LIKE 'a\_%' ESCAPE '\'

-- show_columns | 476 484 | known
SHOW COLUMNS FROM "cat"."sch"."t"

-- show_create | 476 484 | known
SHOW CREATE TABLE "cat"."sch"."t"

-- show_stats | 476 484 | known
SHOW STATS FOR "cat"."sch"."t"

-- show_grants | 476 484 | known
SHOW GRANTS ON TABLE "cat"."sch"."t"

-- show_session | 476 484 | known
SHOW SESSION LIKE 'cat.%'

-- describe | 476 484 | known
DESCRIBE "cat"."sch"."t"

-- prepare | 476 484 | unknown
PREPARE "p" FROM SELECT * FROM "t" WHERE "x" = ?

-- execute | 476 484 | unknown
EXECUTE "p" USING 1, 'x'

-- exec_immediate | 476 484 | unknown
EXECUTE IMMEDIATE 'SELECT ?' USING 1

-- deallocate | 476 484 | unknown
DEALLOCATE PREPARE "p"

-- with_session | 476 484 | unknown
WITH SESSION "cat"."prop" = true SELECT 1

-- show_catalogs_like | 476 484 | known
SHOW CATALOGS LIKE 'a%'

-- show_session_esc | 476 484 | known
SHOW SESSION LIKE 'a\_b' ESCAPE '\'

-- show_tables_in | 476 484 | known
SHOW TABLES IN "cat"."sch"

-- show_schemas_bare | 476 484 | known
SHOW SCHEMAS

-- mv_auth | 484 | known
ALTER MATERIALIZED VIEW "cat"."sch"."t" SET AUTHORIZATION ROLE "r"

-- mv_execute | 484 | known
ALTER MATERIALIZED VIEW "cat"."sch"."t" EXECUTE optimize

-- checksum | 476 484 | known
SELECT "p", count(*), checksum(ROW("a", "b")) FROM "t" GROUP BY "p"

-- latest | 476 484 | known
SELECT "file" FROM "cat"."sch"."t$metadata_log_entries" ORDER BY "timestamp" DESC LIMIT 1

-- opt_paths | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize WHERE "$path" IN ('s3://b/1', 's3://b/2')

-- opt_range | 476 484 | known
ALTER TABLE "cat"."sch"."t" EXECUTE optimize WHERE ts >= TIMESTAMP '2024-01-01 00:00:00' AND ts < TIMESTAMP '2024-02-01 00:00:00' AND CAST(ts AS date) <> DATE '2024-01-05' AND n IS NOT NULL

-- set_default_neg | 484 | known
ALTER TABLE "cat"."sch"."t" ALTER COLUMN "c" SET DEFAULT -5
