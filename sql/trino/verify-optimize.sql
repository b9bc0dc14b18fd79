-- Did the last optimize take what its runbook predicted? The newest five `replace` snapshots, with what
-- each took away and brought. Reads metadata only. Put your table's name in place of
-- "iceberg"."sales"."orders".
SELECT
    snapshot_id,
    committed_at,
    CAST(element_at(summary, 'deleted-data-files') AS bigint) AS rewritten_data_files,
    CAST(element_at(summary, 'removed-files-size') AS bigint) AS rewritten_bytes,
    CAST(element_at(summary, 'removed-delete-files') AS bigint) AS removed_delete_files,
    CAST(element_at(summary, 'added-data-files') AS bigint) AS added_data_files,
    CAST(element_at(summary, 'added-files-size') AS bigint) AS added_bytes
FROM "iceberg"."sales"."orders$snapshots"
WHERE operation = 'replace'
ORDER BY committed_at DESC
LIMIT 5;
