/* load_bets.c - the run of `overround load bets`: users with money, who bet at prices that they
 * see on the stream. Contract in load_options.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "crypto/random.h"
#include "load/load_deposit.h"
#include "load/load_open_loop.h"
#include "load/load_options.h"
#include "load/load_process.h"
#include "load/load_stream.h"
#include "load/load_wire.h"

#define CONNECT_MS 20000
#define PRICES_MS  10000
#define GRACE_MS   3000

struct bets {
    const struct load_options *options;
    struct loop *loop;          /* owned */
    struct load_users users;    /* owned */
    struct load_stream *stream; /* owned */
    struct load_open_loop *open_loop;
    struct prng prng;
    uint64_t nonce;  /* keys of one run are new to the ledger */
    uint32_t *turns; /* owned; which of its users a connection serves next */
    uint64_t replayed;
};

/* A connection serves the users whose number is its own modulo the connections, in turn. */
static uint32_t user_of(struct bets *bets, uint32_t connection)
{
    uint32_t connections = bets->options->connections, users = bets->users.count;
    if (connection >= users)
        return connection % users;
    uint32_t mine = (users - connection - 1) / connections + 1;
    return connection + connections * (bets->turns[connection]++ % mine);
}

static struct slice token_of(void *owner, uint32_t connection)
{
    struct bets *bets = owner;
    return load_users_token(&bets->users, connection % bets->users.count);
}

static bool build(void *owner, uint64_t n, uint32_t connection, struct buf *out)
{
    struct bets *bets = owner;
    const struct load_options *options = bets->options;
    const struct load_market *market;
    const struct load_selection *selection;
    if (!load_markets_pick(load_stream_markets(bets->stream), &bets->prng, &market, &selection))
        return false;
    uint64_t stakes = (uint64_t)(options->stake_minor_max - options->stake_minor_min) + 1;
    struct load_wire_bet bet = {.market_id = slice_text(market->id),
                                .selection_id = slice_text(selection->id),
                                .odds = slice_text(selection->odds),
                                .odds_exact = slice_text(selection->odds_exact),
                                .odds_version = market->odds_version,
                                .stake_minor = options->stake_minor_min +
                                               (int64_t)prng_below(&bets->prng, stakes),
                                .currency = options->currency,
                                .price_policy = options->price_policy};
    char body_text[LOAD_BODY_BYTES_MAX], key_text[48];
    struct buf body = buf_over(body_text, sizeof body_text);
    struct buf key = buf_over(key_text, sizeof key_text);
    load_wire_bet_body(&body, &bet);
    buf_printf(&key, "%016" PRIx64 "-", bets->nonce);
    buf_put_u64(&key, n);
    if (options->transport == LOAD_TRANSPORT_WS) {
        uint32_t id = load_pool_next_id(load_open_loop_pool(bets->open_loop), connection);
        load_wire_place_bet(out, id, buf_slice(&key), buf_slice(&body));
        return !body.overflow;
    }
    struct load_wire_request request = {
        .method = "POST",
        .path = "/v1/bets",
        .host = options->host,
        .token = load_users_token(&bets->users, user_of(bets, connection)),
        .key = buf_slice(&key),
        .body = buf_slice(&body)};
    load_wire_request(out, &request);
    return !body.overflow;
}

static struct slice code_of(void *owner, const struct load_pool_answer *answer)
{
    struct bets *bets = owner;
    bets->replayed += answer->replayed;
    if (answer->status >= 200 && answer->status < 300)
        return SLICE_NONE;
    return load_frame_find_text(answer->body, SLICE("\"code\""));
}

static const struct load_open_loop_callbacks callbacks = {build, code_of, NULL};

static bool wait_for_prices(struct bets *bets)
{
    int64_t until_us = load_process_now().us + PRICES_MS * US_PER_MS;
    while (load_markets_active(load_stream_markets(bets->stream)) == 0)
        if (load_process_now().us >= until_us || loop_run_once(bets->loop, 10 * US_PER_MS) < 0)
            return false;
    return true;
}

static int prepare(struct bets *bets, const char **ret_why)
{
    const struct load_options *options = bets->options;
    *ret_why = "cannot make the users' tokens";
    TRY(load_users_new(options->users, options->user_prefix, options->token, options->token_owner,
                       &bets->users));
    *ret_why = "cannot make the event loop";
    TRY(loop_new(&bets->loop));
    *ret_why = "cannot follow the channels";
    TRY(load_stream_new(bets->loop, &options->target, options->channels, &bets->stream));
    *ret_why = "no market with a price on these channels";
    if (!wait_for_prices(bets))
        return -ERR_NOT_FOUND;
    *ret_why = "the deposits failed";
    if (options->deposit_minor > 0)
        TRY(load_deposit_run(bets->loop, options, &bets->users));
    *ret_why = "cannot connect";
    struct load_pool_options pool = {.target = options->target,
                                     .transport = options->transport,
                                     .connections = options->connections,
                                     .pipeline = options->pipeline,
                                     .token = token_of,
                                     .token_owner = bets};
    TRY(load_open_loop_new(bets->loop, &pool, &callbacks, bets, &bets->open_loop));
    return load_open_loop_connect(bets->open_loop, options->connections, CONNECT_MS) ? 0
                                                                                     : -ERR_NETWORK;
}

static void write_report(struct bets *bets, const struct load_open_loop_result *result,
                         struct buf *out)
{
    const struct load_options *options = bets->options;
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    load_options_write(&writer, "bets", options);
    json_write_key(&writer, "transport");
    json_write_text(&writer, options->transport == LOAD_TRANSPORT_WS ? SLICE("ws") : SLICE("http"));
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"rate", options->rate},
                {"burst", options->burst},
                {"users", options->users},
                {"connections", options->connections},
                {"pipeline", options->pipeline},
                {"markets", load_markets_active(load_stream_markets(bets->stream))},
                {"price_changes_seen", load_stream_markets(bets->stream)->changes},
                {"stream_gaps", load_stream_stats(bets->stream)->gaps},
                {"replayed", bets->replayed}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_write_key(&writer, rows[i].name);
        json_write_u64(&writer, rows[i].value);
    }
    load_open_loop_write(&writer, result);
    json_write_object_close(&writer);
}

static int turns_new(uint32_t connections, uint32_t **ret_turns)
{
    *ret_turns = calloc(connections, sizeof(uint32_t));
    return *ret_turns == NULL ? -ERR_MEMORY : 0;
}

int load_bets_run(const struct load_options *options, struct buf *ret_report, const char **ret_why)
{
    struct bets bets = {.options = options};
    const struct load_open_loop_result *done;
    prng_seed(&bets.prng, options->seed);
    random_fill(&bets.nonce, sizeof bets.nonce);
    *ret_why = "out of memory";
    int result = turns_new(options->connections, &bets.turns);
    if (result == 0)
        result = prepare(&bets, ret_why);
    if (result == 0) {
        struct load_open_loop_options run = {.rate = options->rate,
                                             .burst = options->burst,
                                             .warmup_ms = options->warmup_seconds * 1000,
                                             .measure_ms = options->seconds * 1000,
                                             .grace_ms = GRACE_MS,
                                             .server_pid = options->server_pid};
        *ret_why = "the event loop failed";
        result = load_open_loop_run(bets.open_loop, &run, &done);
    }
    if (result == 0)
        write_report(&bets, done, ret_report);
    load_open_loop_free(bets.open_loop);
    load_stream_free(bets.stream);
    loop_free(bets.loop);
    load_users_done(&bets.users);
    free(bets.turns);
    return result;
}
