-- The orders database. Applied by its owner, once and again (it changes nothing that is there);
-- the functions' role reads and inserts, and can neither change nor delete what was loaded.
--
--   psql --set=ON_ERROR_STOP=1 --file=schema.sql orders
--
-- The role `order_intake` must exist; its password is the secret `database`. A rotation of that
-- secret alternates it with a second one, which is made here without a password.

BEGIN;

CREATE TABLE IF NOT EXISTS order_file (
    file_id        text PRIMARY KEY,
    partner        text NOT NULL,
    key            text NOT NULL,
    lines          integer NOT NULL CHECK (lines >= 0),
    orders         integer NOT NULL CHECK (orders >= 0),
    total          numeric(24, 4) NOT NULL,
    currency       char(3) NOT NULL,
    house_total    numeric(24, 2) NOT NULL,
    house_currency char(3) NOT NULL,
    loaded_at      timestamptz NOT NULL DEFAULT now()
);

-- A line's file comes from the loading session (`SET LOCAL order_intake.file_id`), so that the
-- priced chunks are copied as they are, byte by byte, without a pass over their rows.
CREATE TABLE IF NOT EXISTS order_line (
    file_id      text NOT NULL DEFAULT current_setting('order_intake.file_id')
                 REFERENCES order_file,
    line         integer NOT NULL,
    invoice      text NOT NULL,
    sku          text NOT NULL,
    description  text,
    quantity     integer NOT NULL,
    unit_price   numeric(18, 4) NOT NULL,
    currency     char(3) NOT NULL,
    amount       numeric(18, 4) NOT NULL,
    rate         numeric(18, 6) NOT NULL,
    house_amount numeric(18, 2) NOT NULL,
    ordered_at   timestamp NOT NULL,
    customer     text,
    country      text,
    credit_note  boolean NOT NULL,
    PRIMARY KEY (file_id, line)
);

GRANT SELECT, INSERT ON order_file, order_line TO order_intake;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'order_intake_clone') THEN
        CREATE ROLE order_intake_clone LOGIN IN ROLE order_intake; -- may do the same
    END IF;
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
