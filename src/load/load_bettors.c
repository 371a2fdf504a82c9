/* load_bettors.c - contract in load_bettors.h.
 * A bettor is a small state machine: session, money, and then one act at a time, each followed by a
 * pause. Bettor i uses connection i of the HTTP pool; each fourth also one of the socket pool,
 * which is opened once all have their tokens. */
#include "load/load_bettors.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/histogram.h"
#include "crypto/random.h"
#include "load/load_process.h"
#include "load/load_schedule.h"
#include "load/load_stream.h"
#include "load/load_users.h"
#include "load/load_wire.h"

#define TICK_US          (10 * US_PER_MS)
#define HISTOGRAM_US     (5 * US_PER_SECOND)
#define SOCKET_EACH      4
#define DEPOSIT_MINOR    50000
#define AFTER_TROUBLE_US (2 * US_PER_SECOND)
#define HURRY_PERCENT    12
#define HURRY_US_MAX     (400 * US_PER_MS)
#define HURRY_PAUSE_US   (2 * US_PER_SECOND) /* a bettor does not chase every tick */

enum act {
    ACT_SESSION = 1,
    ACT_DEPOSIT,
    ACT_WITHDRAW,
    ACT_READ,
    ACT_BET,
    ACT_STALE,
    ACT_RETRY, /* the last bet again, under its key */
};

struct bettor {
    bool busy, over_socket;
    bool funded; /* had a deposit */
    bool poor;   /* was told so: the next act is a deposit */
    bool unsure; /* the last bet had no answer: the next act is to send it again */
    int64_t next_us, hurry_from_us;
    uint32_t token_bytes, body_bytes, key_bytes;
    char token[LOAD_TOKEN_BYTES_MAX];
    char body[LOAD_BODY_BYTES_MAX], key[48]; /* of the last bet */
};

struct load_bettors {
    struct loop *loop;
    struct load_bettors_options options;
    struct load_pool *http, *sockets; /* owned; sockets: NULL until all have tokens */
    struct load_stream *stream;       /* owned */
    struct bettor *rows;              /* owned */
    struct prng prng;
    uint64_t nonce, keys;
    char host[NET_ADDRESS_TEXT_MAX];
    uint32_t host_bytes;
    struct timer tick;
    int64_t histogram_us; /* when the newer one began */
    struct histogram acceptance_us[2];
    int newer;
    struct load_bettors_sample counts;
};

static void on_tick(void *owner);
static void on_move(void *owner);
static void on_answer(void *owner, const struct load_pool_answer *answer);
static void on_lost(void *owner, const struct load_flight *flight);

static const struct load_pool_callbacks pool_calls = {on_answer, on_lost, NULL, NULL};

int load_bettors_new(struct loop *loop, const struct load_bettors_options *options,
                     struct load_bettors **ret_bettors)
{
    if (options->count == 0 || options->count > LOAD_BETTORS_MAX)
        return -ERR_LIMIT;
    struct load_bettors *bettors = calloc(1, sizeof *bettors);
    if (bettors == NULL)
        return -ERR_MEMORY;
    bettors->loop = loop;
    bettors->options = *options;
    bettors->rows = calloc(options->count, sizeof *bettors->rows);
    timer_init(&bettors->tick, on_tick, bettors);
    prng_seed(&bettors->prng, options->seed);
    random_fill(&bettors->nonce, sizeof bettors->nonce);
    struct buf host = buf_over(bettors->host, sizeof bettors->host);
    net_address_write(&host, &options->address);
    bettors->host_bytes = (uint32_t)host.bytes;
    struct load_pool_options pool = {.target.address = options->address,
                                     .transport = LOAD_TRANSPORT_HTTP,
                                     .connections = options->count,
                                     .pipeline = 1};
    const struct load_target target = {.address = options->address};
    int result = bettors->rows == NULL ? -ERR_MEMORY : 0;
    if (result == 0)
        result = load_pool_new(loop, &pool, &pool_calls, bettors, &bettors->http);
    if (result == 0)
        result = load_stream_new(loop, &target, options->channels, &bettors->stream);
    if (result < 0) {
        load_bettors_free(bettors);
        return result;
    }
    load_stream_on_move(bettors->stream, on_move, bettors);
    on_tick(bettors);
    *ret_bettors = bettors;
    return 0;
}

void load_bettors_free(struct load_bettors *bettors)
{
    if (bettors == NULL)
        return;
    loop_timer_cancel(bettors->loop, &bettors->tick);
    load_stream_free(bettors->stream);
    load_pool_free(bettors->sockets);
    load_pool_free(bettors->http);
    free(bettors->rows);
    free(bettors);
}

