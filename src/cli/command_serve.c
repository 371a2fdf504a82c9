/* command_serve.c - `overround serve` and `overround demo`: options to a node. */
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/consumers/projection_url.h"
#include "cli/consumers/projector_node.h"
#include "cli/ledger/ledger_database.h"
#include "cli/node/front_process.h"
#include "cli/node/heads_token.h"
#include "cli/node/node.h"
#include "cli/node/node_fronts.h"
#include "cli/node/office_process.h"
#include "cli/options/options_book.h"
#include "cli/options/options_consumer.h"
#include "cli/options/options_demo.h"
#include "cli/options/options_desk.h"
#include "cli/options/options_listen.h"
#include "cli/options/options_odds_store.h"
#include "cli/options/options_results.h"
#include "cli/options/options_roles.h"
#include "cli/options/options_segments.h"
#include "cli/options/options_shard.h"
#include "cli/options/options_streams.h"
#include "cli/options/options_trading.h"
#include "cli/options/options_uof.h"
#include "cli/standby/standby.h"
#include "net/stream/net_names.h"

/* One a line, so that those who add one do not meet. */
/* clang-format off */
#define SHARED_SPECS                                                                               \
    LISTEN_SPECS,                                                                                  \
    {"config", NULL},                                                                              \
    {"data", "data"},                                                                              \
    {"log-level", "info"},                                                                         \
    {"name-servers", NULL},                                                                        \
    {"jwks", NULL},                                                                                \
    {"bets-per-minute", NULL},                                                                     \
    {"address-requests", NULL},                                                                    \
    {"ws-deflate", "on"},                                                                          \
    {"flush-max-ms", "20"},                                                                        \
    {"silence-ms", "5000"},                                                                        \
    {"ping-ms", "20000"},                                                                          \
    {"pong-ms", "10000"},                                                                          \
    {"lag-ms", "20000"},                                                                           \
    {"accounts-max", "262144"},                                                                    \
    {"bets-max", "2097152"},                                                                       \
    {"verdicts-max", "4194304"},                                                                   \
    {"verdicts-filter-bytes", "67108864"},                                                         \
    {"markets-max", "65536"},                                                                      \
    {"head-interval-ms", "1000"},                                                                  \
    {"heads-on-demand", "20"},                                                                     \
    {"heads-file", NULL},                                                                          \
    {"heads-webhook", NULL},                                                                       \
    {"heads-webhook-ca", NULL},                                                                    \
    HEADS_TOKEN_SPECS,                                                                             \
    {"snapshots", "on"},                                                                           \
    {"snapshot-records", "1000000"},                                                               \
    {"snapshot-keep", "2"},                                                                        \
    {"start-check", "all"},                                                                        \
    {"log-second", NULL},                                                                          \
    {"stall-ms", NULL},                                                                            \
    {"reserve-bytes", "134217728"},                                                                \
    {"free-bytes-min", "67108864"},                                                                \
    {"ship", "off"},                                                                               \
    {"ship-timeout-ms", "2000"},                                                                   \
    {"ship-degrade", "stop"},                                                                      \
    STREAMS_SPECS,                                                                                 \
    UOF_SPECS,                                                                                     \
    RESULTS_SPECS,                                                                                 \
    SEGMENT_SPECS,                                                                                 \
    TRADING_SPECS

#define PRODUCTION_SPECS                                                                           \
    SHARD_SPECS,                                                                                   \
    DESK_SPECS,                                                                                    \
    {"roles", "all"},                                                                              \
    {"loops", "0"},                                                                                \
    {"profile", "demo"},                                                                           \
    {"check-geo", NULL},                                                                           \
    {"check-exclusion", NULL},                                                                     \
    {"check-identity", NULL},                                                                      \
    {"check-payments", NULL}

/* Engines that a book may stand on. */
#define ENGINE_SPECS                                                                               \
    ODDS_STORE_SPECS,                                                                              \
    {"ledger", "files"},                                                                           \
    {"projection", NULL}
/* clang-format on */

