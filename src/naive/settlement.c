/* settlement.c - contract in settlement.h. */
#include "naive/settlement.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"

#define AMOUNT_BYTES 32

struct settlement {
    struct settlement_parts parts;
    struct settlement_stats stats;
    struct db_waiter waiter;
    struct db_conn *conn; /* NULL: none is held */
    bool ending, busy;
    uint32_t first, count;
    int64_t begun_us;
    PGresult *bets; /* owned: all open bets of the order under way */
    int row;        /* of `bets`, under way */
    struct slip_bet {
        enum slip_result result;
        struct money payout;
    } bet;
    char amount[AMOUNT_BYTES];
    struct settlement_order orders[SETTLEMENT_ORDERS_MAX]; /* a ring */
};

static void next_order(struct settlement *settlement);
static void next_bet(struct settlement *settlement);

/* ---- reading ---- */

static bool take_id(struct slice text, char *ret, size_t bytes_max)
{
    if (text.bytes == 0 || text.bytes > bytes_max || memchr(text.at, '\0', text.bytes) != NULL)
        return false;
    memcpy(ret, text.at, text.bytes);
    ret[text.bytes] = '\0';
    return true;
}

static bool read_row(struct json_reader *reader, struct settlement_order *order)
{
    struct slice key, id = SLICE_NONE, word = SLICE_NONE;
    if (!json_object_begin(reader))
        return false;
    while (json_object_next(reader, &key)) {
        if (slice_is(key, "selection_id"))
            (void)json_string(reader, &id);
        else if (slice_is(key, "result"))
            (void)json_string(reader, &word);
        else
            (void)json_skip(reader);
    }
    if (slice_is(word, "OPEN"))
        return true;
    if (order->count == SELECTIONS_MAX)
        return false;
    struct settlement_row *row = &order->rows[order->count++];
    return take_id(id, row->selection, SELECTION_ID_BYTES_MAX) &&
           slip_result_parse(word, &row->result);
}

bool settlement_order_read(struct json_reader *reader, struct settlement_order *ret)
{
    struct slice key, market = SLICE_NONE;
    bool good = json_object_begin(reader);
    ret->count = 0;
    while (good && json_object_next(reader, &key)) {
        if (slice_is(key, "market_id")) {
            good = json_string(reader, &market);
        } else if (slice_is(key, "selections")) {
            good = json_array_begin(reader);
            while (good && json_array_next(reader))
                good = read_row(reader, ret);
        } else {
            good = json_skip(reader);
        }
    }
    return good && !reader->failed && ret->count > 0 &&
           take_id(market, ret->market, MARKET_ID_BYTES_MAX);
}

/* ---- one bet ---- */

static const char *column(const struct settlement *settlement, int number)
{
    return PQgetvalue(settlement->bets, settlement->row, number);
}

static void give_up(struct settlement *settlement, const char *why)
{
    metrics_count(&settlement->stats.failures, 1);
    log_error("settlement", why, LOG_I64("bets_left", settlement->stats.left.value));
}

/* True when the one result says that it was done; else the order is given up. */
static bool was_done(struct settlement *settlement, PGresult **results)
{
    if (results != NULL && db_result_ok(results[0]))
        return true;
    if (results == NULL)
        settlement->conn = NULL;
    give_up(settlement, "a bet could not be settled, and those behind it are not");
    next_order(settlement);
    return false;
}

static void run_one(struct settlement *settlement, struct db_call call, db_answer_fn fn)
{
    db_conn_run(settlement->conn, &call, 1, fn, settlement);
}

static void bet_done(struct settlement *settlement)
{
    struct slice user = slice_text(column(settlement, 1));
    if (settlement->bet.payout.minor > 0)
        session_cache_forget(settlement->parts.sessions, user);
    settlement->row++;
    next_bet(settlement);
}

static void on_paid(void *owner, PGresult **results)
{
    struct settlement *settlement = owner;
    if (was_done(settlement, results))
        bet_done(settlement);
}

static void on_credited(void *owner, PGresult **results)
{
    struct settlement *settlement = owner;
    if (!was_done(settlement, results))
        return;
    if (settlement->bet.result == SLIP_WON)
        run_one(settlement, (struct db_call){DB_BET_PAID, 1, {column(settlement, 0)}}, on_paid);
    else
        bet_done(settlement);
}

/* Between this and the credit the process may die: the bet is then WON, and nobody pays it. */
static void on_outcome(void *owner, PGresult **results)
{
    struct settlement *settlement = owner;
    if (!was_done(settlement, results))
        return;
    bool changed = slice_is(slice_text(PQcmdTuples(results[0])), "1");
    metrics_count(&settlement->stats.bets, changed);
    if (!changed || settlement->bet.payout.minor == 0) {
        bet_done(settlement);
        return;
    }
    struct buf amount = buf_over(settlement->amount, sizeof settlement->amount - 1);
    money_write(&amount, settlement->bet.payout);
    amount.at[amount.bytes] = '\0';
    run_one(settlement,
            (struct db_call){DB_ACCOUNT_CREDIT, 2, {column(settlement, 1), settlement->amount}},
            on_credited);
}

