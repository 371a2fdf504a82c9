/* front_process.c - contract in front_process.h. */
#include "cli/node/front_process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/embedded/odds_store_memory.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/node/book_link.h"
#include "cli/node/descriptors.h"
#include "cli/node/front_prices.h"
#include "cli/node/local_keys.h"
#include "cli/node/net_metrics.h"
#include "cli/node/node_front.h"
#include "cli/node/plain_admin.h"
#include "crypto/random.h"
#include "net/stream/listener.h"
#include "roles/odds/own_crossing.h"

#define DRAIN_MS                10000
#define ADMIN_CONNECTIONS       64
#define FRONT_METRICS_ITEMS     (1024 + BET_SHARDS_PORTS_MAX * 16)
#define FRONT_METRICS_BYTES_MAX (512 * 1024)

/* The way to one shard's book. */
struct front_shard {
    struct front_process *process;
    struct shard_place place;
    struct book_link link;
};

struct front_process {
    const struct front_options *options;
    struct buf *why;
    struct loop *loop; /* owned, as all below */
    struct local_keys keys;
    struct node_listen listen;
    struct odds_store *store;
    struct own_presence *presence;
    struct front_shard shards[BET_SHARDS_PORTS_MAX];
    uint32_t shards_count;
    struct bet_shards_port books;
    struct front_prices prices;
    struct node_front front;
    bool front_open;
    struct plain_admin admin;
    struct node_addresses bound;
    unsigned signals, draining;
    struct metrics metrics;
    struct metrics_item metrics_items[FRONT_METRICS_ITEMS];
    struct metrics_gauge takes_bets_now;
    char out[FRONT_METRICS_BYTES_MAX];
};

/* ---- the end ---- */

static void on_drained(void *owner)
{
    struct front_process *process = owner;
    if (--process->draining == 0)
        loop_stop(process->loop);
}

static void on_signal(void *owner, int signal)
{
    struct front_process *process = owner;
    if (++process->signals > 1)
        _exit(128 + signal);
    log_info("front", "draining");
    process->draining = 2;
    node_front_drain(&process->front, DRAIN_MS, on_drained, process);
    http_server_drain(process->admin.server, DRAIN_MS, on_drained, process);
}

static void on_hangup(void *owner, int signal)
{
    struct front_process *process = owner;
    (void)signal;
    node_listen_reload(&process->listen);
}

/* ---- turns, and what the front and the link ask ---- */

static void on_turn_begin(void *owner)
{
    struct front_process *process = owner;
    for (uint32_t i = 0; i < process->shards_count; i++)
        book_link_turn_begin(&process->shards[i].link);
}

static void on_turn_end(void *owner)
{
    struct front_process *process = owner;
    for (uint32_t i = 0; i < process->shards_count; i++)
        book_link_turn_end(&process->shards[i].link);
}

/* How many shards' books take bets. */
static uint32_t taking_bets(const struct front_process *process)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < process->shards_count; i++)
        count += book_link_takes_bets(&process->shards[i].link);
    return count;
}

/* Whether customers should be sent here: what this process is for is there. */
static bool is_ready(void *owner)
{
    const struct front_process *process = owner;
    return (process->options->token == NULL || taking_bets(process) > 0) &&
           front_prices_is_ready(&process->prices);
}

static int64_t silence_us(void *owner, struct slice provider)
{
    return front_prices_silence_us(&((struct front_process *)owner)->prices, provider);
}

static void on_own(void *owner, struct slice user_id, const char *op, struct slice object)
{
    const struct front_shard *shard = owner;
    odds_service_push(shard->process->front.odds, user_id, op, object);
}

static bool is_of_shard(void *owner, struct slice user_id)
{
    const struct front_shard *shard = owner;
    return user_shard(user_id, shard->place.shards) == shard->place.shard;
}

/* What was said meanwhile did not come here: its users who may see own messages read the account
 * again. */
static void on_gap(void *owner)
{
    struct front_shard *shard = owner;
    if (shard->process->front_open)
        odds_service_renew_users(shard->process->front.odds, is_of_shard, shard);
}

