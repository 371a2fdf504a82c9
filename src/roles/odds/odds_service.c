/* odds_service.c - contract in odds_service.h: memory, routes, the tick and what is counted. */
#include <stdlib.h>

#include "crypto/random.h"
#include "net/http/http_reply.h"
#include "net/http/http_upgrade.h"
#include "roles/odds/odds_calls.h"

/* ---- memory ---- */

static int new_array(void *ret_array, struct slot_pool *pool, size_t count, size_t item_bytes)
{
    void *array = calloc(count, item_bytes); /* mapped, and costs where it was touched */
    if (array == NULL)
        return -ERR_MEMORY;
    memcpy(ret_array, &array, sizeof array);
    return slot_pool_new(pool, (uint32_t)count);
}

static int init_index(struct odds_service *s)
{
    const struct odds_limits *limits = &s->options.limits;
    uint32_t channels = (uint32_t)limits->channels_max;
    struct market_index_sizes sizes = {
        .hash_key = {s->hash_key[0], s->hash_key[1]},
        .markets_max = (uint32_t)limits->markets_max,
        .groups_max = {(uint32_t)limits->markets_max + channels,
                       (uint32_t)limits->events_max + channels,
                       (uint32_t)limits->sports_max + channels},
    };
    return market_index_new(&s->index, &sizes);
}

static int init_pools(struct odds_service *s)
{
    const struct odds_limits *limits = &s->options.limits;
    size_t clients = (size_t)limits->clients_max;
    TRY(new_array(&s->channels, &s->channels_pool, (size_t)limits->channels_max,
                  sizeof *s->channels));
    TRY(new_array(&s->subscriptions, &s->subscriptions_pool, (size_t)limits->subscriptions_max,
                  sizeof *s->subscriptions));
    TRY(new_array(&s->clients, &s->clients_pool, clients, sizeof *s->clients));
    TRY(new_array(&s->identities, &s->identities_pool, clients, sizeof *s->identities));
    TRY(new_array(&s->users, &s->users_pool, clients, sizeof *s->users));
    TRY(new_array(&s->flights, &s->flights_pool, (size_t)limits->bets_in_flight_max,
                  sizeof *s->flights));
    TRY(new_array(&s->waits, &s->waits_pool, (size_t)limits->long_polls_max, sizeof *s->waits));
    TRY(follow_debts_new(&s->debts, (uint32_t)limits->dirty_max,
                         (uint32_t)limits->dirty_per_subscription_max));
    return table_new(clients, &s->users_by_key);
}

static int init_scratch(struct odds_service *s)
{
    const struct odds_limits *limits = &s->options.limits;
    int64_t most = limits->snapshot_bytes_max > limits->reply_bytes_max ? limits->snapshot_bytes_max
                                                                        : limits->reply_bytes_max;
    s->markets_bytes = (size_t)most + ODDS_JSON_MARKET_BYTES_MAX + 64;
    s->text = malloc(ODDS_JSON_MARKET_BYTES_MAX);
    s->out = malloc(OUT_BYTES + ODDS_JSON_MARKET_BYTES_MAX);
    s->markets = malloc(s->markets_bytes);
    s->input = malloc((size_t)2 * WS_MESSAGE_BYTES_MAX);
    s->cbor = buf_over(malloc(CBOR_SCRATCH_BYTES), CBOR_SCRATCH_BYTES);
    bool all = s->text != NULL && s->out != NULL && s->markets != NULL && s->input != NULL &&
               s->cbor.at != NULL;
    return all ? 0 : -ERR_MEMORY;
}

static void make_sid(struct odds_service *s)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t random[SID_BYTES / 2];
    random_fill(random, sizeof random);
    random_fill(s->hash_key, sizeof s->hash_key);
    for (size_t i = 0; i < sizeof random; i++) {
        s->sid[2 * i] = digits[random[i] >> 4];
        s->sid[2 * i + 1] = digits[random[i] & 15];
    }
}