void load_bettors_sample(const struct load_bettors *bettors, struct load_bettors_sample *ret)
{
    static struct histogram both; /* one crowd a process; too large for the stack */
    *ret = bettors->counts;
    both = bettors->acceptance_us[0];
    histogram_merge(&both, &bettors->acceptance_us[1]);
    ret->p50_us = histogram_percentile(&both, 5000);
    ret->p99_us = histogram_percentile(&both, 9900);
}

/* ---- acts ---- */

static struct slice token_of(void *owner, uint32_t connection)
{
    struct load_bettors *bettors = owner;
    struct bettor *bettor = &bettors->rows[connection * SOCKET_EACH];
    return slice_of(bettor->token, bettor->token_bytes);
}

static uint32_t index_of(const struct load_bettors *bettors, const struct bettor *bettor)
{
    return (uint32_t)(bettor - bettors->rows);
}

static void new_key(struct load_bettors *bettors, struct bettor *bettor)
{
    struct buf key = buf_over(bettor->key, sizeof bettor->key);
    buf_printf(&key, "demo-%016" PRIx64 "-%" PRIu64, bettors->nonce, ++bettors->keys);
    ASSERT(!key.overflow);
    bettor->key_bytes = (uint32_t)key.bytes;
}

/* Most stakes are small, a few are large, one in two hundred is above what anybody has. */
static int64_t draw_stake(struct load_bettors *bettors)
{
    uint64_t kind = prng_below(&bettors->prng, 200);
    if (kind == 0)
        return 2000000;
    int64_t most = kind < 20 ? 5000 : 1000;
    return 50 * (1 + (int64_t)prng_below(&bettors->prng, (uint64_t)most / 50));
}

static struct slice draw_policy(struct load_bettors *bettors)
{
    uint64_t kind = prng_below(&bettors->prng, 100);
    return kind < 70   ? SLICE("better")
           : kind < 85 ? SLICE("any")
           : kind < 95 ? SLICE("within")
                       : SLICE("exact");
}

/* False when there is nothing to bet on, or no old price to be stale with. */
static bool write_bet(struct load_bettors *bettors, struct bettor *bettor, bool stale)
{
    const struct load_market *market;
    const struct load_selection *selection;
    if (!load_markets_pick(load_stream_markets(bettors->stream), &bettors->prng, &market,
                           &selection))
        return false;
    if (stale && (selection->odds_before[0] == '\0' || market->version_before == 0))
        return false;
    struct load_wire_bet bet = {
        .market_id = slice_text(market->id),
        .selection_id = slice_text(selection->id),
        .odds = slice_text(stale ? selection->odds_before : selection->odds),
        .odds_exact = stale ? SLICE_NONE : slice_text(selection->odds_exact),
        .odds_version = stale ? market->version_before : market->odds_version,
        .stake_minor = draw_stake(bettors),
        .currency = bettors->options.currency,
        .price_policy = stale ? SLICE("exact") : draw_policy(bettors)};
    struct buf body = buf_over(bettor->body, sizeof bettor->body);
    load_wire_bet_body(&body, &bet);
    if (body.overflow)
        return false;
    bettor->body_bytes = (uint32_t)body.bytes;
    new_key(bettors, bettor);
    return true;
}

static bool send_http(struct load_bettors *bettors, struct bettor *bettor, enum act act,
                      const struct load_wire_request *request)
{
    char text[LOAD_REQUEST_BYTES_MAX];
    struct buf out = buf_over(text, sizeof text);
    uint32_t index = index_of(bettors, bettor);
    if (!load_pool_has_room(bettors->http, index))
        return false;
    load_wire_request(&out, request);
    struct load_flight flight = {.sent = load_process_now(), .words = {index, act}};
    return !out.overflow && load_pool_send(bettors->http, index, buf_slice(&out), &flight);
}

static bool send_bet(struct load_bettors *bettors, struct bettor *bettor, enum act act)
{
    struct slice key = slice_of(bettor->key, bettor->key_bytes);
    struct slice body = slice_of(bettor->body, bettor->body_bytes);
    uint32_t socket = index_of(bettors, bettor) / SOCKET_EACH;
    /* What was sent over one transport may be sent again over the other: the key spans them. */
    if (bettor->over_socket && bettors->sockets != NULL && act != ACT_RETRY &&
        load_pool_has_room(bettors->sockets, socket)) {
        char text[LOAD_REQUEST_BYTES_MAX];
        struct buf out = buf_over(text, sizeof text);
        load_wire_place_bet(&out, load_pool_next_id(bettors->sockets, socket), key, body);
        struct load_flight flight = {.sent = load_process_now(),
                                     .words = {index_of(bettors, bettor), act}};
        return !out.overflow && load_pool_send(bettors->sockets, socket, buf_slice(&out), &flight);
    }
    struct load_wire_request request = {.method = "POST",
                                        .path = "/v1/bets",
                                        .host = slice_of(bettors->host, bettors->host_bytes),
                                        .token = slice_of(bettor->token, bettor->token_bytes),
                                        .key = key,
                                        .body = body};
    return send_http(bettors, bettor, act, &request);
}