/* clang-format off */
static const struct option_spec serve_specs[] = {
    SHARED_SPECS,
    PROXY_SPECS,
    PRODUCTION_SPECS,
    ODDS_STORE_SPECS,
    SIMULATOR_SPECS,
    {"take-over", "no"},
    {"price-lag-ms", "250"}, /* of prices that are followed */
    {"ledger", "files"},
    {"projection", NULL},
    BOOK_SPECS, /* of a front in a process of its own, as the next */
    {"token", NULL},
    CONSUMER_SPECS, /* of one who follows a stream */
};
/* clang-format on */

/* clang-format off */
static const struct option_spec standby_specs[] = {
    SHARED_SPECS,
    PROXY_SPECS,
    PRODUCTION_SPECS,
    ODDS_STORE_SPECS,
    SIMULATOR_SPECS,
    {"price-lag-ms", "250"},
    {"primary", NULL},
    {"primary-ca", NULL},
    {"primary-name", NULL},
    {"primary-cert", NULL},
    {"primary-key", NULL},
    {"token", NULL},
};
/* clang-format on */

static const struct option_spec demo_specs[] = {
    SHARED_SPECS,
    ENGINE_SPECS,
    DEMO_SPECS,
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_address(const char *word, const struct net_address *address, bool tls)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    net_address_write(&text, address);
    (void)printf("%s%s://%.*s\n", word, tls ? "https" : "http", SLICE_ARG(buf_slice(&text)));
}

/* "ready" names the plain listener where there is one: it was first, and scripts look for it. */
static void say_ready(const struct node_addresses *bound)
{
    put_address("ready ", bound->has_plain ? &bound->plain : &bound->tls, !bound->has_plain);
    put_address("admin ", &bound->admin, bound->admin_is_tls);
    if (bound->has_tls)
        put_address("tls ", &bound->tls, true);
    (void)fflush(stdout);
}

static void say_demo(const struct node_addresses *bound)
{
    put_address("", &bound->plain, false); /* the URL first: it is what one opens */
    say_ready(bound);
}

/* ---- profiles ---- */

/* Requests that a profile allows: of a user a minute, of an address a second. */
static const struct {
    const char *name;
    enum node_profile profile;
    int64_t bets_per_minute, address_requests;
} profiles[] = {
    {"demo", PROFILE_DEMO, 240, 200},
    {"bench", PROFILE_BENCH, 0, 0},
    {"production", PROFILE_PRODUCTION, 20, 50},
};

static int take_profile(const char *name, struct node_options *node, struct buf *why)
{
    for (size_t i = 0; i < COUNT(profiles); i++) {
        if (!slice_is(slice_text(name), profiles[i].name))
            continue;
        node->profile = profiles[i].profile;
        node->bets_per_minute = profiles[i].bets_per_minute;
        node->address_requests = profiles[i].address_requests;
        return 0;
    }
    buf_printf(why, "--profile is demo, bench or production, not: %s", name);
    return -ERR_CONFIG;
}

/* No provider of an external check is built in yet, so the one choice that can be stated is that
 * the check is made elsewhere; what is not stated stops the start (DESIGN S1). */
static int check_production(const struct options *options, struct buf *why)
{
    static const char *const checks[] = {"check-geo", "check-exclusion", "check-identity",
                                         "check-payments"};
    for (size_t i = 0; i < COUNT(checks); i++) {
        const char *choice = options_text(options, checks[i]);
        if (choice != NULL && !slice_is(slice_text(choice), "elsewhere")) {
            buf_printf(why, "--%s can be: elsewhere; not: %s", checks[i], choice);
            return -ERR_CONFIG;
        }
        if (choice == NULL)
            buf_printf(why, "%s--%s",
                       why->bytes == 0 ? "profile production needs a choice for " : ", ",
                       checks[i]);
    }
    if (options_text(options, "jwks") == NULL)
        buf_printf(why, "%s--jwks",
                   why->bytes == 0 ? "profile production needs a choice for " : ", ");
    return why->bytes == 0 ? 0 : -ERR_CONFIG;
}

/* ---- options to node ---- */

static int take_log_level(const struct options *options, struct buf *why)
{
    enum log_level level;
    const char *text = options_text(options, "log-level");
    if (!log_level_parse(slice_text(text), &level)) {
        buf_printf(why, "--log-level is debug, info, warn or error, not: %s", text);
        return -ERR_CONFIG;
    }
    log_set_level(level);
    return 0;
}

