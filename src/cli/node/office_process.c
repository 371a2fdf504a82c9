/* office_process.c - contract in office_process.h. */
#include "cli/node/office_process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/node/descriptors.h"
#include "cli/node/local_keys.h"
#include "cli/node/net_metrics.h"
#include "cli/node/peer_link.h"
#include "crypto/token_cache.h"
#include "roles/backoffice/office.h"
#include "roles/backoffice/office_teller.h"

#define DRAIN_MS      10000
#define CONNECTIONS   256
#define TOKENS_CACHED 1024
#define METRICS_ITEMS 512

struct office_process {
    const struct office_options *options;
    struct buf *why;
    struct loop *loop; /* owned, as all below */
    struct local_keys keys;
    struct bearer bearer;
    struct node_listen listen;
    struct office_asker *asker;
    struct peer_link link;
    struct timer late_timer;
    struct office *office;
    struct http_server *server;
    struct node_addresses bound;
    unsigned signals;
    struct metrics metrics;
    struct metrics_item metrics_items[METRICS_ITEMS];
    struct metrics_gauge attached;
};

/* ---- the end ---- */

static void on_drained(void *owner)
{
    loop_stop(((struct office_process *)owner)->loop);
}

/* What is under way is answered first: the link is there until then. */
static void on_signal(void *owner, int signal)
{
    struct office_process *process = owner;
    if (++process->signals > 1)
        _exit(128 + signal);
    log_info("office", "draining");
    http_server_drain(process->server, DRAIN_MS, on_drained, process);
}

static void on_hangup(void *owner, int signal)
{
    struct office_process *process = owner;
    (void)signal;
    node_listen_reload(&process->listen);
}

/* ---- the link ---- */

static void on_attached(void *owner, const struct carrier *carrier)
{
    const struct office_process *process = owner;
    office_asker_attach(process->asker, carrier);
    log_info("office", "the desk is there");
}

static bool on_message(void *owner, struct slice bytes)
{
    const struct office_process *process = owner;
    office_asker_batch(process->asker, bytes);
    return office_asker_is_welcome(process->asker);
}

static void on_detached(void *owner, uint16_t code)
{
    const struct office_process *process = owner;
    log_warn("office", "the desk is gone", LOG_I64("code", code));
    office_asker_detached(process->asker);
}

static void on_refused(void *owner, int status)
{
    (void)owner;
    log_warn("office", "the desk is not there", LOG_I64("status", status));
}

/* ---- turns ---- */

static void on_late(void *owner)
{
    (void)owner; /* the turn that this timer makes is what was wanted */
}

static void on_turn_begin(void *owner)
{
    const struct office_process *process = owner;
    office_asker_turn_begin(process->asker, loop_now(process->loop));
}

static void on_turn_end(void *owner)
{
    struct office_process *process = owner;
    office_asker_turn_end(process->asker);
    metrics_set(&process->attached, office_asker_is_welcome(process->asker));
    int64_t due_us = office_asker_due_us(process->asker);
    if (due_us < 0)
        loop_timer_cancel(process->loop, &process->late_timer);
    else
        loop_timer_set(process->loop, &process->late_timer,
                       (struct monotonic){loop_now(process->loop).us + due_us});
}

/* ---- opening ---- */

static int open_keys(struct office_process *process)
{
    const struct office_options *options = process->options;
    if (mkdir(options->data, 0700) != 0 && errno != EEXIST) {
        buf_printf(process->why, "cannot make the folder %s", options->data);
        return -ERR_IO;
    }
    TRY(local_keys_open(options->data, options->jwks, &process->keys, process->why));
    process->bearer.rules = process->keys.rules;
    return token_cache_new(TOKENS_CACHED, &process->bearer.cache);
}

static int open_begin(struct office_process *process)
{
    descriptors_raise();
    (void)signal(SIGPIPE, SIG_IGN);
    TRY(loop_new(&process->loop));
    timer_init(&process->late_timer, on_late, process);
    TRY(loop_watch_signal(process->loop, SIGTERM, on_signal, process));
    TRY(loop_watch_signal(process->loop, SIGINT, on_signal, process));
    TRY(loop_watch_signal(process->loop, SIGHUP, on_hangup, process));
    TRY(node_listen_open(&process->listen, process->loop, &process->options->listen, process->why));
    return open_keys(process);
}

