-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   table optimize
-- made by:   phlo-sql table optimize iceberg."we""ird"."a.b; drop table x --"
-- table:     iceberg."we""ird"."a.b; drop table x --"
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        dba
-- trino:     476
-- metadata:  s3://lake/we"ird/a.b; drop table x --/metadata/00007-2b1c.metadata.json
-- snapshot:  8954597067493422955
-- ref hash:  none
-- does:      Rewrites 12 data files (6.0 MB) into 1 of up to 1.0 GB.
-- does:      Commits one snapshot; readers see the table before it or after it.
-- does:      Reads 6.0 MB and writes 3.6 MB to 8.4 MB; the old files stay until snapshots are expired.
-- risk:      low: files are rewritten beside the old ones, which stay until they are expired
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- digest:    sha256:47c93c04f1030ef7c56d3fac7867c8a1d8410ee02a8959a310b3f9e810ce3a1e
-- ----------------------------------------------------------------------------

-- == Step 1 of 1: rewrite 12 data files ==
-- why:       files up to 100 MB, and files with deletes, become files of about 1.0 GB
-- kind:      procedure
-- runs:      on its own
-- destroys:  nothing
-- predicts:  rewritten_data_files = 12; rewritten_bytes = 6291456; removed_delete_files = 0; added_data_files = 1; added_bytes = 3774874..8816231
-- precheck unmoved: expect "s3://lake/we\"ird/a.b; drop table x --/metadata/00007-2b1c.metadata.json"
SELECT
  "file"
FROM "iceberg"."we""ird"."a.b; drop table x --$metadata_log_entries"
ORDER BY
  "timestamp" DESC
LIMIT 1;
-- precheck rows: note the answer
SELECT COUNT(*) FROM "iceberg"."we""ird"."a.b; drop table x --";
-- statement
ALTER TABLE "iceberg"."we""ird"."a.b; drop table x --" EXECUTE optimize(file_size_threshold => '100MB');
-- check rows: expect the same answer
SELECT COUNT(*) FROM "iceberg"."we""ird"."a.b; drop table x --";
-- undo:      go back to snapshot 8954597067493422955; what was committed since is lost with it
--     ALTER TABLE "iceberg"."we""ird"."a.b; drop table x --" EXECUTE rollback_to_snapshot(snapshot_id => 8954597067493422955);