static bool limits_are_possible(const struct odds_limits *limits)
{
    const int64_t *values = (const int64_t *)limits;
    for (size_t i = 0; i < ODDS_LIMITS_COUNT; i++)
        if (values[i] < 1 || values[i] > INT32_MAX)
            return false;
    return limits->history_messages_max <= HISTORY_SLOTS &&
           limits->channels_per_client_max <= STREAM_OP_CHANNELS_MAX &&
           limits->snapshot_bytes_max <= OUT_BYTES - SSE_EVENT_ROOM &&
           limits->sockets_per_user_max >= 2 && limits->ops_per_second_max <= US_PER_SECOND &&
           limits->malformed_max <= UINT8_MAX && limits->bets_per_client_max <= UINT16_MAX;
}

/* The turn's end does the rest: the wait is over. */
static void on_flush_due(void *owner)
{
    (void)owner;
}

static void on_tick(void *owner)
{
    struct odds_service *s = owner;
    if (s->queue == SLOT_NONE && flush_pace_wait_us(&s->pace, loop_now(s->loop).us) == 0)
        metrics_set(&s->stats.flush_interval,
                    0); /* the load is over, and no flush came to say so */
    clients_tick(s);
    succession_tick(s);
    channel_tidy(s);
    loop_timer_set(s->loop, &s->tick,
                   (struct monotonic){loop_now(s->loop).us + TICK_MS * US_PER_MS});
}

int odds_service_new(const struct odds_service_options *options, struct loop *loop,
                     struct odds_store *store, struct odds_service **ret_service)
{
    if (!limits_are_possible(&options->limits))
        return -ERR_LIMIT;
    struct odds_service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ERR_MEMORY;
    s->options = *options;
    s->loop = loop;
    s->store = store;
    s->queue = s->turn_queue = s->idle_first = s->idle_last = s->lag_first = s->sse_first =
        SLOT_NONE;
    s->ended_turn = UINT64_MAX;
    metrics_histogram_init(&s->stats.push_latency, metrics_bounds_us, METRICS_BOUNDS_US_COUNT);
    make_sid(s);
    flush_pace_init(&s->pace, options->flush_us_max);
    timer_init(&s->flush_timer, on_flush_due, s);
    timer_init(&s->tick, on_tick, s);
    int result = init_index(s);
    result = result < 0 ? result : init_pools(s);
    result = result < 0 ? result : init_scratch(s);
    result = result < 0 ? result : loop_at_turn_end(loop, LOOP_STAGE_WORK, fanout_turn, s);
    result = result < 0 ? result : loop_at_turn_end(loop, LOOP_STAGE_CLOSE, fanout_turn_over, s);
    if (result < 0) {
        odds_service_free(s);
        return result;
    }
    loop_timer_set(loop, &s->tick, (struct monotonic){loop_now(loop).us + TICK_MS * US_PER_MS});
    *ret_service = s;
    return 0;
}

void odds_service_free(struct odds_service *s)
{
    if (s == NULL)
        return;
    loop_remove_hook(s->loop, fanout_turn, s);
    loop_remove_hook(s->loop, fanout_turn_over, s);
    loop_timer_cancel(s->loop, &s->tick);
    loop_timer_cancel(s->loop, &s->flush_timer);
    reads_done(s);
    channels_done(s);
    market_index_done(&s->index);
    follow_debts_done(&s->debts);
    table_free(s->users_by_key);
    struct slot_pool *pools[] = {&s->channels_pool,   &s->subscriptions_pool, &s->clients_pool,
                                 &s->identities_pool, &s->users_pool,         &s->flights_pool,
                                 &s->waits_pool};
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++)
        slot_pool_done(pools[i]);
    void *arrays[] = {s->channels, s->subscriptions, s->clients, s->identities,
                      s->users,    s->flights,       s->text,    s->out,
                      s->markets,  s->input,         s->cbor.at, s->waits};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(s);
}