static int take_name_servers(const struct options *options, struct buf *why)
{
    const char *text = options_text(options, "name-servers");
    if (text == NULL || net_names_ask(text) == 0)
        return 0;
    buf_printf(why, "--name-servers is ADDRESS[:PORT],... of name servers, not: %s", text);
    return -ERR_CONFIG;
}

static int take_rates(const struct options *options, struct node_options *node, struct buf *why)
{
    struct number_range range = {0, 1000000};
    if (options_text(options, "bets-per-minute") != NULL)
        TRY(options_number(options, "bets-per-minute", range, &node->bets_per_minute, why));
    if (options_text(options, "address-requests") != NULL)
        TRY(options_number(options, "address-requests", range, &node->address_requests, why));
    return 0;
}

/* How long the clients of a stream may be silent, and slow. */
static int take_patience(const struct options *options, struct node_options *node, struct buf *why)
{
    const struct number_range range = {50, 600000};
    TRY(options_number(options, "ping-ms", range, &node->ping_ms, why));
    TRY(options_number(options, "pong-ms", range, &node->pong_ms_max, why));
    return options_number(options, "lag-ms", range, &node->lag_ms_max, why);
}

static int take_limits(const struct options *options, struct node_options *node, struct buf *why)
{
    int64_t silence_ms = 0;
    TRY(options_number(options, "silence-ms", (struct number_range){100, 600000}, &silence_ms,
                       why));
    node->silence_us_max = silence_ms * 1000;
    int64_t flush_ms = 0;
    TRY(options_number(options, "flush-max-ms", (struct number_range){0, 1000}, &flush_ms, why));
    node->flush_us_max = flush_ms * 1000;
    TRY(take_patience(options, node, why));
    TRY(options_number(options, "accounts-max", (struct number_range){1, 100000000},
                       &node->accounts_max, why));
    TRY(options_number(options, "bets-max", (struct number_range){1, 1000000000}, &node->bets_max,
                       why));
    TRY(options_number(options, "verdicts-max", (struct number_range){256, 1000000000},
                       &node->verdicts_max, why));
    TRY(options_number(options, "verdicts-filter-bytes",
                       (struct number_range){64, INT64_C(1) << 40}, &node->verdicts_filter_bytes,
                       why));
    return options_number(options, "markets-max", (struct number_range){1, 10000000},
                          &node->markets_max, why);
}

static int take_heads(const struct options *options, struct node_options *node, struct buf *why)
{
    int64_t interval_ms = 0;
    TRY(heads_token_options(options, &node->heads_token, why));
    TRY(options_number(options, "heads-on-demand", (struct number_range){0, 1000},
                       &node->heads_on_demand, why));
    TRY(options_number(options, "head-interval-ms", (struct number_range){10, 3600000},
                       &interval_ms, why));
    node->head_interval_us = interval_ms * 1000;
    node->heads_file = options_text(options, "heads-file");
    node->heads_webhook = options_text(options, "heads-webhook");
    node->heads_webhook_ca = options_text(options, "heads-webhook-ca");
    return 0;
}

static int take_snapshots(const struct options *options, struct node_shadow_options *ret,
                          struct buf *why)
{
    TRY(options_switch(options, "snapshots", &ret->on, why));
    TRY(options_number(options, "snapshot-records", (struct number_range){1, 1000000000},
                       &ret->snapshot_records, why));
    return options_number(options, "snapshot-keep", (struct number_range){1, 32}, &ret->keep, why);
}

static int take_start_check(const struct options *options, bool *ret_newest, struct buf *why)
{
    const char *text = options_text(options, "start-check");
    *ret_newest = slice_is(slice_text(text), "newest");
    if (*ret_newest || slice_is(slice_text(text), "all"))
        return 0;
    buf_printf(why, "--start-check is all or newest, not: %s", text);
    return -ERR_CONFIG;
}

