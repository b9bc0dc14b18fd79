-- Who may do what: one row per grant. There is no row that denies.
CREATE TABLE :"access".grants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('user', 'group')),
    principal text NOT NULL CHECK (principal <> ''),
    role text NOT NULL CHECK (role IN ('read', 'write', 'admin')),
    catalog_pattern text NOT NULL CHECK (catalog_pattern <> ''),
    schema_pattern text NOT NULL DEFAULT '*' CHECK (schema_pattern <> ''),
    table_pattern text NOT NULL DEFAULT '*' CHECK (table_pattern <> ''),
    ref_pattern text NOT NULL DEFAULT '',
    resource text NOT NULL,
    valid_until timestamptz,
    reason text NOT NULL DEFAULT '',
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    database_user text NOT NULL DEFAULT session_user,
    CONSTRAINT one_grant UNIQUE
        (kind, principal, role, catalog_pattern, schema_pattern, table_pattern, ref_pattern)
);
COMMENT ON TABLE :"access".grants IS 'Who may do what; changed by grant_role and revoke_role only';
COMMENT ON COLUMN :"access".grants.id IS 'Number of the grant, as `access explain` names it';
COMMENT ON COLUMN :"access".grants.kind IS 'user or group';
COMMENT ON COLUMN :"access".grants.principal IS 'Name of the user or group, as Trino authenticates it';
COMMENT ON COLUMN :"access".grants.role IS 'read, write (with read) or admin (with write)';
COMMENT ON COLUMN :"access".grants.catalog_pattern IS 'Catalog; * is any run of characters, \* a star';
COMMENT ON COLUMN :"access".grants.schema_pattern IS 'Schema, in the same way; * for the whole catalog';
COMMENT ON COLUMN :"access".grants.table_pattern IS 'Table, in the same way; * for the whole schema';
COMMENT ON COLUMN :"access".grants.ref_pattern IS 'Branch or tag; empty for the catalog as it is named';
COMMENT ON COLUMN :"access".grants.resource IS 'The four patterns as people write them';
COMMENT ON COLUMN :"access".grants.valid_until IS 'When the grant ends by itself; NULL for never';
COMMENT ON COLUMN :"access".grants.reason IS 'Why it was granted, in the words of who granted it';
COMMENT ON COLUMN :"access".grants.granted_by IS 'Who granted it, as Trino authenticated them';
COMMENT ON COLUMN :"access".grants.granted_at IS 'When it was granted or last changed';
COMMENT ON COLUMN :"access".grants.database_user IS 'The database role that wrote the row';

CREATE VIEW :"access".effective_grants AS
SELECT id, kind, principal, role, resource, catalog_pattern, schema_pattern, table_pattern,
       ref_pattern, valid_until, reason, granted_by, granted_at
FROM :"access".grants
WHERE valid_until IS NULL OR valid_until > clock_timestamp();
COMMENT ON VIEW :"access".effective_grants IS 'The grants that are in force now';

CREATE VIEW :"access".state AS
SELECT coalesce(
           encode(sha256(convert_to(string_agg(
               concat_ws(E'\x1f', kind, principal, role, catalog_pattern, schema_pattern,
                         table_pattern, ref_pattern, extract(epoch FROM valid_until), reason),
               E'\x1e' ORDER BY id), 'UTF8')), 'hex'),
           'empty') AS digest
FROM :"access".grants;
COMMENT ON VIEW :"access".state IS 'A digest of all grants: it changes when any of them does';

-- The search path stands outside of the bodies, where psql fills in the schema's name.
CREATE FUNCTION :"access".keep_an_admin() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :"access", pg_temp AS $$
BEGIN
    -- Whoever removes grants waits here for whoever else does: two admins who each revoke the
    -- other at the same time would both see one admin left.
    PERFORM pg_advisory_xact_lock(7404112003);
    IF NOT EXISTS (
        SELECT FROM grants
        WHERE kind = 'user' AND role = 'admin' AND valid_until IS NULL
          AND catalog_pattern = '*' AND schema_pattern = '*' AND table_pattern = '*'
          AND ref_pattern IN ('', '*')
    ) THEN
        RAISE EXCEPTION 'the last admin of everything cannot be removed' USING ERRCODE = 'PA001';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION :"access".keep_an_admin IS 'Refuses to leave the policies without an admin';

CREATE TRIGGER keep_an_admin AFTER DELETE OR UPDATE ON :"access".grants
FOR EACH STATEMENT EXECUTE FUNCTION :"access".keep_an_admin();

CREATE FUNCTION :"access".refuse_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the policies are not emptied at once' USING ERRCODE = 'PA001';
END
$$;
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON :"access".grants
FOR EACH STATEMENT EXECUTE FUNCTION :"access".refuse_truncate();

CREATE PROCEDURE :"access".grant_role(
    kind text, principal text, role text,
    in_catalog text, in_schema text, in_table text, at_ref text, resource text,
    until text, reason text, granted_by text
)
LANGUAGE sql SECURITY DEFINER SET search_path = :"access", pg_temp AS $$
    INSERT INTO grants AS g (kind, principal, role, catalog_pattern, schema_pattern, table_pattern,
                             ref_pattern, resource, valid_until, reason, granted_by, database_user)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, '')::timestamptz, $10, $11, session_user)
    ON CONFLICT ON CONSTRAINT one_grant
    DO UPDATE SET valid_until = excluded.valid_until, reason = excluded.reason,
                  granted_by = excluded.granted_by, granted_at = excluded.granted_at,
                  database_user = excluded.database_user
    WHERE (g.valid_until, g.reason) IS DISTINCT FROM (excluded.valid_until, excluded.reason);
$$;
COMMENT ON PROCEDURE :"access".grant_role IS
    'Grants a role, or changes end and reason of the grant that is there';

CREATE PROCEDURE :"access".revoke_role(
    kind text, principal text, role text,
    in_catalog text, in_schema text, in_table text, at_ref text, resource text, revoked_by text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = :"access", pg_temp AS $$
BEGIN
    DELETE FROM grants AS g
    WHERE (g.kind, g.principal, g.role, g.catalog_pattern, g.schema_pattern, g.table_pattern,
           g.ref_pattern)
        = ($1, $2, $3, $4, $5, $6, $7);
    IF NOT FOUND THEN
        RAISE EXCEPTION '% was not granted to % % on %', $3, $1, $2, $8 USING ERRCODE = 'PA002';
    END IF;
END
$$;
COMMENT ON PROCEDURE :"access".revoke_role IS 'Takes a role away; an error where it is not granted';

REVOKE ALL ON PROCEDURE :"access".grant_role FROM PUBLIC;
REVOKE ALL ON PROCEDURE :"access".revoke_role FROM PUBLIC;