static int open_link(struct office_process *process)
{
    const struct office_options *options = process->options;
    const struct office_asker_options asker = {.places = OFFICE_PLACES_MAX,
                                               .bytes_max = OFFICE_BYTES_MAX,
                                               .answer_us_max = OFFICE_ANSWER_US_MAX};
    const struct peer_link_end end = {
        .target = SLICE("/v1/office-link"),
        .subprotocol = SLICE(OFFICE_SUBPROTOCOL),
        .message_bytes_max = OFFICE_ANSWER_BATCH_MAX,
        .owner = process,
        .attached = on_attached,
        .message = on_message,
        .detached = on_detached,
        .refused = on_refused,
    };
    struct peer_address address = {
        .count = options->desk.count, .tls = options->desk_tls, .token = options->token};
    memcpy(address.of, options->desk.addresses, sizeof address.of);
    TRY(office_asker_new(&asker, &process->asker));
    loop_at_turn_begin(process->loop, on_turn_begin, process);
    TRY(loop_at_turn_end(process->loop, LOOP_STAGE_WORK, on_turn_end, process));
    return peer_link_open(&process->link, process->loop, &address, &end, process->why);
}

static int open_office(struct office_process *process)
{
    struct net_limits limits = net_limits_default();
    const struct office_parts parts = {.loop = process->loop,
                                       .bearer = &process->bearer,
                                       .metrics = &process->metrics,
                                       .asker = process->asker};
    limits.connections_max = CONNECTIONS;
    TRY(office_new(&parts, &process->office));
    return http_server_new(process->loop, &limits, &process->server);
}

static int open_metrics(struct office_process *process)
{
    struct metrics *metrics = &process->metrics;
    metrics_init(metrics, process->metrics_items, METRICS_ITEMS);
    TRY(metrics_add_gauge(
        metrics,
        (struct metrics_name){"overround_office_attached", "1: the desk is there", NULL, 0},
        &process->attached));
    TRY(net_metrics_register(metrics, process->server, true));
    TRY(node_listen_register_metrics(&process->listen, metrics));
    TRY(office_asker_register_metrics(process->asker, metrics));
    return office_register_metrics(process->office, metrics);
}

static int listen_admin(struct office_process *process)
{
    const struct http_handlers handlers = office_handlers(process->office);
    const struct http_listening how = {.address = process->options->admin_address,
                                       .tls = process->listen.tls[NODE_TLS_ADMIN].server};
    process->bound.admin_is_tls = how.tls != NULL;
    int error = http_server_listen_as(process->server, &how, &handlers, &process->bound.admin);
    if (error < 0) {
        buf_put_text(process->why, "cannot listen at ");
        net_address_write(process->why, &how.address);
    }
    return error;
}

/* ---- life ---- */

static int open_all(struct office_process *process)
{
    TRY(open_begin(process));
    TRY(open_link(process));
    TRY(open_office(process));
    TRY(open_metrics(process));
    return listen_admin(process);
}

static void close_all(struct office_process *process)
{
    if (process->loop == NULL)
        return;
    loop_at_turn_begin(process->loop, NULL, NULL);
    peer_link_stop(&process->link); /* what is under way is answered */
    http_server_free(process->server);
    office_free(process->office);
    loop_remove_hook(process->loop, on_turn_end, process);
    loop_timer_cancel(process->loop, &process->late_timer);
    office_asker_free(process->asker);
    token_cache_free(process->bearer.cache);
    node_listen_close(&process->listen);
    local_keys_close(&process->keys);
    loop_free(process->loop);
}

static enum node_end fail(const struct office_process *process, int error)
{
    if (process->why->bytes == 0)
        buf_printf(process->why, "the back-office cannot run: %s", error_text(error));
    return error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
}

enum node_end office_process_run(const struct office_options *options, node_ready_fn ready,
                                 struct buf *why)
{
    static struct office_process process; /* one a process; too large for the stack */
    process = (struct office_process){.options = options, .why = why, .keys = {.folder = -1}};
    int error = open_all(&process);
    if (error == 0) {
        ready(&process.bound);
        error = loop_run(process.loop);
    }
    enum node_end end = error < 0 ? fail(&process, error) : NODE_ENDED;
    close_all(&process);
    return end;
}