static int take_ship(const struct options *options, struct node_ship_options *ret, struct buf *why)
{
    struct slice mode = slice_text(options_text(options, "ship"));
    struct slice degrade = slice_text(options_text(options, "ship-degrade"));
    int64_t timeout_ms = 0;
    ret->mode = slice_is(mode, "sync")    ? SHIP_MODE_SYNC
                : slice_is(mode, "async") ? SHIP_MODE_ASYNC
                                          : SHIP_MODE_OFF;
    ret->degrade = slice_is(degrade, "async") ? SHIP_DEGRADE_ASYNC : SHIP_DEGRADE_STOP;
    if (ret->mode == SHIP_MODE_OFF && !slice_is(mode, "off")) {
        buf_printf(why, "--ship is off, async or sync, not: %.*s", SLICE_ARG(mode));
        return -ERR_CONFIG;
    }
    if (ret->degrade == SHIP_DEGRADE_STOP && !slice_is(degrade, "stop")) {
        buf_printf(why, "--ship-degrade is stop or async, not: %.*s", SLICE_ARG(degrade));
        return -ERR_CONFIG;
    }
    TRY(options_number(options, "ship-timeout-ms", (struct number_range){50, 600000}, &timeout_ms,
                       why));
    ret->timeout_us = timeout_ms * 1000;
    return 0;
}

/* Without a second directory a stall only refuses bets: there is no use in being quick. */
#define STALL_MS_TWO 2000
#define STALL_MS_ONE 5000

static int take_volumes(const struct options *options, struct node_volumes_options *ret,
                        struct buf *why)
{
    const struct number_range bytes = {0, INT64_C(1) << 50};
    int64_t stall_ms = 0;
    ret->second = options_text(options, "log-second");
    if (options_text(options, "stall-ms") != NULL)
        TRY(options_number(options, "stall-ms", (struct number_range){50, 3600000}, &stall_ms,
                           why));
    else
        stall_ms = ret->second != NULL ? STALL_MS_TWO : STALL_MS_ONE;
    ret->stall_us = stall_ms * 1000;
    TRY(options_number(options, "reserve-bytes", bytes, &ret->reserve_bytes, why));
    return options_number(options, "free-bytes-min", bytes, &ret->free_bytes_min, why);
}

static int take_shared(const struct options *options, struct node_options *node, struct buf *why)
{
    node->data = options_text(options, "data");
    node->jwks = options_text(options, "jwks");
    TRY(options_listen(options, &node->listen, &node->public_address, &node->admin_address, why));
    TRY(options_switch(options, "ws-deflate", &node->ws_deflate, why));
    TRY(take_log_level(options, why));
    TRY(take_name_servers(options, why));
    TRY(take_rates(options, node, why));
    TRY(options_trading(options, &node->trading, why));
    TRY(take_heads(options, node, why));
    TRY(take_volumes(options, &node->volumes, why));
    TRY(take_snapshots(options, &node->shadow, why));
    TRY(take_start_check(options, &node->start_check_newest, why));
    TRY(options_results(options, node, why));
    TRY(options_segments(options, node, why));
    TRY(take_ship(options, &node->ship, why));
    TRY(options_streams(options, &node->streams, why));
    TRY(options_uof(options, &node->uof, why));
    node->ledger = "files";
    node->shard = (struct shard_place){0, 1};
    return take_limits(options, node, why);
}