static void on_users(void *owner, uint32_t cell, bool there)
{
    struct front_process *process = owner;
    for (uint32_t i = 0; i < process->shards_count; i++)
        book_link_users(&process->shards[i].link, cell, there);
}

/* ---- the admin listener ---- */

static bool is_ready_to_say_so(void *owner)
{
    return is_ready(owner) && ((const struct front_process *)owner)->signals == 0;
}

static void count(void *owner)
{
    struct front_process *process = owner;
    metrics_set(&process->takes_bets_now, taking_bets(process) > 0);
}

/* ---- opening ---- */

static enum node_end fail(struct front_process *process, const char *what, int error)
{
    if (process->why->bytes == 0)
        buf_printf(process->why, "%s: %s", what, error_text(error));
    return error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
}

static int open_begin(struct front_process *process)
{
    const struct node_options *node = &process->options->node;
    descriptors_raise();
    (void)signal(SIGPIPE, SIG_IGN);
    TRY(loop_new(&process->loop));
    TRY(loop_watch_signal(process->loop, SIGTERM, on_signal, process));
    TRY(loop_watch_signal(process->loop, SIGINT, on_signal, process));
    TRY(loop_watch_signal(process->loop, SIGHUP, on_hangup, process));
    TRY(node_listen_open(&process->listen, process->loop, &node->listen, process->why));
    if (mkdir(node->data, 0700) != 0 && errno != EEXIST) {
        buf_printf(process->why, "cannot make the folder %s", node->data);
        return -ERR_IO;
    }
    return local_keys_open(node->data, node->jwks, &process->keys, process->why);
}

static int open_shard(struct front_process *process, uint32_t i, const uint64_t hash_key[2])
{
    struct front_shard *shard = &process->shards[i];
    const struct front_book *book = &process->options->books[i];
    shard->process = process;
    shard->place = (struct shard_place){i, process->options->node.shard.shards};
    struct book_link_options link = {
        .place = shard->place,
        .address = {.count = book->count,
                    .tls = process->options->book_tls,
                    .token = process->options->token},
        .hash_key = {hash_key[0], hash_key[1]},
        .events = {shard, on_own, on_gap},
    };
    memcpy(link.address.of, book->addresses, sizeof link.address.of);
    process->books.of[i] = NULL;
    process->shards_count++; /* book_link_close() is due */
    TRY(book_link_open(&shard->link, process->loop, &link, process->why));
    process->books.of[i] = book_link_port(&shard->link);
    return 0;
}

/* Without a token there is no book: the links then answer everything that it is away. */
static int open_shards(struct front_process *process, const uint64_t hash_key[2])
{
    uint32_t shards = process->options->node.shard.shards;
    bet_shards_port_init(&process->books, shards);
    for (uint32_t i = 0; i < shards; i++)
        TRY(open_shard(process, i, hash_key));
    return 0;
}

/* Our hook comes before the front's: questions go before the fan-out. */
static int open_links(struct front_process *process)
{
    uint64_t hash_key[2];
    random_fill(hash_key, sizeof hash_key);
    TRY(odds_store_memory_new((uint32_t)process->options->node.markets_max, hash_key,
                              &process->store));
    TRY(own_presence_new(hash_key, &process->presence));
    loop_at_turn_begin(process->loop, on_turn_begin, process);
    TRY(loop_at_turn_end(process->loop, LOOP_STAGE_WORK, on_turn_end, process));
    TRY(open_shards(process, hash_key));
    own_presence_watch(process->presence, on_users, process);
    const struct front_prices_parts prices = {process->loop, process->store,
                                              (uint32_t)process->options->node.markets_max};
    return front_prices_open(&process->prices, &process->options->node.odds_store, &prices,
                             process->why);
}

static int open_front(struct front_process *process)
{
    TRY(node_front_open(&process->front, &(struct node_front_parts){
                                             .options = &process->options->node,
                                             .loop = process->loop,
                                             .store = process->store,
                                             .presence = process->presence,
                                             .bets = &process->books.port,
                                             .rules = &process->keys.rules,
                                             .takes_bets = is_ready,
                                             .silence_us = silence_us,
                                             .owner = process,
                                             .share = 1,
                                         }));
    process->front_open = true;
    node_front_attach(&process->front);
    front_prices_attach(&process->prices, process->front.odds);
    return 0;
}

