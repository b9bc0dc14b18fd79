-- The ten partitions with the most small data files, those with the most delete files first among
-- equals; for a partitioned table. Reads metadata only. Put your table's name in place of "iceberg"."sales"."orders".
SELECT
    partition,
    count_if(content = 0) AS files,
    count_if(content = 0 AND file_size_in_bytes < 128 * 1024 * 1024) AS small_files,
    count_if(content <> 0) AS delete_files,
    sum(file_size_in_bytes) AS bytes
FROM "iceberg"."sales"."orders$files"
GROUP BY partition
ORDER BY small_files DESC, delete_files DESC
LIMIT 10;
