-- What a table consists of: data and delete files, their bytes and rows, and how many are small.
-- The same figures as `phlo-sql table stats`. Reads metadata only. Put your table's name in place of
-- "iceberg"."sales"."orders".
SELECT
    CASE content WHEN 0 THEN 'data' WHEN 1 THEN 'position deletes' ELSE 'equality deletes' END AS kind,
    count(*) AS files,
    sum(file_size_in_bytes) AS bytes,
    sum(record_count) AS rows,
    count_if(file_size_in_bytes < 128 * 1024 * 1024) AS small_files,
    sum(file_size_in_bytes) / count(*) AS average_bytes
FROM "iceberg"."sales"."orders$files"
GROUP BY content
ORDER BY content;
