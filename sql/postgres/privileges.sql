-- What the database role that runs phlo-sql may do with the policies. Run at each `access init
-- --database-role`; `psql -v access=access -v audit=audit -v role=phlo_app -f privileges.sql`.
GRANT USAGE ON SCHEMA :"access", :"audit" TO :"role";
GRANT SELECT ON ALL TABLES IN SCHEMA :"access" TO :"role";
GRANT EXECUTE ON PROCEDURE :"access".grant_role, :"access".revoke_role TO :"role";
GRANT SELECT ON ALL TABLES IN SCHEMA :"audit" TO :"role";
GRANT EXECUTE ON FUNCTION :"audit".append, :"audit".broken, :"audit".sealed TO :"role";