static bool find_result(const struct settlement *settlement, enum slip_result *ret)
{
    const struct settlement_order *order = &settlement->orders[settlement->first];
    const char *selection = column(settlement, 2);
    for (int i = 0; i < order->count; i++)
        if (strcmp(order->rows[i].selection, selection) == 0) {
            *ret = order->rows[i].result;
            return true;
        }
    return false;
}

/* False: the row is no bet that we wrote, or nothing is said of its selection; it stays PLACED. */
static bool judge(struct settlement *settlement)
{
    struct odds odds;
    struct money stake;
    enum slip_result result;
    if (!find_result(settlement, &result) ||
        odds_parse_decimal(slice_text(column(settlement, 3)), &odds) < 0 ||
        money_parse(slice_text(column(settlement, 4)), settlement->parts.currency, &stake) < 0 ||
        stake.minor <= 0 || stake.minor > SLIP_STAKE_MINOR_MAX)
        return false;
    settlement->bet = (struct slip_bet){result, slip_payout(stake, odds, result)};
    return true;
}

static void next_bet(struct settlement *settlement)
{
    int count = PQntuples(settlement->bets);
    while (settlement->row < count && !judge(settlement))
        settlement->row++;
    metrics_set(&settlement->stats.left, count - settlement->row);
    if (settlement->row == count) {
        next_order(settlement);
        return;
    }
    run_one(settlement,
            (struct db_call){DB_BET_OUTCOME,
                             2,
                             {column(settlement, 0), slip_result_text(settlement->bet.result)}},
            on_outcome);
}

/* ---- one market ---- */

static void on_open_bets(void *owner, PGresult **results)
{
    struct settlement *settlement = owner;
    if (results == NULL || !db_result_ok(results[0])) {
        (void)was_done(settlement, results);
        return;
    }
    settlement->bets = results[0];
    results[0] = NULL;
    settlement->row = 0;
    next_bet(settlement);
}

/* Bets under way hold the market's row: behind this no further one is placed, and all that were are
 * among the open ones. */
static void on_closed(void *owner, PGresult **results)
{
    struct settlement *settlement = owner;
    if (!was_done(settlement, results))
        return;
    const char *market = settlement->orders[settlement->first].market;
    run_one(settlement, (struct db_call){DB_OPEN_BETS, 1, {market}}, on_open_bets);
}

static void begin_order(struct settlement *settlement)
{
    const char *market = settlement->orders[settlement->first].market;
    settlement->begun_us = loop_now(settlement->parts.loop).us;
    run_one(settlement, (struct db_call){DB_ODDS_STATUS, 2, {market, "settled"}}, on_closed);
}

static void on_connection(void *owner, struct db_conn *conn)
{
    struct settlement *settlement = owner;
    settlement->conn = conn;
    if (settlement->ending)
        return;
    if (conn == NULL) /* the database is away, or all connections are taken: again */
        db_pool_wait(settlement->parts.pool, &settlement->waiter);
    else
        begin_order(settlement);
}

static void wait_for_connection(struct settlement *settlement)
{
    settlement->busy = true;
    db_pool_wait(settlement->parts.pool, &settlement->waiter);
}

/* The order under way has ended, well or not. */
static void next_order(struct settlement *settlement)
{
    if (settlement->conn != NULL)
        db_conn_give(settlement->conn);
    settlement->conn = NULL;
    settlement->busy = false;
    PQclear(settlement->bets);
    settlement->bets = NULL;
    metrics_set(&settlement->stats.left, 0);
    metrics_count(&settlement->stats.orders, 1);
    metrics_record(&settlement->stats.us,
                   (uint64_t)(loop_now(settlement->parts.loop).us - settlement->begun_us));
    settlement->first = (settlement->first + 1) % SETTLEMENT_ORDERS_MAX;
    settlement->count--;
    metrics_set(&settlement->stats.waiting, settlement->count);
    if (settlement->count > 0 && !settlement->ending)
        wait_for_connection(settlement);
}

/* ---- life ---- */

int settlement_new(const struct settlement_parts *parts, struct settlement **ret)
{
    struct settlement *settlement = calloc(1, sizeof *settlement);
    if (settlement == NULL)
        return -ERR_MEMORY;
    settlement->parts = *parts;
    settlement->waiter = (struct db_waiter){.fn = on_connection, .owner = settlement};
    metrics_histogram_init(&settlement->stats.us, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    *ret = settlement;
    return 0;
}

void settlement_end(struct settlement *settlement)
{
    settlement->ending = true;
}

void settlement_free(struct settlement *settlement)
{
    if (settlement == NULL)
        return;
    PQclear(settlement->bets);
    free(settlement);
}

bool settlement_has_room(struct settlement *settlement)
{
    bool has_room = settlement->count < SETTLEMENT_ORDERS_MAX;
    metrics_count(&settlement->stats.orders_reached, !has_room);
    return has_room;
}

void settlement_offer(struct settlement *settlement, const struct settlement_order *order)
{
    ASSERT(settlement->count < SETTLEMENT_ORDERS_MAX);
    settlement->orders[(settlement->first + settlement->count++) % SETTLEMENT_ORDERS_MAX] = *order;
    metrics_set(&settlement->stats.waiting, settlement->count);
    if (!settlement->busy)
        wait_for_connection(settlement);
}

struct settlement_stats *settlement_stats(struct settlement *settlement)
{
    return &settlement->stats;
}
