/* load_connects.c - the run of `overround load connects`: customers who come, ask one thing and go,
 * `clients` of them at a time, each as soon as the one before has gone (closed loop: it measures
 * how many a server can take, not how long they wait at a given rate). With TLS each is a
 * handshake, full or resumed. Contract in load_options.h. */
#include <stdlib.h>

#include "base/error.h"
#include "base/histogram.h"
#include "load/load_options.h"
#include "load/load_process.h"
#include "load/load_tally.h"

#define REQUEST "GET /healthz HTTP/1.1\r\nHost: "

struct visitor {
    struct connects *connects;
    struct http_client_handle http;
    int64_t begun_us, connected_us;
    bool away; /* to come again in the next turn */
};

struct connects {
    const struct load_options *options;
    struct loop *loop;          /* owned */
    struct http_client *client; /* owned */
    struct visitor *visitors;   /* owned */
    bool measuring, ended;
    uint64_t visits, failed;
    struct histogram connect_us, visit_us;
};

static void on_connected(void *owner, struct http_client_handle handle);
static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer);
static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered);

static const struct http_client_callbacks callbacks = {on_connected, on_answer, NULL, on_closed};

static void on_connected(void *owner, struct http_client_handle handle)
{
    (void)handle;
    struct visitor *visitor = owner;
    visitor->connected_us = load_process_now().us;
}

static void on_answer(void *owner, uint64_t tag, const struct http_answer *answer)
{
    (void)tag;
    struct visitor *visitor = owner;
    struct connects *connects = visitor->connects;
    int64_t now_us = load_process_now().us;
    http_client_close(visitor->http);
    if (!connects->measuring)
        return;
    connects->visits++;
    connects->failed += answer->status != 200;
    histogram_record(&connects->connect_us, (uint64_t)(visitor->connected_us - visitor->begun_us));
    histogram_record(&connects->visit_us, (uint64_t)(now_us - visitor->begun_us));
}

static void on_closed(void *owner, enum conn_close reason, uint32_t unanswered)
{
    (void)reason;
    struct visitor *visitor = owner;
    visitor->away = true;
    if (visitor->connects->measuring)
        visitor->connects->failed += unanswered;
    if (!visitor->connects->ended)
        loop_turn_again(visitor->connects->loop);
}

static bool come(struct visitor *visitor)
{
    struct connects *connects = visitor->connects;
    char text[256];
    struct buf request = buf_over(text, sizeof text);
    visitor->begun_us = load_process_now().us;
    if (http_client_connect(connects->client, &connects->options->target.address, &callbacks,
                            visitor, &visitor->http) < 0)
        return false;
    visitor->away = false;
    buf_put_text(&request, REQUEST);
    buf_put_slice(&request, connects->options->host);
    buf_put_text(&request, "\r\n\r\n");
    return http_client_send_raw(visitor->http, buf_slice(&request), false, 0) == SEND_OK;
}

/* A place is free for the next one only when the turn in which its visitor left is over. */
static void come_again(void *owner)
{
    struct connects *connects = owner;
    for (uint32_t i = 0; i < connects->options->clients; i++)
        if (connects->visitors[i].away && !come(&connects->visitors[i]) && connects->measuring)
            connects->failed++;
}

static int prepare_new(struct connects *connects, const char **ret_why)
{
    const struct load_options *options = connects->options;
    struct net_limits limits = net_limits_default();
    limits.connections_max = 2 * (size_t)options->clients;
    limits.tls_handshakes_per_turn_max = LOAD_CONNECTIONS_MAX;
    *ret_why = "out of memory";
    connects->visitors = calloc(options->clients, sizeof *connects->visitors);
    if (connects->visitors == NULL)
        return -ERR_MEMORY;
    for (uint32_t i = 0; i < options->clients; i++)
        connects->visitors[i] = (struct visitor){.connects = connects, .away = true};
    *ret_why = "cannot make the event loop";
    TRY(loop_new(&connects->loop));
    TRY(http_client_new(connects->loop, &limits, &connects->client));
    http_client_use_tls(connects->client, options->target.tls);
    return loop_at_turn_end(connects->loop, LOOP_STAGE_WORK, come_again, connects);
}

