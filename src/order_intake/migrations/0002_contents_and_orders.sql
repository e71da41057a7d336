-- A content, an order of a partner and the correction of a line: each is loaded once.

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
CREATE TABLE IF NOT EXISTS partner_order (
    partner text NOT NULL,
    invoice text NOT NULL,
    file_id text NOT NULL,
    PRIMARY KEY (partner, invoice)
);
INSERT INTO partner_order (partner, invoice, file_id)
    SELECT DISTINCT ON (partner, invoice) partner, invoice, file_id
    FROM order_file JOIN order_line USING (file_id)
    ORDER BY partner, invoice, loaded_at, file_id
    ON CONFLICT DO NOTHING;

GRANT SELECT, INSERT ON partner_order TO order_intake;
