-- Snapshots by age, what made them, and the branch or tag that points at each. Reads metadata only.
-- Put your table's name in place of "iceberg"."sales"."orders".
SELECT
    s.snapshot_id,
    s.committed_at,
    date_diff('day', s.committed_at, current_timestamp) AS days_old,
    s.operation,
    array_join(array_agg(r.type || ' ' || r.name ORDER BY r.name) FILTER (WHERE r.name IS NOT NULL), ', ') AS held_by
FROM "iceberg"."sales"."orders$snapshots" AS s
LEFT JOIN "iceberg"."sales"."orders$refs" AS r ON r.snapshot_id = s.snapshot_id
GROUP BY s.snapshot_id, s.committed_at, s.operation
ORDER BY s.committed_at;
