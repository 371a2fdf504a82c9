/* front_process.c - contract in front_process.h. */
#include "cli/front_process.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/embedded/odds_store_memory.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/book_link.h"
#include "cli/descriptors.h"
#include "cli/front_prices.h"
#include "cli/local_keys.h"
#include "cli/net_metrics.h"
#include "cli/node_front.h"
#include "crypto/random.h"
#include "net/http/http_reply.h"
#include "net/stream/listener.h"
#include "roles/odds/own_crossing.h"

#define DRAIN_MS                10000
#define ADMIN_CONNECTIONS       64
#define FRONT_METRICS_ITEMS     1024
#define FRONT_METRICS_BYTES_MAX (512 * 1024)
#define NO_STORE                SLICE("Cache-Control: no-store\r\n")

struct front_process {
    const struct front_options *options;
    struct buf *why;
    struct loop *loop; /* owned, as all below */
    struct local_keys keys;
    struct node_listen listen;
    struct odds_store *store;
    struct own_presence *presence;
    struct book_link link;
    struct front_prices prices;
    struct node_front front;
    bool front_open;
    struct http_server *admin;
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
    http_server_drain(process->admin, DRAIN_MS, on_drained, process);
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
    book_link_turn_begin(&((struct front_process *)owner)->link);
}

static void on_turn_end(void *owner)
{
    book_link_turn_end(&((struct front_process *)owner)->link);
}

static bool takes_bets(void *owner)
{
    return book_link_takes_bets(&((struct front_process *)owner)->link);
}

/* Whether customers should be sent here: what this process is for is there. */
static bool is_ready(void *owner)
{
    const struct front_process *process = owner;
    return (process->options->token == NULL || takes_bets(owner)) &&
           front_prices_is_ready(&process->prices);
}

static int64_t silence_us(void *owner, struct slice provider)
{
    return front_prices_silence_us(&((struct front_process *)owner)->prices, provider);
}

static void on_own(void *owner, struct slice user_id, const char *op, struct slice object)
{
    struct front_process *process = owner;
    odds_service_push(process->front.odds, user_id, op, object);
}

/* What was said meanwhile did not come here: who may see own messages reads the account again. */
static void on_gap(void *owner)
{
    struct front_process *process = owner;
    if (process->front_open)
        odds_service_renew_users(process->front.odds);
}

/* ---- the admin listener ---- */

static void serve_metrics(struct front_process *process, struct http_request *request)
{
    struct buf out = buf_over(process->out, sizeof process->out);
    metrics_set(&process->takes_bets_now, takes_bets(process));
    metrics_write(&process->metrics, &out);
    if (out.overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(&out));
}

static void serve_ready(struct front_process *process, struct http_request *request)
{
    if (is_ready(process) && process->signals == 0)
        http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ready\n"));
    else
        http_reply_problem_with(request->reply_to, 503, "NOT_READY",
                                SLICE("The book, or the odds store, is not there now."),
                                SLICE("Retry-After: 1\r\n"));
}

static void on_admin(void *owner, struct http_request *request)
{
    struct front_process *process = owner;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        http_reply_not_allowed(request->reply_to, "GET, HEAD");
    else if (slice_is(request->path, "/metrics"))
        serve_metrics(process, request);
    else if (slice_is(request->path, "/healthz"))
        http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
    else if (slice_is(request->path, "/readyz"))
        serve_ready(process, request);
    else
        http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                           SLICE("The book's process has the rest of the admin listener."));
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

/* Our hook comes before the front's: questions go before the fan-out. */
static int open_link(struct front_process *process)
{
    struct book_link_options link = {
        .address = process->options->book,
        .tls = process->options->book_tls,
        .token = process->options->token,
        .events = {process, on_own, on_gap},
    };
    random_fill(link.hash_key, sizeof link.hash_key);
    TRY(odds_store_memory_new((uint32_t)process->options->node.markets_max, link.hash_key,
                              &process->store));
    TRY(own_presence_new(link.hash_key, &process->presence));
    loop_at_turn_begin(process->loop, on_turn_begin, process);
    TRY(loop_at_turn_end(process->loop, LOOP_STAGE_WORK, on_turn_end, process));
    TRY(book_link_open(&process->link, process->loop, &link, process->why));
    own_presence_watch(process->presence, book_link_users, &process->link);
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
                                             .bets = book_link_port(&process->link),
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
    TRY(metrics_add_gauge(metrics,
                          (struct metrics_name){"overround_front_takes_bets",
                                                "1: the book is there and takes bets", NULL, 0},
                          &process->takes_bets_now));
    TRY(net_metrics_register(metrics, process->admin, true));
    TRY(node_listen_register_metrics(&process->listen, metrics));
    TRY(book_link_register_metrics(&process->link, metrics));
    TRY(front_prices_register_metrics(&process->prices, metrics));
    return node_front_register_metrics(&process->front, metrics);
}

static int refuse_address(struct front_process *process, const struct net_address *address,
                          int error)
{
    buf_put_text(process->why, "cannot listen at ");
    net_address_write(process->why, address);
    return error;
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
    if (error < 0)
        return refuse_address(process, refused, error);
    process->bound = (struct node_addresses){.plain = listening.plain,
                                             .tls = listening.tls,
                                             .has_plain = node->listen.plain,
                                             .has_tls = node->listen.tls};
    return 0;
}

static int listen_admin(struct front_process *process)
{
    struct net_limits limits = net_limits_default();
    const struct http_handlers handlers = {.owner = process, .on_request = on_admin};
    const struct http_listening admin = {.address = process->options->node.admin_address,
                                         .tls = process->listen.tls[NODE_TLS_ADMIN].server};
    limits.connections_max = ADMIN_CONNECTIONS;
    TRY(http_server_new(process->loop, &limits, &process->admin));
    TRY(open_metrics(process));
    int error = http_server_listen_as(process->admin, &admin, &handlers, &process->bound.admin);
    process->bound.admin_is_tls = admin.tls != NULL;
    return error < 0 ? refuse_address(process, &admin.address, error) : 0;
}

static void close_all(struct front_process *process)
{
    if (process->loop == NULL)
        return;
    loop_at_turn_begin(process->loop, NULL, NULL);
    if (process->link.loop != NULL)
        book_link_end(&process->link); /* what is under way is answered */
    front_prices_close(&process->prices);
    node_front_close(&process->front);
    http_server_free(process->admin);
    loop_remove_hook(process->loop, on_turn_end, process);
    book_link_close(&process->link);
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
        error = open_link(process);
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
