\set customer random(1, 2000)
\set market random(1, 20)
BEGIN;
SELECT odds, status FROM odds WHERE market = :market;
SELECT balance FROM customers WHERE customer = :customer FOR UPDATE;
INSERT INTO bets (customer, market, stake, odds) VALUES (:customer, :market, 1, 210);
UPDATE customers SET balance = balance - 1 WHERE customer = :customer;
COMMIT;
