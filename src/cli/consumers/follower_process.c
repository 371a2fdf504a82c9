/* follower_process.c - contract in follower_process.h. */
#include "cli/consumers/follower_process.h"

#include <signal.h>

#include "base/error.h"
#include "cli/node/descriptors.h"
#include "cli/node/plain_admin.h"
#include "net/loop/loop.h"

#define TICK_US         (US_PER_SECOND / 5)
#define CONNECTIONS_MAX 1024

static struct follower_process {
    const struct follower_options *options;
    struct buf *why;
    enum node_end end;
    struct loop *loop; /* owned, as all below */
    struct node_listen listen;
    struct plain_admin admin;
    struct timer tick;
    struct metrics metrics;
} process; /* one a process */

static void end_with(enum node_end end)
{
    process.end = end;
    loop_stop(process.loop);
}

void follower_process_fail(int error)
{
    end_with(error == -ERR_CORRUPT  ? NODE_DAMAGED
             : error == -ERR_CONFIG ? NODE_CONFIG
                                    : NODE_FAILED);
}

static void on_tick(void *owner)
{
    const struct follower_work *work = &process.options->work;
    (void)owner;
    work->on_tick(work->owner);
    loop_timer_set(process.loop, &process.tick,
                   (struct monotonic){loop_now(process.loop).us + TICK_US});
}

static void on_signal(void *owner, int signal)
{
    (void)owner, (void)signal;
    end_with(NODE_ENDED);
}

static void on_hangup(void *owner, int signal)
{
    (void)owner, (void)signal;
    node_listen_reload(&process.listen);
}

static int begin(void)
{
    const struct follower_options *options = process.options;
    descriptors_raise();
    (void)signal(SIGPIPE, SIG_IGN);
    metrics_init(&process.metrics, options->items, options->items_max);
    TRY(loop_new(&process.loop));
    timer_init(&process.tick, on_tick, NULL);
    TRY(loop_watch_signal(process.loop, SIGTERM, on_signal, NULL));
    TRY(loop_watch_signal(process.loop, SIGINT, on_signal, NULL));
    TRY(loop_watch_signal(process.loop, SIGHUP, on_hangup, NULL));
    TRY(node_listen_open(&process.listen, process.loop, options->listen, process.why));
    TRY(node_listen_register_metrics(&process.listen, &process.metrics));
    return options->work.open == NULL ? 0
                                      : options->work.open(options->work.owner, &process.metrics);
}

static int listen_admin(struct node_addresses *ret_bound)
{
    const struct follower_options *options = process.options;
    struct tls_server *tls = process.listen.tls[NODE_TLS_ADMIN].server;
    process.admin = (struct plain_admin){.metrics = &process.metrics,
                                         .out = options->out,
                                         .is_ready = options->work.is_ready,
                                         .owner = options->work.owner,
                                         .not_ready = options->work.not_ready,
                                         .not_here = options->work.not_here};
    *ret_bound = (struct node_addresses){.admin_is_tls = tls != NULL};
    TRY(plain_admin_open(&process.admin, process.loop, CONNECTIONS_MAX));
    return plain_admin_listen(&process.admin, &options->admin_address, tls, &ret_bound->admin,
                              process.why);
}

static int run(follower_ready_fn ready)
{
    struct node_addresses bound;
    TRY(begin());
    TRY(listen_admin(&bound));
    ready(&bound);
    loop_timer_set(process.loop, &process.tick, loop_now(process.loop));
    return loop_run(process.loop);
}

static void close_all(void)
{
    process.options->work.close(process.options->work.owner);
    if (process.loop == NULL)
        return;
    plain_admin_close(&process.admin);
    node_listen_close(&process.listen);
    loop_timer_cancel(process.loop, &process.tick);
    loop_free(process.loop);
}

enum node_end follower_process_run(const struct follower_options *options, follower_ready_fn ready,
                                   struct buf *why)
{
    process = (struct follower_process){.options = options, .why = why};
    int error = run(ready);
    if (error < 0) {
        if (why->bytes == 0)
            buf_printf(why, "%s cannot run: %s", options->work.name, error_text(error));
        process.end = error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
    }
    close_all();
    return process.end;
}