void odds_service_attach(struct odds_service *s, const struct odds_sources *sources)
{
    s->sources = *sources;
    s->attached = true;
    odds_show_store(s);
}

void odds_service_hold(struct odds_service *s, bool held)
{
    s->held = held;
}

const struct odds_service_stats *odds_service_stats(const struct odds_service *s)
{
    return &s->stats;
}

/* ---- routes ---- */

static bool wants_events(const struct http_request *request)
{
    struct slice accept = http_request_header(request, "accept");
    for (size_t at = 0; at + 17 <= accept.bytes; at++)
        if (memcmp(accept.at + at, "text/event-stream", 17) == 0)
            return true;
    return false;
}

static void refuse_held(struct odds_service *s, const struct http_request *request)
{
    metrics_count(&s->stats.held, 1);
    http_reply_problem_with(request->reply_to, 503, "CATCHING_UP", SLICE_NONE, HTTP_RETRY_SOON);
}

static void serve_stream(struct odds_service *s, struct http_request *request,
                         const struct jwt_claims *claims)
{
    if (request->method != HTTP_GET)
        http_reply_not_allowed(request->reply_to, "GET");
    else if (s->leaving) /* its numbers were handed over already, or are about to be */
        http_reply_problem_with(request->reply_to, 503, "RESTARTING", SLICE_NONE, HTTP_RETRY_SOON);
    else if (s->held)
        refuse_held(s, request);
    else if (http_upgrade_is_asked(request))
        websocket_begin(s, request, claims);
    else if (wants_events(request))
        event_stream_begin(s, request, claims);
    else
        http_reply_problem_with(request->reply_to, 426, "UPGRADE_REQUIRED", SLICE_NONE,
                                SLICE("Upgrade: websocket\r\n"));
}

bool odds_service_handle(struct odds_service *s, struct http_request *request,
                         const struct jwt_claims *claims)
{
    static const struct {
        struct slice path;
        void (*serve)(struct odds_service *s, struct http_request *request);
    } reads[] = {{{"/v1/odds", 8}, reads_batch}, {{"/v1/events", 10}, reads_events}};
    struct slice one = SLICE("/v1/odds/"), path = request->path;
    if (slice_is(path, "/v1/stream")) {
        serve_stream(s, request, claims);
        return true;
    }
    bool is_one = slice_begins(path, one) && path.bytes > one.bytes;
    size_t i = 0;
    while (i < sizeof reads / sizeof *reads && !slice_equal(path, reads[i].path))
        i++;
    bool is_read = i < sizeof reads / sizeof *reads;
    if (!is_one && !is_read)
        return false;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        http_reply_not_allowed(request->reply_to, "GET, HEAD");
    else if (s->held)
        refuse_held(s, request);
    else if (is_one)
        reads_market(s, request, slice_skip(path, one.bytes));
    else
        reads[i].serve(s, request);
    return true;
}

/* ---- what is counted ---- */

static int register_limits(struct odds_service *s, struct metrics *metrics)
{
#define ODDS_LIMIT_LABEL(name, value) "limit=\"odds_" #name "\"",
    static const char *const labels[] = {ODDS_LIMIT_LIST(ODDS_LIMIT_LABEL)};
#undef ODDS_LIMIT_LABEL
    for (size_t i = 0; i < ODDS_LIMITS_COUNT; i++)
        TRY(metrics_add_counter(metrics,
                                (struct metrics_name){"overround_limit_reached_total",
                                                      "How often a limit was reached", labels[i],
                                                      0},
                                &s->stats.limit_reached[i]));
    return 0;
}

