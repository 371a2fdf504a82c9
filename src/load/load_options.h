/* load_options.h - what a run of the load generator is told; see `overround load`. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/json_write.h"
#include "load/load_pool.h"
#include "load/load_users.h"

#define LOAD_REPORT_BYTES_MAX (512 * 1024)

struct load_options {
    struct load_target target; /* the public listener */
    struct slice host;         /* of the Host header */
    enum load_transport transport;
    uint64_t rate;
    uint32_t burst, seconds, warmup_seconds;
    uint32_t users, connections, pipeline;
    uint32_t clients, conflate_ms; /* subscribe; clients: connects, too */
    uint64_t seed;
    int64_t stake_minor_min, stake_minor_max;
    int64_t deposit_minor; /* of each user before the run; 0: they have money */
    struct slice currency, price_policy;
    struct slice channels; /* separated by spaces: prices come from them */
    struct slice user_prefix;
    struct slice path; /* reads: one target, or empty: the odds of the markets in turn */
    uint32_t batch;    /* reads: markets of one request; 1: GET /v1/odds/{market_id} */
    struct load_world_options {
        struct load_target feed; /* the admin listener, for prices */
        struct slice feed_token;
        uint32_t markets, burst;
        uint32_t poll_ms, bet_ms, balance_ms, leave_ms; /* each of a user; 0: never */
        uint32_t calm_ms, volatile_ms, goal_ms, suspended_ms;
        uint32_t timeout_ms, retries; /* without an answer a bet is sent again, under its key */
        bool streams;                 /* users have a stream, and do not poll */
        bool phases;                  /* stderr says when what is measured begins and ends */
        const char *html;             /* a report for people is written there; NULL: none */
    } world;
    pid_t server_pid; /* to read its processor time; 0: not */
    load_users_token_fn token;
    void *token_owner;
    struct slice tag; /* copied into the report; may be empty */
};

/* Each runs to its end and writes one JSON object. 0, or a negative error with a sentence in
 * *ret_why (static). Thread: the caller's; each makes a loop of its own. */
int load_bets_run(const struct load_options *options, struct buf *ret_report, const char **ret_why);
int load_reads_run(const struct load_options *options, struct buf *ret_report,
                   const char **ret_why);
int load_subscribe_run(const struct load_options *options, struct buf *ret_report,
                       const char **ret_why);
int load_world_run(const struct load_options *options, struct buf *ret_report,
                   const char **ret_why);
int load_connects_run(const struct load_options *options, struct buf *ret_report,
                      const char **ret_why);

/* The members that every report begins with. */
void load_options_write(struct json_writer *writer, const char *load,
                        const struct load_options *options);
