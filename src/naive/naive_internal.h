/* naive_internal.h - one request on its way through cache and database: for the naive*.c files.
 *
 * A call is a request that needs more than this turn. It is taken from a fixed number of them, goes
 * from callback to callback, and ends with exactly one answer. Thread: the loop's. */
#pragma once

#include "naive/db_pool.h"
#include "naive/naive.h"
#include "naive/odds_feed.h"
#include "naive/session_cache.h"
#include "naive/settlement.h"
#include "naive/slip.h"
#include "roles/shared/bearer.h"
#include "roles/shared/rate_limit.h"
#include "roles/shared/route.h"

#define NAIVE_OUT_BYTES_MAX   (512 * 1024)
#define NAIVE_METRICS_MAX     192
#define NAIVE_BET_ID_BYTES    36
#define NAIVE_NUMBER_BYTES    32
#define NAIVE_BETS_DAYS_MAX   3660
#define NAIVE_BETS_SHOWN_MAX  1000
#define NAIVE_TOKENS_KEPT_MAX 8192

struct call {
    struct naive *naive;
    struct http_reply_to to;
    struct call *next_free;
    struct db_waiter waiter;
    struct db_conn *conn; /* NULL: none is held */
    db_answer_fn then;    /* of call_run_one() */
    struct db_call one;
    int64_t begun_us;
    char user[JWT_SUB_BYTES_MAX + 1];
    char id[MARKET_ID_BYTES_MAX + 1]; /* of a market or of a bet */
    struct slip slip;
    struct odds odds;
    enum slip_verdict verdict; /* while what was begun is rolled back */
    char balance[NAIVE_NUMBER_BYTES];
    char amount[NAIVE_NUMBER_BYTES], number[NAIVE_NUMBER_BYTES], price[NAIVE_NUMBER_BYTES];
};

struct naive_stats {
    struct metrics_counter polls;                     /* V0-18 */
    struct metrics_counter balances;                  /* V0-52 */
    struct metrics_counter bets[SLIP_VERDICTS_COUNT]; /* V0-19 alerts at 15 of 100 ODDS_CHANGED */
    struct metrics_counter limited;                   /* bets_per_minute */
    struct metrics_counter unavailable;
    struct metrics_counter requests_reached;
    struct metrics_gauge requests;
    struct metrics_histogram poll_us, bet_us; /* V0-22 */
};

struct naive {
    struct naive_options options;
    struct loop *loop;
    bool ending;
    struct conn_pool *conns; /* owned; of the session cache */
    struct db_pool *pool;    /* owned, as all below */
    struct session_cache *sessions;
    struct settlement *settlement;
    struct odds_feed *feed;
    struct rate_limit *limit; /* NULL: none */
    struct token_cache *tokens;
    struct bearer bearer;
    struct call *calls, *free_call;
    struct naive_stats stats;
    struct metrics metrics;
    struct metrics_item items[NAIVE_METRICS_MAX];
    struct settlement_order order; /* of the request being read */
    char out[NAIVE_OUT_BYTES_MAX]; /* of the answer being written */
};

/* ---- calls (naive_call.c) ---- */

/* NULL: as many as may be are under way, and 503 OVERLOADED was answered. */
struct call *call_take(struct naive *naive, const struct http_request *request);
/* Each answers, gives its connection back, and ends the call. */
void call_reply(struct call *call, int status, struct slice json);
void call_problem(struct call *call, int status, const char *code, struct slice detail);
/* 503 DATABASE_UNAVAILABLE. */
void call_unavailable(struct call *call);
/* `step` is called with a connection; without one the call has ended. */
void call_connect(struct call *call, void (*step)(void *owner, struct db_conn *conn));
/* One statement on a connection of the pool; results NULL never reach `then`. */
void call_run_one(struct call *call, struct db_call statement, db_answer_fn then);
/* Whether all `count` results are good; else the call has ended, what was begun is rolled back. */
bool call_good(struct call *call, PGresult **results, int count);
/* Ends the transaction without effect, then answers. */
void call_roll_back(struct call *call, db_answer_fn then);
/* Money as text in `amount`, ended by a zero. */
const char *call_amount(struct call *call, struct money money);

/* ---- what is served: each takes over the request ---- */

/* A request as its route found it. */
struct ask {
    struct http_request *request;
    struct slice user; /* of its token; empty where the route asks for none */
    struct slice id;   /* of its path, decoded */
};

/* naive_bets.c */
void naive_serve_place(struct naive *naive, const struct ask *ask);
void naive_serve_void(struct naive *naive, const struct ask *ask);
/* naive_reads.c */
void naive_serve_odds(struct naive *naive, const struct ask *ask);
void naive_serve_bet(struct naive *naive, const struct ask *ask);
void naive_serve_bets(struct naive *naive, const struct ask *ask);
/* naive_account.c */
void naive_serve_account(struct naive *naive, const struct ask *ask);
void naive_serve_deposit(struct naive *naive, const struct ask *ask);
void naive_serve_login(struct naive *naive, const struct ask *ask);
void naive_serve_exclusion(struct naive *naive, const struct ask *ask);
/* naive_metrics.c */
int naive_register_metrics(struct naive *naive);