static int run_until(struct connects *connects, int64_t until_us)
{
    int64_t left;
    while ((left = until_us - load_process_now().us) > 0)
        TRY(loop_run_once(connects->loop, left < 10000 ? left : 10000));
    return 0;
}

struct window {
    int64_t us, own_us, server_us; /* server_us: -1 when not known */
};

static int measure(struct connects *connects, struct window *ret)
{
    pid_t pid = connects->options->server_pid;
    TRY(run_until(connects,
                  load_process_now().us + connects->options->warmup_seconds * US_PER_SECOND));
    int64_t server_us = pid > 0 ? load_process_cpu_us(pid) : -1;
    int64_t own_us = load_process_thread_us(), begin_us = load_process_now().us;
    connects->measuring = true;
    TRY(run_until(connects, begin_us + connects->options->seconds * US_PER_SECOND));
    connects->measuring = false;
    ret->us = load_process_now().us - begin_us;
    ret->own_us = load_process_thread_us() - own_us;
    int64_t end_us = server_us >= 0 ? load_process_cpu_us(pid) : -1;
    ret->server_us = end_us >= 0 ? end_us - server_us : -1;
    return connects->visits > 0 ? 0 : -ERR_NETWORK;
}

static void write_member(struct json_writer *writer, const char *name, uint64_t value)
{
    json_write_key(writer, name);
    json_write_u64(writer, value);
}

static void write_report(const struct connects *connects, const struct window *window,
                         struct buf *out)
{
    const struct net_stats *stats = http_client_stats(connects->client);
    struct json_writer writer = json_write_begin(out);
    int64_t visits = (int64_t)connects->visits;
    json_write_object_open(&writer);
    load_options_write(&writer, "connects", connects->options);
    json_write_key(&writer, "tls");
    json_write_bool(&writer, connects->options->target.tls != NULL);
    write_member(&writer, "clients", connects->options->clients);
    write_member(&writer, "visits", connects->visits);
    write_member(&writer, "failed", connects->failed);
    write_member(&writer, "handshakes_full", stats->tls_full);
    write_member(&writer, "handshakes_resumed", stats->tls_resumed);
    write_member(&writer, "visits_per_s", (uint64_t)(visits * US_PER_SECOND / window->us));
    json_write_key(&writer, "connect_us");
    load_tally_write_histogram(&writer, &connects->connect_us);
    json_write_key(&writer, "visit_us");
    load_tally_write_histogram(&writer, &connects->visit_us);
    json_write_key(&writer, "generator_cpu_us_per_visit");
    json_write_decimal(&writer, window->own_us * 10 / visits, 1);
    json_write_key(&writer, "server_cpu_us_per_visit");
    if (window->server_us >= 0)
        json_write_decimal(&writer, window->server_us * 10 / visits, 1);
    else
        json_write_null(&writer);
    json_write_object_close(&writer);
}

/* On the heap: the histograms are too much for a stack. */
static int connects_new(const struct load_options *options, struct connects **ret_connects)
{
    struct connects *connects = calloc(1, sizeof *connects);
    if (connects == NULL)
        return -ERR_MEMORY;
    connects->options = options;
    *ret_connects = connects;
    return 0;
}

int load_connects_run(const struct load_options *options, struct buf *ret_report,
                      const char **ret_why)
{
    struct window window = {0};
    struct connects *connects;
    *ret_why = "out of memory";
    TRY(connects_new(options, &connects));
    int result = prepare_new(connects, ret_why);
    *ret_why = result == 0 ? "nobody was served" : *ret_why;
    if (result == 0)
        result = measure(connects, &window);
    if (result == 0)
        write_report(connects, &window, ret_report);
    connects->ended = true;
    if (connects->loop != NULL)
        loop_remove_hook(connects->loop, come_again, connects);
    http_client_free(connects->client);
    loop_free(connects->loop);
    free(connects->visitors);
    free(connects);
    return result;
}