static bool send_money(struct load_bettors *bettors, struct bettor *bettor, enum act act)
{
    char text[LOAD_BODY_BYTES_MAX];
    struct buf body = buf_over(text, sizeof text);
    int64_t minor =
        act == ACT_DEPOSIT ? DEPOSIT_MINOR : 500 * (1 + (int64_t)prng_below(&bettors->prng, 4));
    load_wire_money_body(&body, minor, bettors->options.currency);
    new_key(bettors, bettor);
    struct load_wire_request request = {.method = "POST",
                                        .path = act == ACT_DEPOSIT ? "/v1/account/deposits"
                                                                   : "/v1/account/withdrawals",
                                        .host = slice_of(bettors->host, bettors->host_bytes),
                                        .token = slice_of(bettor->token, bettor->token_bytes),
                                        .key = slice_of(bettor->key, bettor->key_bytes),
                                        .body = buf_slice(&body)};
    return send_http(bettors, bettor, act, &request);
}

static bool send_plain(struct load_bettors *bettors, struct bettor *bettor, enum act act)
{
    struct load_wire_request request = {.method = act == ACT_SESSION ? "POST" : "GET",
                                        .path =
                                            act == ACT_SESSION ? "/v1/demo/session" : "/v1/account",
                                        .host = slice_of(bettors->host, bettors->host_bytes),
                                        .token = slice_of(bettor->token, bettor->token_bytes)};
    return send_http(bettors, bettor, act, &request);
}

static enum act draw_act(struct load_bettors *bettors, const struct bettor *bettor)
{
    if (bettor->token_bytes == 0)
        return ACT_SESSION;
    if (bettor->unsure)
        return ACT_RETRY;
    if (bettor->poor)
        return ACT_DEPOSIT;
    uint64_t kind = prng_below(&bettors->prng, 100);
    if (kind < 4 && bettor->body_bytes > 0)
        return ACT_RETRY;
    return kind < 9    ? ACT_STALE
           : kind < 11 ? ACT_DEPOSIT
           : kind < 13 ? ACT_WITHDRAW
           : kind < 16 ? ACT_READ
                       : ACT_BET;
}

static bool begin_act(struct load_bettors *bettors, struct bettor *bettor, enum act act)
{
    switch (act) {
    case ACT_SESSION:
    case ACT_READ:
        return send_plain(bettors, bettor, act);
    case ACT_DEPOSIT:
    case ACT_WITHDRAW:
        bettor->body_bytes = 0; /* its key is overwritten: that bet cannot be sent again */
        return send_money(bettors, bettor, act);
    case ACT_STALE:
        return write_bet(bettors, bettor, true) && send_bet(bettors, bettor, act);
    case ACT_BET:
        return write_bet(bettors, bettor, false) && send_bet(bettors, bettor, act);
    case ACT_RETRY:
        return send_bet(bettors, bettor, act);
    }
    return false;
}

static void pause_bettor(struct load_bettors *bettors, struct bettor *bettor, int64_t mean_us)
{
    bettor->busy = false;
    bettor->next_us = load_process_now().us + load_schedule_poisson_us(&bettors->prng, mean_us);
}

/* ---- the clock ---- */

static void open_sockets(struct load_bettors *bettors)
{
    struct load_pool_options pool = {.target.address = bettors->options.address,
                                     .transport = LOAD_TRANSPORT_WS,
                                     .connections =
                                         (bettors->options.count + SOCKET_EACH - 1) / SOCKET_EACH,
                                     .pipeline = 1,
                                     .token = token_of,
                                     .token_owner = bettors};
    if (load_pool_new(bettors->loop, &pool, &pool_calls, bettors, &bettors->sockets) < 0)
        return; /* they bet over HTTP then */
    for (uint32_t i = 0; i < bettors->options.count; i += SOCKET_EACH)
        bettors->rows[i].over_socket = true;
}

static void on_tick(void *owner)
{
    struct load_bettors *bettors = owner;
    struct monotonic now = load_process_now();
    if (now.us - bettors->histogram_us > HISTOGRAM_US) {
        bettors->newer = 1 - bettors->newer;
        histogram_reset(&bettors->acceptance_us[bettors->newer]);
        bettors->histogram_us = now.us;
    }
    if (bettors->sockets == NULL && bettors->counts.with_session >= bettors->options.count)
        open_sockets(bettors);
    for (uint32_t i = 0; i < bettors->options.count; i++) {
        struct bettor *bettor = &bettors->rows[i];
        if (bettor->busy || bettor->next_us > now.us)
            continue;
        bettor->busy = begin_act(bettors, bettor, draw_act(bettors, bettor));
        if (!bettor->busy) /* no connection or no price yet */
            pause_bettor(bettors, bettor, 200 * US_PER_MS);
    }
    loop_timer_set(bettors->loop, &bettors->tick,
                   (struct monotonic){loop_now(bettors->loop).us + TICK_US});
}

