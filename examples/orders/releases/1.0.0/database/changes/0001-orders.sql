-- Orders and what is in them. Amounts are in the smallest unit of the currency.
CREATE TABLE orders (
    id          uuid PRIMARY KEY,
    customer_id uuid        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('open', 'paid', 'shipped', 'cancelled')),
    currency    char(3)     NOT NULL,
    placed_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_items (
    order_id uuid    NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position integer NOT NULL CHECK (position > 0),
    sku      text    NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price    bigint  NOT NULL CHECK (price >= 0),
    PRIMARY KEY (order_id, position)
);
