/* consumer_node.c - contract in consumer_node.h. */
#include "cli/consumers/consumer_node.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/book/book_pages.h"
#include "adapters/curl/curl_client.h"
#include "adapters/embedded/bookmark_file.h"
#include "adapters/kafka/kafka_reader.h"
#include "app/log_reader.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/consumers/consumer_runner.h"
#include "cli/consumers/totals_files.h"

#define METRICS_MAX       64
#define METRICS_BYTES_MAX (64 * 1024)
#define PATH_BYTES_MAX    512
#define LOG_REST_MS       100 /* between two questions whether there is more */
#define TOPIC             TOPIC_BET_EVENTS
#define LABELS            "topic=\"" TOPIC "\""

struct consumer_node {
    const struct consumer_node_options *options;
    struct buf *why;
    struct metrics *metrics;     /* borrowed */
    struct notifier *notifier;   /* of one role; owned, as all below */
    struct totals_files *totals; /* of the other */
    struct disk *places;         /* of bookmarks; NULL: a Kafka has them */
    struct event_reader *reader;
    struct consumer_runner runner;
    struct schema_watch schemas;
    char totals_path[PATH_BYTES_MAX];
    struct metrics_item items[METRICS_MAX];
    char out[METRICS_BYTES_MAX];
};

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
    return totals_files_register_metrics(node->totals, node->metrics);
}

static int open_notifier(struct consumer_node *node)
{
    TRY(notifier_new(&node->options->notifier, &node->notifier, node->why));
    return notifier_register_metrics(node->notifier, node->metrics);
}

static int open_schemas(struct consumer_node *node)
{
    const struct schema_watch_options *options = &node->options->streams.schemas;
    node->runner.schema = schema_watch_topic(&node->schemas, options, TOPIC);
    TRY(schema_watch_register_metrics(&node->schemas, node->metrics));
    return schema_watch_start(&node->schemas, options, false, node->why);
}

/* ---- the hooks ---- */

static int open_consumer(void *owner, struct metrics *metrics)
{
    struct consumer_node *node = owner;
    node->metrics = metrics;
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
    TRY(consumer_runner_register_metrics(&node->runner, LABELS, node->metrics));
    TRY(open_schemas(node));
    return consumer_runner_start(&node->runner, node->reader,
                                 notifies ? notifier_sink(node->notifier)
                                          : totals_files_sink(node->totals));
}

static bool is_ready(void *owner)
{
    return consumer_runner_is_ready(&((const struct consumer_node *)owner)->runner);
}

static const char *problem_of(const struct consumer_node *node)
{
    return schema_topic_verdict(node->runner.schema) == SCHEMA_REFUSED
               ? "the registry of schemas says that " TOPIC " cannot be read"
               : node->reader->ops->problem(node->reader);
}

static void on_tick(void *owner)
{
    struct consumer_node *node = owner;
    int error = consumer_runner_error(&node->runner);
    if (error == 0)
        return;
    const char *problem = problem_of(node);
    buf_printf(node->why, "the stream is followed no more: %s%s%s", error_text(error),
               problem[0] == '\0' ? "" : ": ", problem);
    follower_process_fail(error);
}

static void close_consumer(void *owner)
{
    struct consumer_node *node = owner;
    if (node->runner.running && consumer_runner_error(&node->runner) == 0)
        log_info("consumer", "ends: what was taken is settled first");
    consumer_runner_stop(&node->runner);
    schema_watch_stop(&node->schemas);
    if (node->reader != NULL)
        node->reader->ops->free(node->reader);
    disk_free(node->places);
    notifier_free(node->notifier);
    totals_files_free(node->totals);
}

enum node_end consumer_node_run(const struct consumer_node_options *options,
                                follower_ready_fn ready, struct buf *why)
{
    static struct consumer_node node; /* one a process; too large for the stack */
    node = (struct consumer_node){.options = options, .why = why};
    const struct follower_options follower = {
        .work = {.owner = &node,
                 .open = open_consumer,
                 .on_tick = on_tick,
                 .is_ready = is_ready,
                 .close = close_consumer,
                 .name = "the consumer",
                 .not_ready = "The stream is waited for.",
                 .not_here = "This process follows a stream and answers nothing else."},
        .admin_address = options->admin_address,
        .listen = &options->listen,
        .items = node.items,
        .items_max = METRICS_MAX,
        .out = buf_over(node.out, sizeof node.out)};
    return follower_process_run(&follower, ready, why);
}
