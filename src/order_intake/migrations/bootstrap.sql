-- What the database's administrator does once, before the first deployment: roles, and who may do
-- what. May be applied again, and changes nothing then. All tables come from the numbered migrations,
-- which the function MigrateDatabase applies as `order_intake_owner`.
--
--   psql --set=ON_ERROR_STOP=1 --dbname=orders --file=bootstrap.sql
--   \password order_intake           the password of the secret order-intake-<stage>/database
--   \password order_intake_owner     the one of order-intake-<stage>/database-owner

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'order_intake_owner') THEN
        CREATE ROLE order_intake_owner LOGIN; -- owns the tables, and no more
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'order_intake') THEN
        CREATE ROLE order_intake LOGIN; -- the functions: read and insert
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'order_intake_clone') THEN
        CREATE ROLE order_intake_clone LOGIN IN ROLE order_intake; -- may do the same
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO order_intake_owner', current_database());
    -- Temporary tables: a load that takes only the new orders sorts them out in one.
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO order_intake', current_database());
END $$;

GRANT USAGE, CREATE ON SCHEMA public TO order_intake_owner;
GRANT USAGE ON SCHEMA public TO order_intake;

-- Tables of before there were migrations belong to whoever made them: they are handed over.
GRANT order_intake_owner TO CURRENT_USER;
DO $$
DECLARE
    made text;
BEGIN
    FOREACH made IN ARRAY ARRAY['order_file', 'order_line', 'partner_order'] LOOP
        EXECUTE format('ALTER TABLE IF EXISTS public.%I OWNER TO order_intake_owner', made);
    END LOOP;
END $$;

-- Each of the two may give the other a new password, and nobody may do more: so a rotation needs
-- no password of this schema's owner. It takes a verifier, so that no password is ever in a log.
CREATE OR REPLACE FUNCTION set_other_password(verifier text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    other text := CASE session_user
        WHEN 'order_intake' THEN 'order_intake_clone'
        WHEN 'order_intake_clone' THEN 'order_intake'
    END;
BEGIN
    IF other IS NULL OR verifier NOT LIKE 'SCRAM-SHA-256$%' THEN
        RAISE EXCEPTION 'not a user that takes turns, or not a verifier'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', other, verifier);
END $$;
REVOKE ALL ON FUNCTION set_other_password(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_other_password(text) TO order_intake;

COMMIT;
