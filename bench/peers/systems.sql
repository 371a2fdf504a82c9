-- Systems of 8 of 16 in tables, settled line by line: 12,870 lines each, in doubles (not exact, the
-- least that it can cost here). Beside settle.sql.
CREATE TABLE systems (
    bet_id bigint PRIMARY KEY, account int NOT NULL, line_stake bigint NOT NULL,
    markets int[] NOT NULL, selections smallint[] NOT NULL, odds float8[] NOT NULL,
    status smallint NOT NULL, idempotency_key text NOT NULL, payout bigint, settled_at timestamptz
) WITH (fillfactor = 50);
CREATE TABLE lines (mask int PRIMARY KEY, l smallint[] NOT NULL);
INSERT INTO lines
SELECT mask, array_agg(leg::smallint ORDER BY leg)
FROM generate_series(0, 65535) mask, generate_series(1, 16) leg
WHERE mask >> (leg - 1) & 1 = 1 GROUP BY mask HAVING count(*) = 8;

-- One statement, one transaction; a line with a lost leg is not multiplied.
CREATE FUNCTION settle_systems() RETURNS bigint LANGUAGE sql AS $$
WITH known AS (
    SELECT s.bet_id, s.line_stake, s.odds,
           sum(CASE WHEN r.won THEN 0 ELSE 1 << (leg - 1) END)::int AS lost
    FROM systems s, generate_series(1, 16) leg, results r
    WHERE s.status = 1 AND r.market = s.markets[leg] AND r.selection = s.selections[leg]
    GROUP BY s.bet_id HAVING count(*) = 16
), worth AS (
    SELECT k.bet_id, floor(k.line_stake * coalesce(sum(
        k.odds[l[1]] * k.odds[l[2]] * k.odds[l[3]] * k.odds[l[4]] *
        k.odds[l[5]] * k.odds[l[6]] * k.odds[l[7]] * k.odds[l[8]]), 0))::bigint AS payout
    FROM known k LEFT JOIN lines ON lines.mask & k.lost = 0
    GROUP BY k.bet_id, k.line_stake
), settled AS (
    UPDATE systems s SET status = 2, settled_at = now(), payout = w.payout
    FROM worth w WHERE w.bet_id = s.bet_id
    RETURNING s.bet_id, s.account, s.line_stake * 12870 AS stake, s.payout
), posted AS (
    INSERT INTO postings
    SELECT s.bet_id, v.account, v.ledger, 826, v.amount, now()
    FROM settled s, LATERAL (VALUES (0, 1, -s.stake), (s.account, 2, s.payout),
                                    (-1, 3, s.stake - s.payout)) AS v (account, ledger, amount)
    RETURNING account, amount
), credited AS (
    UPDATE accounts a SET available = a.available + p.amount
    FROM (SELECT account, sum(amount) AS amount FROM posted GROUP BY account) p
    WHERE p.account = a.account AND p.amount <> 0
    RETURNING a.account
)
SELECT count(*) FROM settled;
$$;
