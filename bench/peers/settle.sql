-- The same book in tables: what a settlement reads and writes there, set by set.
CREATE TABLE accounts (account int PRIMARY KEY, available bigint NOT NULL);
CREATE TABLE bets (
    bet_id bigint PRIMARY KEY, account int NOT NULL, event int NOT NULL, market int NOT NULL,
    selection smallint NOT NULL, stake bigint NOT NULL, odds_numerator int NOT NULL,
    odds_denominator int NOT NULL, status smallint NOT NULL, placed_at timestamptz NOT NULL,
    idempotency_key text NOT NULL, payout bigint, settled_at timestamptz, result_id bigint
) WITH (fillfactor = 50);
CREATE TABLE results (
    result_id bigint NOT NULL, market int NOT NULL, selection smallint NOT NULL,
    won boolean NOT NULL, PRIMARY KEY (market, selection));
CREATE TABLE postings (
    bet_id bigint NOT NULL, account int NOT NULL, ledger smallint NOT NULL,
    currency smallint NOT NULL, amount bigint NOT NULL, recorded_at timestamptz NOT NULL);

-- Marks the open bets of every market with a result, posts what each pays (three postings, as in
-- our ledger) and credits the customers and the house: one statement, one transaction.
CREATE FUNCTION settle() RETURNS bigint LANGUAGE sql AS $$
WITH settled AS (
    UPDATE bets b SET status = 2, settled_at = now(), result_id = r.result_id,
        payout = CASE WHEN r.won THEN b.stake * b.odds_numerator / b.odds_denominator ELSE 0 END
    FROM results r
    WHERE r.market = b.market AND r.selection = b.selection AND b.status = 1
    RETURNING b.bet_id, b.account, b.stake, b.payout
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

-- The same for one bet after the other, each in its own transaction.
CREATE PROCEDURE settle_one_by_one(most int) LANGUAGE plpgsql AS $$
DECLARE bet record; pays bigint;
BEGIN
    FOR bet IN SELECT b.*, r.won, r.result_id AS by_result FROM bets b JOIN results r
               ON r.market = b.market AND r.selection = b.selection
               WHERE b.status = 1 LIMIT most LOOP
        pays := CASE WHEN bet.won THEN bet.stake * bet.odds_numerator / bet.odds_denominator
                     ELSE 0 END;
        UPDATE bets SET status = 2, settled_at = now(), result_id = bet.by_result, payout = pays
            WHERE bet_id = bet.bet_id AND status = 1;
        INSERT INTO postings VALUES
            (bet.bet_id, 0, 1, 826, -bet.stake, now()),
            (bet.bet_id, bet.account, 2, 826, pays, now()),
            (bet.bet_id, -1, 3, 826, bet.stake - pays, now());
        UPDATE accounts SET available = available + pays WHERE account = bet.account;
        COMMIT;
    END LOOP;
END;
$$;
