/* consumer_node.c - contract in consumer_node.h. */
#include "cli/consumer_node.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/book/book_pages.h"
#include "adapters/curl/curl_client.h"
#include "adapters/embedded/bookmark_file.h"
#include "adapters/kafka/kafka_reader.h"
#include "app/log_reader.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/consumer_runner.h"
#include "cli/descriptors.h"
#include "cli/totals_files.h"
#include "net/http/http_reply.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"

#define TICK_US           (US_PER_SECOND / 5)
#define METRICS_MAX       64
#define METRICS_BYTES_MAX (64 * 1024)
#define CONNECTIONS_MAX   1024
#define PATH_BYTES_MAX    512
#define LOG_REST_MS       100 /* between two questions whether there is more */
#define TOPIC             TOPIC_BET_EVENTS
#define LABELS            "topic=\"" TOPIC "\""
#define NO_STORE          SLICE("Cache-Control: no-store\r\n")

struct consumer_node {
    const struct consumer_node_options *options;
    struct buf *why;
    consumer_ready_fn ready;
    enum node_end end;
    struct loop *loop; /* owned, as all below */
    struct node_listen listen;
    struct http_server *server;
    struct timer tick;
    struct notifier *notifier;   /* of one role, and */
    struct totals_files *totals; /* of the other */
    struct disk *places;         /* of bookmarks; NULL: a Kafka has them */
    struct event_reader *reader;
    struct consumer_runner runner;
    char totals_path[PATH_BYTES_MAX];
    struct metrics metrics;
    struct metrics_item items[METRICS_MAX];
    char out[METRICS_BYTES_MAX];
};

/* ---- what it answers ---- */

static void serve_metrics(struct consumer_node *node, struct http_request *request)
{
    struct buf out = buf_over(node->out, sizeof node->out);
    metrics_write(&node->metrics, &out);
    if (out.overflow)
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    else
        http_reply(request->reply_to, 200, SLICE("text/plain; version=0.0.4; charset=utf-8"),
                   NO_STORE, buf_slice(&out));
}

static void serve_health(struct consumer_node *node, struct http_request *request)
{
    (void)node;
    http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ok\n"));
}

static void serve_ready(struct consumer_node *node, struct http_request *request)
{
    if (consumer_runner_is_ready(&node->runner))
        http_reply(request->reply_to, 200, SLICE("text/plain"), NO_STORE, SLICE("ready\n"));
    else
        http_reply_problem_with(request->reply_to, 503, "NOT_READY",
                                SLICE("The stream is waited for."), SLICE("Retry-After: 1\r\n"));
}

static void on_request(void *owner, struct http_request *request)
{
    static const struct {
        const char *path;
        void (*serve)(struct consumer_node *node, struct http_request *request);
    } routes[] = {
        {"/metrics", serve_metrics}, {"/healthz", serve_health}, {"/readyz", serve_ready}};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_is(request->path, routes[i].path))
            continue;
        if (request->method == HTTP_GET)
            routes[i].serve(owner, request);
        else
            http_reply_not_allowed(request->reply_to, "GET");
        return;
    }
    http_reply_problem(request->reply_to, 404, "NOT_FOUND",
                       SLICE("This process follows a stream and answers nothing else."));
}

/* ---- the stream, and what is made of it ---- */

static const char *group_of(const struct consumer_node_options *options)
{
    return options->group != NULL               ? options->group
           : options->role == CONSUMER_NOTIFIES ? "overround-notification"
                                                : "overround-analytics";
}

static int open_kafka(struct consumer_node *node)
{
    const struct consumer_node_options *options = node->options;
    const struct kafka_reader_options reader = {
        .kafka = {.url = options->streams.url, .config = options->streams.config},
        .topic = TOPIC,
        .group = group_of(options),
        .session_ms = options->session_ms};
    return kafka_reader_new(&reader, &node->reader, node->why);
}

static void rest(void *owner, int ms)
{
    const struct timespec slice = {ms / 1000, ms % 1000 * 1000000L};
    (void)owner;
    (void)nanosleep(&slice, NULL);
}

/* The logs of the book itself, by a bookmark in the data folder that members share. */
static int open_log(struct consumer_node *node)
{
    const struct consumer_node_options *options = node->options;
    const struct book_pages_options book = {
        .url = options->book, .topic = TOPIC, .group = group_of(options), .token = options->token};
    struct log_reader_ports ports = {.rest = rest, .rest_ms = LOG_REST_MS};
    struct web_client *client = NULL;
    char memory[2 * EVENT_GROUP_BYTES_MAX];
    struct buf name = buf_over(memory, sizeof memory);
    buf_printf(&name, "%s." TOPIC, group_of(options));
    TRY(disk_open_directory(options->data, &node->places));
    TRY(bookmark_file_new(node->places, buf_slice(&name), &ports.bookmark, node->why));
    int error = curl_client_new(options->ca, &client, node->why);
    if (error == 0)
        error = book_pages_new(&book, client, &ports.pages, node->why);
    if (error < 0) {
        ports.bookmark->ops->free(ports.bookmark);
        return error;
    }
    return log_reader_new(&ports, &node->reader);
}