/* Some of those who watch act on a move at once: a goal brings a burst. */
static void on_move(void *owner)
{
    struct load_bettors *bettors = owner;
    int64_t now_us = load_process_now().us;
    for (uint32_t i = 0; i < bettors->options.count; i++) {
        struct bettor *bettor = &bettors->rows[i];
        if (bettor->busy || bettor->token_bytes == 0 || bettor->hurry_from_us > now_us ||
            prng_below(&bettors->prng, 100) >= HURRY_PERCENT)
            continue;
        int64_t at_us = now_us + (int64_t)prng_below(&bettors->prng, HURRY_US_MAX);
        if (at_us >= bettor->next_us)
            continue;
        bettor->next_us = at_us;
        bettor->hurry_from_us = now_us + HURRY_PAUSE_US;
        bettors->counts.hurried++;
    }
}

/* ---- answers ---- */

static void take_session(struct load_bettors *bettors, struct bettor *bettor, struct slice body)
{
    struct slice token = load_frame_find_text(body, SLICE("\"token\""));
    if (token.bytes == 0 || token.bytes > sizeof bettor->token)
        return;
    memcpy(bettor->token, token.at, token.bytes);
    bettor->token_bytes = (uint32_t)token.bytes;
    bettor->poor = true;
    bettors->counts.with_session++;
}

static void count_bet(struct load_bettors *bettors, const struct load_pool_answer *answer,
                      enum act act)
{
    struct load_bettors_sample *counts = &bettors->counts;
    counts->bets++;
    counts->stale += act == ACT_STALE;
    counts->retried += act == ACT_RETRY;
    counts->replayed += answer->replayed;
    counts->pending += answer->status == 202;
    counts->accepted += answer->status == 201;
    counts->refused += answer->status >= 400 && answer->status < 500 && answer->status != 429;
    int64_t us = load_process_now().us - answer->flight.sent.us;
    histogram_record(&bettors->acceptance_us[bettors->newer], us > 0 ? (uint64_t)us : 0);
}

static void take_answer(struct load_bettors *bettors, struct bettor *bettor, enum act act,
                        const struct load_pool_answer *answer)
{
    struct load_bettors_sample *counts = &bettors->counts;
    bool good = answer->status >= 200 && answer->status < 300;
    struct slice code = good ? SLICE_NONE : load_frame_find_text(answer->body, SLICE("\"code\""));
    switch (act) {
    case ACT_SESSION:
        if (good)
            take_session(bettors, bettor, answer->body);
        break;
    case ACT_DEPOSIT:
        counts->deposits += good;
        counts->with_money += good && !bettor->funded;
        bettor->funded = bettor->funded || good;
        bettor->poor = bettor->poor && !good;
        break;
    case ACT_WITHDRAW:
        counts->withdrawals += good;
        break;
    case ACT_READ:
        counts->reads += good;
        break;
    case ACT_BET:
    case ACT_STALE:
    case ACT_RETRY:
        bettor->unsure = false;
        count_bet(bettors, answer, act);
        break;
    }
    if (slice_is(code, "INSUFFICIENT_BALANCE"))
        bettor->poor = true;
    if (answer->status == 401 && bettor->token_bytes > 0) { /* a new session, as the page does */
        bettor->token_bytes = 0;
        counts->with_session--;
    }
    bool trouble = answer->status == 429 || answer->status >= 500;
    counts->limited += trouble;
    pause_bettor(bettors, bettor, trouble ? AFTER_TROUBLE_US : bettors->options.think_us);
}

static void on_answer(void *owner, const struct load_pool_answer *answer)
{
    struct load_bettors *bettors = owner;
    take_answer(bettors, &bettors->rows[answer->flight.words[0]], (enum act)answer->flight.words[1],
                answer);
}

/* Nobody can say whether the bet was taken: it goes again under its key (L3). */
static void on_lost(void *owner, const struct load_flight *flight)
{
    struct load_bettors *bettors = owner;
    struct bettor *bettor = &bettors->rows[flight->words[0]];
    enum act act = (enum act)flight->words[1];
    bettors->counts.lost++;
    if (act == ACT_BET || act == ACT_STALE || act == ACT_RETRY)
        bettor->unsure = bettor->body_bytes > 0;
    pause_bettor(bettors, bettor, AFTER_TROUBLE_US);
}
