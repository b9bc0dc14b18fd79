-- Manifests of the current snapshot: many small ones make planning slow, which
-- `phlo-sql table optimize --manifests` mends. Reads metadata only. Put your table's name in place of
-- "iceberg"."sales"."orders".
SELECT
    count(*) AS manifests,
    sum(length) AS bytes,
    sum(existing_data_files_count + added_data_files_count) AS data_files,
    min(length) AS smallest,
    max(length) AS largest
FROM "iceberg"."sales"."orders$manifests";
