-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   migrate cut-over
-- made by:   phlo-sql migrate from-hive --uri thrift://h:9083 --database sales --target sales --table orders --if-exists skip --cut-over orders.sql
-- table:     hive.sales.orders
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        phlo-sql
-- trino:     483
-- metadata:  none
-- snapshot:  none
-- ref hash:  none
-- does:      calls hive.sales.orders orders_before_migration
-- does:      shows iceberg.sales.orders under the old name, as a view
-- risk:      between the two statements nobody finds the old name; who writes to it must write to iceberg.sales.orders from then on
-- predicts:  nothing
-- warning:   rows written to the old table since its migration are not in the new one: stop its writers
-- warning:   the view reads with the rights of whoever asks: readers need them on the new table
-- digest:    sha256:f278ba77e778128335afd1509c5530cb480143553bbc2e760a24255545c3b7e4
-- ----------------------------------------------------------------------------

-- == Step 1 of 2: set hive.sales.orders aside as orders_before_migration ==
-- why:       its files stay where they are: it is an external table, or nothing reads them there
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck old: expect "1"
SELECT
  COUNT(*)
FROM "hive"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- precheck aside: expect "0"
SELECT
  COUNT(*)
FROM "hive"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders_before_migration';
-- precheck new-table-reads: note the answer
SELECT COUNT(*), CHECKSUM(ROW("id")) FROM "iceberg"."sales"."orders";
-- statement
ALTER TABLE "hive"."sales"."orders" RENAME TO "hive"."sales"."orders_before_migration";
-- check old-gone: expect "0"
SELECT
  COUNT(*)
FROM "hive"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- check set-aside: expect "1"
SELECT
  COUNT(*)
FROM "hive"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders_before_migration';
-- check new-table-reads: expect the same answer
SELECT COUNT(*), CHECKSUM(ROW("id")) FROM "iceberg"."sales"."orders";
-- undo:      it gets its name back
--     ALTER TABLE "hive"."sales"."orders_before_migration" RENAME TO "hive"."sales"."orders";

-- == Step 2 of 2: show iceberg.sales.orders as hive.sales.orders ==
-- why:       what names the old table goes on as before
-- kind:      ddl
-- destroys:  nothing
-- predicts:  nothing
-- precheck name-is-free: expect "0"
SELECT
  COUNT(*)
FROM "hive"."information_schema"."tables"
WHERE
  "table_schema" = 'sales' AND "table_name" = 'orders';
-- precheck rows-seen: note the answer
SELECT COUNT(*) FROM "iceberg"."sales"."orders";
-- statement
CREATE VIEW "hive"."sales"."orders"
SECURITY INVOKER AS
SELECT
  "id",
  "we""ird; --"
FROM "iceberg"."sales"."orders";
-- check rows-seen: expect the same answer
SELECT COUNT(*) FROM "hive"."sales"."orders";
-- undo:      the view goes
--     DROP VIEW "hive"."sales"."orders";