static int run(const struct node_options *node, node_ready_fn ready)
{
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    enum node_end end =
        node->leased ? node_run_leased(node, ready, &why) : node_run(node, ready, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

/* What a standby is for, a database has itself. */
static int take_ledger(const struct options *options, struct node_options *node, struct buf *why)
{
    node->ledger = options_text(options, "ledger");
    if (slice_is(slice_text(node->ledger), "files"))
        return 0;
    if (!ledger_database_is(node->ledger)) {
        buf_put_text(why, "--ledger is files, or a database: " LEDGER_DATABASE_URLS);
        return -ERR_CONFIG;
    }
    if (node->ship.mode == SHIP_MODE_OFF)
        return 0;
    buf_put_text(why, "--ship: a ledger in a database is shipped by the database, not by us");
    return -ERR_CONFIG;
}

static int take_projection(const struct options *options, struct node_options *node,
                           struct buf *why)
{
    node->projection = options_text(options, "projection");
    if (node->projection == NULL || projection_url_is(node->projection))
        return 0;
    buf_put_text(why, "--projection is the URL of a database: postgresql:// or dynamodb://");
    return -ERR_CONFIG;
}

static int take_serve(const struct options *options, struct node_options *node, struct buf *why)
{
    TRY(take_profile(options_text(options, "profile"), node, why));
    TRY(take_shared(options, node, why));
    TRY(options_number(options, "loops", (struct number_range){0, NODE_LOOPS_MAX}, &node->loops,
                       why));
    TRY(options_proxies(options, &node->listen, why));
    return node->profile == PROFILE_PRODUCTION ? check_production(options, why) : 0;
}

static int take_running(const struct options *options, struct node_options *node, struct buf *why)
{
    const char *text = options_text(options, "take-over");
    node->from_running = slice_is(slice_text(text), "yes");
    if (node->from_running || slice_is(slice_text(text), "no"))
        return 0;
    buf_printf(why, "--take-over is yes or no, not: %s", text);
    return -ERR_CONFIG;
}

/* ---- a front in a process of its own ---- */

static void say_front(const struct node_addresses *bound)
{
    put_address("front ", bound->has_plain ? &bound->plain : &bound->tls, !bound->has_plain);
    put_address("admin ", &bound->admin, bound->admin_is_tls);
    if (bound->has_tls)
        put_address("tls ", &bound->tls, true);
    (void)fflush(stdout);
}

static int take_book(const struct options *options, struct front_options *front, struct buf *token,
                     struct buf *why)
{
    TRY(options_book(options, front, why));
    TRY(command_read_token(options_text(options, "token"), token, why));
    front->token = token->at;
    return 0;
}

/* Prices, of who shows them, come from the odds store; bets go to the book. */
static int take_front(const struct options *options, uint32_t roles, struct front_options *front,
                      struct buf *token, struct buf *why)
{
    TRY(take_serve(options, &front->node, why));
    TRY(options_shard(options, &front->node, why));
    TRY(options_odds_store(options, &front->node.odds_store, why));
    if ((roles & ROLE_BIT(ROLE_GATEWAY)) != 0)
        TRY(take_book(options, front, token, why));
    else
        front->node.shard = (struct shard_place){0, 1}; /* it asks none */
    if ((roles & ROLE_BIT(ROLE_ODDS_SERVICE)) == 0 || front->node.odds_store.shared)
        return 0;
    buf_put_text(why, "--roles odds-service needs --odds-store: where the prices are");
    return -ERR_CONFIG;
}

static int serve_front(const struct options *options, uint32_t roles)
{
    static struct front_options front = {.node = {.profile = PROFILE_DEMO}};
    static char token_memory[FRONT_TOKEN_BYTES_MAX];
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    if (take_front(options, roles, &front, &token, &why) < 0)
        return command_fail(2, buf_slice(&why));
    enum node_end end = front_process_run(&front, say_front, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

/* ---- a back-office in a process of its own ---- */

static void say_office(const struct node_addresses *bound)
{
    put_address("back-office ", &bound->admin, bound->admin_is_tls);
    (void)fflush(stdout);
}

/* It asks one process, the one that has the desk. */
static int take_office(const struct options *options, struct office_options *office,
                       struct buf *token, struct buf *why)
{
    static struct front_options front = {.node = {.profile = PROFILE_DEMO}};
    TRY(take_profile(options_text(options, "profile"), &front.node, why));
    TRY(take_shared(options, &front.node, why));
    if (front.node.profile == PROFILE_PRODUCTION && front.node.jwks == NULL) {
        buf_put_text(why, "profile production needs a choice for --jwks");
        return -ERR_CONFIG;
    }
    TRY(take_book(options, &front, token, why));
    *office = (struct office_options){.data = front.node.data,
                                      .jwks = front.node.jwks,
                                      .admin_address = front.node.admin_address,
                                      .listen = front.node.listen,
                                      .desk = front.books[0],
                                      .desk_tls = front.book_tls,
                                      .token = front.token};
    return 0;
}

static int serve_office(const struct options *options)
{
    static struct office_options office;
    static char token_memory[FRONT_TOKEN_BYTES_MAX];
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    if (take_office(options, &office, &token, &why) < 0)
        return command_fail(2, buf_slice(&why));
    enum node_end end = office_process_run(&office, say_office, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

/* ---- a projector ---- */

static void say_projector(const struct node_addresses *bound)
{
    put_address("projector ", &bound->admin, bound->admin_is_tls);
    (void)fflush(stdout);
}

static int take_projector(const struct options *options, struct node_options *node, struct buf *why)
{
    TRY(take_profile(options_text(options, "profile"), node, why));
    TRY(take_shared(options, node, why));
    TRY(take_ledger(options, node, why));
    TRY(take_projection(options, node, why));
    return projector_node_sources(node->ledger, &node->projection, why);
}

static int serve_projector(const struct options *options)
{
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    struct node_options node = {.profile = PROFILE_DEMO};
    if (take_projector(options, &node, &why) < 0)
        return command_fail(2, buf_slice(&why));
    const struct projector_node_options projector = {.ledger = node.ledger,
                                                     .projection = node.projection,
                                                     .admin_address = node.admin_address,
                                                     .listen = node.listen,
                                                     .limits = node_shard_limits(&node)};
    enum node_end end = projector_node_run(&projector, say_projector, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

/* ---- one who follows a stream ---- */

static void say_consumer(const struct node_addresses *bound)
{
    put_address("consumer ", &bound->admin, bound->admin_is_tls);
    (void)fflush(stdout);
}

/* The book whose own log is followed, where there is no Kafka: one address. */
static int take_followed(const struct options *options, struct consumer_node_options *consumer,
                         struct buf *token, struct buf *why)
{
    static char url[NET_ADDRESS_TEXT_MAX + sizeof "https://"];
    struct buf text = buf_over(url, sizeof url - 1);
    struct net_address address;
    const char *book = options_text(options, "book");
    if (book == NULL)
        return 0;
    if (net_address_parse_peer(slice_text(book), &address) < 0) {
        buf_printf(why, "--book is HOST:PORT of the admin listener of one book's process, not: %s",
                   book);
        return -ERR_CONFIG;
    }
    consumer->ca = options_text(options, "book-ca");
    buf_put_text(&text, consumer->ca != NULL ? "https://" : "http://");
    net_address_write(&text, &address);
    url[text.bytes] = '\0';
    consumer->book = url;
    TRY(command_read_token(options_text(options, "token"), token, why));
    consumer->token = token->at;
    return 0;
}

static int serve_consumer(const struct options *options, enum consumer_role role)
{
    static char token_memory[FRONT_TOKEN_BYTES_MAX];
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    struct node_options node = {.profile = PROFILE_DEMO};
    struct consumer_node_options consumer = {.role = role};
    if (take_profile(options_text(options, "profile"), &node, &why) < 0 ||
        take_shared(options, &node, &why) < 0 || options_consumer(options, &consumer, &why) < 0 ||
        take_followed(options, &consumer, &token, &why) < 0)
        return command_fail(2, buf_slice(&why));
    consumer.streams = node.streams;
    consumer.admin_address = node.admin_address;
    consumer.listen = node.listen;
    enum node_end end = consumer_node_run(&consumer, say_consumer, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

/* ---- a node ---- */

static int take_engines(const struct options *options, struct node_options *node, struct buf *why)
{
    TRY(take_ledger(options, node, why));
    TRY(take_projection(options, node, why));
    return options_odds_store(options, &node->odds_store, why);
}

/* Which shard it is of, and what that with its roles asks for. */
static int take_process(const struct options *options, enum roles_process process,
                        struct node_options *node, struct buf *why)
{
    TRY(options_shard(options, node, why));
    TRY(options_desk(options, node, why));
    if (process == PROCESS_BET_SERVICE)
        TRY(options_bet_service_roles(options, node, why));
    if (process == PROCESS_DESK)
        TRY(options_desk_roles(options, node, why));
    return options_simulator(options, node, why);
}

static int take_node(const struct options *options, enum roles_process process,
                     struct node_options *node, struct buf *why)
{
    TRY(take_serve(options, node, why));
    TRY(take_engines(options, node, why));
    TRY(take_running(options, node, why));
    return take_process(options, process, node, why);
}

static int serve_node(const struct options *options, enum roles_process process)
{
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct node_options node = {.profile = PROFILE_DEMO};
    if (take_node(options, process, &node, &why) < 0)
        return command_fail(2, buf_slice(&why));
    return run(&node, say_ready);
}

static int serve_roles(const struct options *options, enum roles_process process, uint32_t roles)
{
    switch (process) {
    case PROCESS_BOOK:
    case PROCESS_BET_SERVICE:
    case PROCESS_DESK:
        return serve_node(options, process);
    case PROCESS_FRONT:
        return serve_front(options, roles);
    case PROCESS_OFFICE:
        return serve_office(options);
    case PROCESS_NOTIFIER:
        return serve_consumer(options, CONSUMER_NOTIFIES);
    case PROCESS_ANALYST:
        return serve_consumer(options, CONSUMER_COUNTS);
    case PROCESS_PROJECTOR:
        break;
    }
    return serve_projector(options);
}

int command_serve(int argc, char *const *argv)
{
    static struct options options;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    uint32_t roles = 0;
    enum roles_process process = PROCESS_BOOK;
    const struct command_input input = {argc, argv, serve_specs, COUNT(serve_specs), false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (roles_take(slice_text(options_text(&options, "roles")), &roles, &process, &why) < 0)
        return command_fail(2, buf_slice(&why));
    return serve_roles(&options, process, roles);
}

/* ---- a standby ---- */

static void say_standby(const struct node_addresses *bound)
{
    put_address("standby ", bound->has_plain ? &bound->plain : &bound->tls, !bound->has_plain);
    put_address("admin ", &bound->admin, bound->admin_is_tls);
    (void)fflush(stdout);
}

static int take_primary(const struct options *options, struct standby_options *standby,
                        struct buf *token, struct buf *why)
{
    const char *primary = options_text(options, "primary");
    if (primary == NULL || net_address_parse_peer(slice_text(primary), &standby->primary) < 0) {
        buf_printf(why, "--primary is HOST:PORT of the primary's admin listener, not: %s",
                   primary == NULL ? "(missing)" : primary);
        return -ERR_CONFIG;
    }
    standby->primary_tls =
        (struct tls_client_files){.ca = options_text(options, "primary-ca"),
                                  .server_name = options_text(options, "primary-name"),
                                  .certificates = options_text(options, "primary-cert"),
                                  .key = options_text(options, "primary-key"),
                                  .resume = true};
    TRY(command_read_token(options_text(options, "token"), token, why));
    standby->token = token->at;
    return 0;
}

int command_standby(int argc, char *const *argv)
{
    static struct options options;
    static struct standby_options standby = {.node = {.profile = PROFILE_DEMO}};
    static char token_memory[STANDBY_TOKEN_BYTES_MAX];
    char memory[1024];
    struct buf why = buf_over(memory, sizeof memory);
    struct buf token = buf_over(token_memory, sizeof token_memory);
    uint32_t roles = 0;
    enum roles_process process = PROCESS_BOOK;
    const struct command_input input = {argc, argv, standby_specs, COUNT(standby_specs), false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (roles_take(slice_text(options_text(&options, "roles")), &roles, &process, &why) < 0)
        return command_fail(2, buf_slice(&why));
    if (process != PROCESS_BOOK && process != PROCESS_BET_SERVICE && process != PROCESS_DESK)
        return command_fail(2, SLICE("--roles: a standby becomes a process that has a ledger"));
    if (take_serve(&options, &standby.node, &why) < 0 ||
        options_odds_store(&options, &standby.node.odds_store, &why) < 0 ||
        take_process(&options, process, &standby.node, &why) < 0 ||
        take_primary(&options, &standby, &token, &why) < 0)
        return command_fail(2, buf_slice(&why));
    enum node_end end = standby_run(&standby, say_standby, say_ready, &why);
    return end == NODE_ENDED ? 0 : command_fail((int)end, buf_slice(&why));
}

int command_demo(int argc, char *const *argv)
{
    static struct options options;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    struct node_options node = {.simulate = true, .demo = true};
    const struct command_input input = {argc, argv, demo_specs, COUNT(demo_specs), false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (take_profile("demo", &node, &why) < 0 || take_shared(&options, &node, &why) < 0 ||
        take_engines(&options, &node, &why) < 0 || options_demo(&options, &node, &why) < 0)
        return command_fail(2, buf_slice(&why));
    if (!node.listen.plain && !node.bettors_elsewhere)
        return command_fail(2, SLICE("--listen off: the simulated bettors connect without TLS"));
    return run(&node, say_demo);
}
