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

-- A content is loaded once for a partner, whoever asks. Files of before have none: unknown.
ALTER TABLE order_file ADD COLUMN IF NOT EXISTS sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$');
CREATE UNIQUE INDEX IF NOT EXISTS order_file_content ON order_file (partner, sha256);

-- The file whose refused lines this one brings.
ALTER TABLE order_file ADD COLUMN IF NOT EXISTS corrects text;

-- What was accepted of the file and left out, because its orders were there already. Together with
-- `lines`, `orders`, `total` and `house_total` (what was loaded), it is what was accepted.
ALTER TABLE order_file ADD COLUMN IF NOT EXISTS skipped_lines integer NOT NULL DEFAULT 0;
ALTER TABLE order_file ADD COLUMN IF NOT EXISTS skipped_orders integer NOT NULL DEFAULT 0;
ALTER TABLE order_file ADD COLUMN IF NOT EXISTS skipped_total numeric(24, 4) NOT NULL DEFAULT 0;
ALTER TABLE order_file
    ADD COLUMN IF NOT EXISTS skipped_house_total numeric(24, 2) NOT NULL DEFAULT 0;

-- The refused line that a line corrects: each can be brought once, by whichever file.
ALTER TABLE order_line ADD COLUMN IF NOT EXISTS corrects_file text;
ALTER TABLE order_line ALTER COLUMN corrects_file
    SET DEFAULT nullif(current_setting('order_intake.corrects', true), '');
ALTER TABLE order_line ADD COLUMN IF NOT EXISTS corrects_line integer
    CHECK ((corrects_file IS NULL) = (corrects_line IS NULL));
CREATE UNIQUE INDEX IF NOT EXISTS order_line_correction ON order_line (corrects_file, corrects_line)
    WHERE corrects_file IS NOT NULL;

-- Which orders of a partner are there, and which file brought them: a correction's orders belong to
-- the file that it corrects. An order of two files of before belongs to the first of them.
DO $$
BEGIN
    IF to_regclass('partner_order') IS NULL THEN
        CREATE TABLE partner_order (
            partner text NOT NULL,
            invoice text NOT NULL,
            file_id text NOT NULL,
            PRIMARY KEY (partner, invoice)
        );
        INSERT INTO partner_order (partner, invoice, file_id)
            SELECT DISTINCT ON (partner, invoice) partner, invoice, file_id
            FROM order_file JOIN order_line USING (file_id)
            ORDER BY partner, invoice, loaded_at, file_id;
    END IF;
END $$;

GRANT SELECT, INSERT ON order_file, order_line, partner_order TO order_intake;

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