static int open_totals(struct consumer_node *node)
{
    struct buf path = buf_over(node->totals_path, sizeof node->totals_path - 1);
    buf_printf(&path, "%s/totals", node->options->data);
    const char *folder = node->options->totals != NULL ? node->options->totals : node->totals_path;
    if (path.overflow)
        return -ERR_CONFIG;
    TRY(totals_files_new(folder, TOPIC, &node->totals, node->why));
    return totals_files_register_metrics(node->totals, &node->metrics);
}

static int open_notifier(struct consumer_node *node)
{
    TRY(notifier_new(&node->options->notifier, &node->notifier, node->why));
    return notifier_register_metrics(node->notifier, &node->metrics);
}

static int open_consumer(struct consumer_node *node)
{
    if ((node->options->streams.url == NULL) == (node->options->book == NULL)) {
        buf_put_text(node->why, "--streams kafka://HOST:PORT,... or --book HOST:PORT: one of them");
        return -ERR_CONFIG;
    }
    if (mkdir(node->options->data, 0700) != 0 && errno != EEXIST) {
        buf_printf(node->why, "cannot make the folder %s", node->options->data);
        return -ERR_CONFIG;
    }
    bool notifies = node->options->role == CONSUMER_NOTIFIES;
    TRY(notifies ? open_notifier(node) : open_totals(node));
    TRY(node->options->book == NULL ? open_kafka(node) : open_log(node));
    TRY(consumer_runner_register_metrics(&node->runner, LABELS, &node->metrics));
    return consumer_runner_start(&node->runner, node->reader,
                                 notifies ? notifier_sink(node->notifier)
                                          : totals_files_sink(node->totals));
}

/* ---- life ---- */

static void end_with(struct consumer_node *node, enum node_end end)
{
    node->end = end;
    loop_stop(node->loop);
}

static void on_tick(void *owner)
{
    struct consumer_node *node = owner;
    int error = consumer_runner_error(&node->runner);
    if (error < 0) {
        const char *problem = node->reader->ops->problem(node->reader);
        buf_printf(node->why, "the stream is followed no more: %s%s%s", error_text(error),
                   problem[0] == '\0' ? "" : ": ", problem);
        end_with(node, error == -ERR_CORRUPT  ? NODE_DAMAGED
                       : error == -ERR_CONFIG ? NODE_CONFIG
                                              : NODE_FAILED);
    }
    loop_timer_set(node->loop, &node->tick, (struct monotonic){loop_now(node->loop).us + TICK_US});
}

static void on_signal(void *owner, int signal)
{
    (void)signal;
    log_info("consumer", "ends: what was taken is settled first");
    end_with(owner, NODE_ENDED);
}

static void on_hangup(void *owner, int signal)
{
    (void)signal;
    node_listen_reload(&((struct consumer_node *)owner)->listen);
}

static int listen_admin(struct consumer_node *node)
{
    struct net_limits limits = net_limits_default();
    const struct http_handlers handlers = {.owner = node, .on_request = on_request};
    const struct http_listening how = {.address = node->options->admin_address,
                                       .tls = node->listen.tls[NODE_TLS_ADMIN].server};
    struct node_addresses bound = {.admin_is_tls = how.tls != NULL};
    limits.connections_max = CONNECTIONS_MAX;
    TRY(http_server_new(node->loop, &limits, &node->server));
    int error = http_server_listen_as(node->server, &how, &handlers, &bound.admin);
    if (error < 0) {
        buf_put_text(node->why, "cannot listen at ");
        net_address_write(node->why, &how.address);
        return error;
    }
    node->ready(&bound);
    return 0;
}

static int begin(struct consumer_node *node)
{
    descriptors_raise();
    (void)signal(SIGPIPE, SIG_IGN);
    metrics_init(&node->metrics, node->items, METRICS_MAX);
    TRY(loop_new(&node->loop));
    TRY(loop_watch_signal(node->loop, SIGTERM, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGINT, on_signal, node));
    TRY(loop_watch_signal(node->loop, SIGHUP, on_hangup, node));
    TRY(node_listen_open(&node->listen, node->loop, &node->options->listen, node->why));
    TRY(node_listen_register_metrics(&node->listen, &node->metrics));
    timer_init(&node->tick, on_tick, node);
    TRY(open_consumer(node));
    return listen_admin(node);
}

static void close_all(struct consumer_node *node)
{
    consumer_runner_stop(&node->runner);
    if (node->reader != NULL)
        node->reader->ops->free(node->reader);
    disk_free(node->places);
    notifier_free(node->notifier);
    totals_files_free(node->totals);
    if (node->loop == NULL)
        return;
    if (node->server != NULL)
        http_server_free(node->server);
    node_listen_close(&node->listen);
    loop_timer_cancel(node->loop, &node->tick);
    loop_free(node->loop);
}

enum node_end consumer_node_run(const struct consumer_node_options *options,
                                consumer_ready_fn ready, struct buf *why)
{
    static struct consumer_node node; /* one a process; too large for the stack */
    node = (struct consumer_node){.options = options, .why = why, .ready = ready};
    int error = begin(&node);
    if (error == 0) {
        on_tick(&node);
        error = loop_run(node.loop);
    }
    if (error < 0 && why->bytes == 0)
        buf_printf(why, "the consumer cannot run: %s", error_text(error));
    if (error < 0)
        node.end = error == -ERR_CONFIG ? NODE_CONFIG : NODE_FAILED;
    close_all(&node);
    return node.end;
}