static int open_metrics(struct front_process *process)
{
    struct metrics *metrics = &process->metrics;
    metrics_init(metrics, process->metrics_items, FRONT_METRICS_ITEMS);
    TRY(metrics_add_refresh(metrics, count, process));
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_front_takes_bets",
                                                "1: the book of a shard is there and takes bets",
                                                NULL, 0},
                          &process->takes_bets_now));
    TRY(net_metrics_register(metrics, process->admin.server, true));
    TRY(node_listen_register_metrics(&process->listen, metrics));
    TRY(front_prices_register_metrics(&process->prices, metrics));
    TRY(node_front_register_metrics(&process->front, metrics));
    for (uint32_t i = 0; i < process->shards_count; i++) {
        TRY(book_link_register_metrics(&process->shards[i].link, metrics));
        metrics_begin_part(metrics);
    }
    return 0;
}

static int listen_public(struct front_process *process)
{
    const struct node_options *node = &process->options->node;
    struct node_front_listening listening = {
        .options = &node->listen,
        .plain = node->public_address,
        .tls = node->listen.tls_address,
        .tls_server = process->listen.tls[NODE_TLS_PUBLIC].server,
    };
    const struct net_address *refused;
    int error = node_front_listen(&process->front, &listening, &refused);
    if (error < 0) {
        buf_put_text(process->why, "cannot listen at ");
        net_address_write(process->why, refused);
        return error;
    }
    process->bound = (struct node_addresses){.plain = listening.plain,
                                             .tls = listening.tls,
                                             .has_plain = node->listen.plain,
                                             .has_tls = node->listen.tls};
    return 0;
}

static int listen_admin(struct front_process *process)
{
    struct tls_server *tls = process->listen.tls[NODE_TLS_ADMIN].server;
    process->admin =
        (struct plain_admin){.metrics = &process->metrics,
                             .out = buf_over(process->out, sizeof process->out),
                             .is_ready = is_ready_to_say_so,
                             .owner = process,
                             .not_ready = "The book, or the odds store, is not there now.",
                             .not_here = "The book's process has the rest of the admin listener."};
    TRY(plain_admin_open(&process->admin, process->loop, ADMIN_CONNECTIONS));
    TRY(open_metrics(process));
    process->bound.admin_is_tls = tls != NULL;
    return plain_admin_listen(&process->admin, &process->options->node.admin_address, tls,
                              &process->bound.admin, process->why);
}

static void close_all(struct front_process *process)
{
    if (process->loop == NULL)
        return;
    loop_at_turn_begin(process->loop, NULL, NULL);
    for (uint32_t i = 0; i < process->shards_count; i++)
        if (process->shards[i].link.loop != NULL)
            book_link_end(&process->shards[i].link); /* what is under way is answered */
    front_prices_close(&process->prices);
    node_front_close(&process->front);
    plain_admin_close(&process->admin);
    loop_remove_hook(process->loop, on_turn_end, process);
    for (uint32_t i = 0; i < process->shards_count; i++)
        book_link_close(&process->shards[i].link);
    own_presence_free(process->presence);
    if (process->store != NULL)
        process->store->ops->free(process->store);
    node_listen_close(&process->listen);
    local_keys_close(&process->keys);
    loop_free(process->loop);
}

static enum node_end serve(struct front_process *process, node_ready_fn ready)
{
    int error = open_begin(process);
    if (error == 0)
        error = open_links(process);
    if (error == 0)
        error = open_front(process);
    if (error == 0)
        error = listen_public(process);
    if (error == 0)
        error = listen_admin(process);
    if (error < 0)
        return fail(process, "the front cannot begin", error);
    ready(&process->bound);
    error = loop_run(process->loop);
    return error < 0 ? fail(process, "the loop ended", error) : NODE_ENDED;
}

enum node_end front_process_run(const struct front_options *options, node_ready_fn ready,
                                struct buf *why)
{
    static struct front_process process; /* one a process; too large for the stack */
    process = (struct front_process){.options = options, .why = why, .keys = {.folder = -1}};
    enum node_end end = serve(&process, ready);
    close_all(&process);
    return end;
}