static int register_counters(struct odds_service *s, struct metrics *metrics)
{
    const struct metrics_row counters[] = {
        {{"overround_push_deliveries_total", "Market messages handed to clients", NULL, 0},
         &s->stats.deliveries.value},
        {{"overround_push_conflated_total", "Market messages that a newer image stood in for", NULL,
          0},
         &s->stats.conflated.value},
        {{"overround_push_skipped_total", "skipped frames", NULL, 0}, &s->stats.skipped.value},
        {{"overround_push_images_total", "Full images behind skipped frames", NULL, 0},
         &s->stats.images.value},
        {{"overround_push_snapshots_total", "Snapshot frames", NULL, 0}, &s->stats.snapshots.value},
        {{"overround_push_resumes_total", "Resumes served without a whole snapshot", NULL, 0},
         &s->stats.resumes.value},
        {{"overround_push_versions_dropped_total", "Versions that were not newer (P1)", NULL, 0},
         &s->stats.versions_dropped.value},
        {{"overround_push_own_total", "Own bets and balances pushed", NULL, 0},
         &s->stats.own.value},
        {{"overround_push_bets_total", "Bets taken over WebSocket", NULL, 0}, &s->stats.bets.value},
        {{"overround_odds_held_total", "Reads and streams refused until prices are level", NULL, 0},
         &s->stats.held.value},
        {{"overround_push_errors_total", "Error frames", NULL, 0}, &s->stats.errors.value},
        {{"overround_push_lag_closed_total", "Clients closed for lagging", NULL, 0},
         &s->stats.lag_closed.value},
        {{"overround_push_flushes_total", "Flushes of price changes to all who follow them", NULL,
          0},
         &s->stats.flushes.value},
        {{"overround_push_flushes_put_off_total", "Turns whose price changes waited for a flush",
          NULL, 0},
         &s->stats.flushes_put_off.value},
        {{"overround_odds_store_hits_total", "Reads that found the market", NULL, 0},
         &s->stats.store_hits.value},
        {{"overround_odds_store_misses_total", "Reads that did not", NULL, 0},
         &s->stats.store_misses.value},
    };
    return metrics_add_counters(metrics, counters, sizeof counters / sizeof *counters);
}

static int register_gauges(struct odds_service *s, struct metrics *metrics)
{
    const struct metrics_gauge_row gauges[] = {
        {{"overround_push_websockets", "Open WebSockets", NULL, 0}, &s->stats.websockets},
        {{"overround_push_event_streams", "Open event streams", NULL, 0}, &s->stats.event_streams},
        {{"overround_push_subscriptions", "Channels followed, over all clients", NULL, 0},
         &s->stats.subscriptions},
        {{"overround_push_channels", "Channels that are kept", NULL, 0}, &s->stats.channels},
        {{"overround_push_lagging", "Clients that lag", NULL, 0}, &s->stats.lagging},
        {{"overround_push_late", "Clients told the newest at intervals, as they were late", NULL,
          0},
         &s->stats.late},
        {{"overround_push_markets", "Markets shown", NULL, 0}, &s->stats.markets},
        {{"overround_push_dirty_markets", "Markets owed to lagging clients", NULL, 0},
         &s->stats.dirty},
        {{"overround_push_image_bytes", "Pre-encoded markets", NULL, 0}, &s->stats.image_bytes},
        {{"overround_long_polls", "Reads that wait for a change", NULL, 0}, &s->stats.long_polls},
        {{"overround_push_history_bytes", "Messages kept for resumes", NULL, 0},
         &s->stats.history_bytes},
    };
    return metrics_add_gauges(metrics, gauges, sizeof gauges / sizeof *gauges);
}

int odds_service_metrics(struct odds_service *s, struct metrics *metrics)
{
    TRY(register_counters(s, metrics));
    TRY(register_gauges(s, metrics));
    TRY(register_limits(s, metrics));
    TRY(metrics_add_gauge_max(
        metrics,
        (struct metrics_name){"overround_push_flush_interval_seconds",
                              "How long price changes wait for one another now", NULL, 6},
        &s->stats.flush_interval));
    return metrics_add_histogram(metrics,
                                 (struct metrics_name){"overround_push_latency_seconds",
                                                       "Feed message received to queued for all "
                                                       "followers",
                                                       NULL, 6},
                                 &s->stats.push_latency);
}
