CREATE TABLE shipments (
    id         uuid PRIMARY KEY,
    order_id   uuid        NOT NULL REFERENCES orders (id),
    carrier    text        NOT NULL,
    tracking   text        UNIQUE,
    handed_over_at timestamptz
);
