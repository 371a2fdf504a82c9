/* command_naive.c - `overround naive serve`: V0, the naive book (docs/NAIVE.md), with a public and
 * an admin listener as the book has them. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/node/descriptors.h"
#include "cli/node/local_keys.h"
#include "cli/node/net_metrics.h"
#include "naive/naive.h"

#define DRAIN_MS 2000

static const struct option_spec specs[] = {
    {"config", NULL},
    {"data", "data"},
    {"jwks", NULL},
    {"listen", "127.0.0.1:8080"},
    {"admin", "127.0.0.1:8081"},
    {"database", NULL},
    {"redis", "127.0.0.1:6379"},
    {"pool-connections", "20"},
    {"pool-wait-ms", "2000"},
    {"requests-max", "4096"},
    {"bets-per-minute", "10"},
    {"session-s", "43200"},
    {"currency", "GBP"},
    {"log-level", "info"},
};

struct naive_node {
    struct naive_options options;
    struct net_address public_address, admin_address;
    struct local_keys keys;
    struct loop *loop;
    struct naive *naive;
    struct http_server *public_server, *admin_server;
    int draining, signals;
};

/* ---- options ---- */

static int take_address(const struct options *options, const char *key, struct net_address *ret,
                        struct buf *why)
{
    if (net_address_parse(slice_text(options_text(options, key)), ret) == 0)
        return 0;
    buf_printf(why, "--%s is HOST:PORT, not: %s", key, options_text(options, key));
    return -ERR_CONFIG;
}

static int take_numbers(const struct options *options, struct naive_options *ret, struct buf *why)
{
    int64_t connections = 0;
    TRY(options_number(options, "pool-connections", (struct number_range){1, 128}, &connections,
                       why));
    ret->connections = (int)connections;
    TRY(options_number(options, "pool-wait-ms", (struct number_range){10, 600000},
                       &ret->wait_ms_max, why));
    TRY(options_number(options, "requests-max", (struct number_range){1, 100000},
                       &ret->requests_max, why));
    TRY(options_number(options, "bets-per-minute", (struct number_range){0, 1000000},
                       &ret->bets_per_minute, why));
    return options_number(options, "session-s", (struct number_range){1, 31536000}, &ret->session_s,
                          why);
}

static int take_texts(const struct options *options, struct naive_options *ret, struct buf *why)
{
    enum log_level level;
    const char *currency = options_text(options, "currency");
    if (!currency_parse(slice_text(currency), &ret->currency)) {
        buf_printf(why, "--currency is an ISO 4217 code, not: %s", currency);
        return -ERR_CONFIG;
    }
    if (!log_level_parse(slice_text(options_text(options, "log-level")), &level)) {
        buf_put_text(why, "--log-level is debug, info, warn or error");
        return -ERR_CONFIG;
    }
    log_set_level(level);
    ret->database = options_text(options, "database");
    if (ret->database == NULL) {
        buf_put_text(why, "--database is missing: postgresql://USER@HOST/NAME");
        return -ERR_CONFIG;
    }
    return 0;
}

static int take_options(const struct options *options, struct naive_node *node, struct buf *why)
{
    TRY(take_address(options, "listen", &node->public_address, why));
    TRY(take_address(options, "admin", &node->admin_address, why));
    TRY(take_address(options, "redis", &node->options.redis, why));
    TRY(take_texts(options, &node->options, why));
    return take_numbers(options, &node->options, why);
}

/* ---- life ---- */

static void on_drained(void *owner)
{
    struct naive_node *node = owner;
    if (--node->draining == 0)
        loop_stop(node->loop);
}

static void on_signal(void *owner, int signal)
{
    struct naive_node *node = owner;
    if (++node->signals > 1)
        _exit(128 + signal);
    node->draining = 2;
    http_server_drain(node->public_server, DRAIN_MS, on_drained, node);
    http_server_drain(node->admin_server, DRAIN_MS, on_drained, node);
}

static int open_keys(struct naive_node *node, const struct options *options, struct buf *why)
{
    const char *data = options_text(options, "data"), *jwks = options_text(options, "jwks");
    if (mkdir(data, 0700) < 0 && errno != EEXIST) {
        buf_printf(why, "cannot make the folder %s", data);
        return -ERR_IO;
    }
    TRY(local_keys_open(data, jwks, &node->keys, why));
    node->options.rules = node->keys.rules;
    node->options.kid = jwks == NULL ? SLICE(LOCAL_KEY_ID) : SLICE_NONE;
    return 0;
}

static int listen_on(struct http_server *server, const char *word, struct net_address *address,
                     const struct http_handlers *handlers, struct buf *why)
{
    char memory[NET_ADDRESS_TEXT_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    struct net_address bound;
    int error = http_server_listen(server, address, handlers, &bound);
    net_address_write(&text, error < 0 ? address : &bound);
    if (error < 0) {
        buf_printf(why, "cannot listen on %.*s", SLICE_ARG(buf_slice(&text)));
        return error;
    }
    (void)printf("%s http://%.*s\n", word, SLICE_ARG(buf_slice(&text)));
    (void)fflush(stdout);
    return 0;
}

static int open_node(struct naive_node *node, const struct options *options, struct buf *why)
{
    const struct net_limits limits = net_limits_default();
    TRY(open_keys(node, options, why));
    TRY(loop_new(&node->loop));
    TRY(loop_watch_signal(node->loop, SIGTERM, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGINT, on_signal, node));
    TRY(naive_new(node->loop, &node->options, &node->naive, why));
    TRY(http_server_new(node->loop, &limits, &node->public_server));
    TRY(http_server_new(node->loop, &limits, &node->admin_server));
    TRY(net_metrics_register(naive_metrics(node->naive), node->public_server, false));
    TRY(net_metrics_register(naive_metrics(node->naive), node->admin_server, true));
    const struct http_handlers open = naive_public_handlers(node->naive);
    const struct http_handlers admin = naive_admin_handlers(node->naive);
    TRY(listen_on(node->public_server, "ready", &node->public_address, &open, why));
    return listen_on(node->admin_server, "admin", &node->admin_address, &admin, why);
}

static void close_node(struct naive_node *node)
{
    if (node->naive != NULL)
        naive_end(node->naive);
    http_server_free(node->public_server);
    http_server_free(node->admin_server);
    naive_free(node->naive);
    loop_free(node->loop);
    local_keys_close(&node->keys);
}

static int serve(int argc, char *const *argv)
{
    static struct options options;
    static struct naive_node node;
    char memory[512];
    struct buf why = buf_over(memory, sizeof memory);
    const struct command_input input = {argc, argv, specs, sizeof specs / sizeof *specs, false};
    int code = command_options(&input, &options);
    if (code != 0)
        return code;
    if (take_options(&options, &node, &why) < 0)
        return command_fail(2, buf_slice(&why));
    descriptors_raise();
    node.keys.folder = -1;
    int error = open_node(&node, &options, &why);
    if (error == 0)
        error = loop_run(node.loop);
    close_node(&node);
    if (error == 0)
        return 0;
    return command_fail(1, why.bytes > 0 ? buf_slice(&why) : slice_text(error_text(error)));
}

int command_naive(int argc, char *const *argv)
{
    struct slice what = argc < 1 ? SLICE_NONE : slice_text(argv[0]);
    if (slice_is(what, "serve"))
        return serve(argc - 1, argv + 1);
    return command_fail(2, SLICE("naive serve --database URL --redis HOST:PORT ..."));
}
