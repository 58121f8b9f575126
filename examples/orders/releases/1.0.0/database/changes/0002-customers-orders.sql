-- "My orders", newest first.
CREATE INDEX CONCURRENTLY orders_of_customer ON orders (customer_id, placed_at DESC);
