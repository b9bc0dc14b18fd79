-- phlo-sql runbook, format 1
-- ----------------------------------------------------------------------------
-- command:   access apply
-- made by:   phlo-sql access apply policies.yaml --prune
-- table:     access.grants
-- ref:       none
-- planned:   2026-01-02T03:04:05Z
-- by:        ann@example.org
-- trino:     0
-- metadata:  0123abcd
-- snapshot:  none
-- ref hash:  none
-- does:      grant read on iceberg.sales to group analysts
-- does:      grant write on iceberg.sales.ord*@dev to user bob o'neil until 2026-12-31T00:00:00+00:00
-- does:      grant admin on iceberg."my schema"."star*" to user cas
-- does:      grant read on iceberg.*.fact*@* to user dan
-- does:      grant read on iceberg.old to user eve until 2025-01-01T00:00:00+00:00
-- does:      revoke read on a from user old
-- risk:      takes 1 grant(s) away
-- predicts:  nothing
-- digest:    sha256:2dc266ab5ba96c8d4265ca6930dcf2d0394d1f43b641675dc0be048750faf875
-- ----------------------------------------------------------------------------

-- == Step 1 of 6: grant read on iceberg.sales to group analysts ==
-- why:       asked for
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- precheck unmoved: expect "0123abcd"
SELECT "digest" FROM "access"."state";
-- statement
CALL "access"."grant_role"(kind => 'group', principal => 'analysts', role => 'read', in_catalog => 'iceberg', in_schema => 'sales', in_table => '*', at_ref => '', resource => 'iceberg.sales', until => '', reason => '', granted_by => 'ann@example.org');
-- undo:      takes it away again
--     CALL "access"."revoke_role"(kind => 'group', principal => 'analysts', role => 'read', in_catalog => 'iceberg', in_schema => 'sales', in_table => '*', at_ref => '', resource => 'iceberg.sales', revoked_by => 'ann@example.org');

-- == Step 2 of 6: grant write on iceberg.sales.ord*@dev to user bob o'neil until 2026-12-31T00:00:00+00:00 ==
-- why:       quarter's end; DROP TABLE x --
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "access"."grant_role"(kind => 'user', principal => 'bob o''neil', role => 'write', in_catalog => 'iceberg', in_schema => 'sales', in_table => 'ord*', at_ref => 'dev', resource => 'iceberg.sales.ord*@dev', until => '2026-12-31T00:00:00+00:00', reason => 'quarter''s end; DROP TABLE x --', granted_by => 'ann@example.org');
-- undo:      takes it away again
--     CALL "access"."revoke_role"(kind => 'user', principal => 'bob o''neil', role => 'write', in_catalog => 'iceberg', in_schema => 'sales', in_table => 'ord*', at_ref => 'dev', resource => 'iceberg.sales.ord*@dev', revoked_by => 'ann@example.org');

-- == Step 3 of 6: grant admin on iceberg."my schema"."star*" to user cas ==
-- why:       asked for
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "access"."grant_role"(kind => 'user', principal => 'cas', role => 'admin', in_catalog => 'iceberg', in_schema => 'my schema', in_table => 'star\*', at_ref => '', resource => 'iceberg."my schema"."star*"', until => '', reason => '', granted_by => 'ann@example.org');
-- undo:      takes it away again
--     CALL "access"."revoke_role"(kind => 'user', principal => 'cas', role => 'admin', in_catalog => 'iceberg', in_schema => 'my schema', in_table => 'star\*', at_ref => '', resource => 'iceberg."my schema"."star*"', revoked_by => 'ann@example.org');

-- == Step 4 of 6: grant read on iceberg.*.fact*@* to user dan ==
-- why:       asked for
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "access"."grant_role"(kind => 'user', principal => 'dan', role => 'read', in_catalog => 'iceberg', in_schema => '*', in_table => 'fact*', at_ref => '*', resource => 'iceberg.*.fact*@*', until => '', reason => '', granted_by => 'ann@example.org');
-- undo:      takes it away again
--     CALL "access"."revoke_role"(kind => 'user', principal => 'dan', role => 'read', in_catalog => 'iceberg', in_schema => '*', in_table => 'fact*', at_ref => '*', resource => 'iceberg.*.fact*@*', revoked_by => 'ann@example.org');

-- == Step 5 of 6: grant read on iceberg.old to user eve until 2025-01-01T00:00:00+00:00 ==
-- why:       asked for
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "access"."grant_role"(kind => 'user', principal => 'eve', role => 'read', in_catalog => 'iceberg', in_schema => 'old', in_table => '*', at_ref => '', resource => 'iceberg.old', until => '2025-01-01T00:00:00+00:00', reason => '', granted_by => 'ann@example.org');
-- undo:      takes it away again
--     CALL "access"."revoke_role"(kind => 'user', principal => 'eve', role => 'read', in_catalog => 'iceberg', in_schema => 'old', in_table => '*', at_ref => '', resource => 'iceberg.old', revoked_by => 'ann@example.org');

-- == Step 6 of 6: revoke read on a from user old ==
-- why:       it is not in the file
-- kind:      call
-- destroys:  nothing
-- predicts:  nothing
-- statement
CALL "access"."revoke_role"(kind => 'user', principal => 'old', role => 'read', in_catalog => 'a', in_schema => '*', in_table => '*', at_ref => '', resource => 'a', revoked_by => 'ann@example.org');
-- undo:      grants it again
--     CALL "access"."grant_role"(kind => 'user', principal => 'old', role => 'read', in_catalog => 'a', in_schema => '*', in_table => '*', at_ref => '', resource => 'a', until => '', reason => '', granted_by => 'ann@example.org');
