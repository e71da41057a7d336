-- The tables as they were before there were migrations, so a database of then keeps them as they are.
-- The functions' role reads and inserts, and can neither change nor delete what was loaded.

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
