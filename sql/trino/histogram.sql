-- Sizes of a table's data files. Reads metadata only. Put your table's name in place of
-- "iceberg"."sales"."orders".
SELECT
    CASE width_bucket(file_size_in_bytes / 1024e0 / 1024e0, ARRAY[1e0, 8e0, 32e0, 128e0, 512e0, 1024e0])
        WHEN 0 THEN '< 1 MB'
        WHEN 1 THEN '1-8 MB'
        WHEN 2 THEN '8-32 MB'
        WHEN 3 THEN '32-128 MB'
        WHEN 4 THEN '128-512 MB'
        WHEN 5 THEN '512 MB-1 GB'
        ELSE '> 1 GB'
    END AS size,
    count(*) AS files,
    sum(file_size_in_bytes) AS bytes
FROM "iceberg"."sales"."orders$files"
WHERE content = 0
GROUP BY 1
ORDER BY max(file_size_in_bytes);
