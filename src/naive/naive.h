/* naive.h - V0, the naive book, as a program: clients poll, a monolith does everything, one
 * PostgreSQL holds odds, bets and balances, a Redis caches balances, one loop settles. What each
 * point of V0 became is in docs/NAIVE.md.
 *
 * It runs on the loop and the HTTP server of the book itself, so that what differs is the
 * architecture. It answers under V0's paths (/odds, /bets) and under the book's (/v1/...).
 * Thread: the loop's. */
#pragma once

#include "base/metrics.h"
#include "core/money.h"
#include "crypto/jwt.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"

struct naive;

struct naive_options {
    const char *database;     /* libpq's; borrowed */
    struct net_address redis; /* the session cache */
    int connections;          /* of the pool */
    int64_t requests_max;     /* at once that need database or cache: 503 OVERLOADED beyond */
    int64_t wait_ms_max;      /* for a connection of the pool: 503 DATABASE_UNAVAILABLE */
    int64_t bets_per_minute;  /* of a user: 429; 0: no limit */
    int64_t session_s;        /* how long a balance is kept, and a token of a login lasts */
    struct currency currency; /* of all accounts */
    struct jwt_rules rules;   /* whose tokens are taken; its keys are borrowed */
    struct slice kid;         /* signs the tokens of logins; empty: none are given */
};

/* Makes the tables (blocks) and begins to connect. 0; -ERR_MEMORY, -ERR_LIMIT; -ERR_NETWORK,
 * -ERR_CONFIG with a sentence in `why`. */
int naive_new(struct loop *loop, const struct naive_options *options, struct naive **ret,
              struct buf *why);
/* Before its HTTP servers: whoever waits is answered with 503. Once. */
void naive_end(struct naive *naive);
/* After them. Accepts NULL. */
void naive_free(struct naive *naive);

/* Of customers, and of the desk, the feed and the operator. */
struct http_handlers naive_public_handlers(struct naive *naive);
struct http_handlers naive_admin_handlers(struct naive *naive);
/* What GET /metrics shows; more may be registered. */
struct metrics *naive_metrics(struct naive *naive);
