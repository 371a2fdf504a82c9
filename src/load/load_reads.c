/* load_reads.c - the run of `overround load reads`: prices read by REST. Contract in
 * load_options.h. The markets are those of the channels, in turn; `batch` of them in one request.
 */
#include <stdlib.h>

#include "base/error.h"
#include "load/load_open_loop.h"
#include "load/load_options.h"
#include "load/load_process.h"
#include "load/load_stream.h"
#include "load/load_wire.h"

#define CONNECT_MS     20000
#define PRICES_MS      10000
#define GRACE_MS       3000
#define PATH_BYTES_MAX 2048

struct reads {
    const struct load_options *options;
    struct loop *loop;          /* owned */
    struct load_stream *stream; /* owned; NULL with a path of the caller's */
    struct load_open_loop *open_loop;
    uint32_t turn;
    uint64_t body_bytes;
};

/* Percent-encoded: the id of a market may hold '/', ',' and '=' (RFC 3986 section 2.1). */
static void put_id(struct buf *out, const char *id)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *id != '\0'; id++) {
        if (strchr(plain, *id) != NULL)
            buf_put_char(out, *id);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*id);
    }
}

static const struct load_market *next_market(struct reads *reads)
{
    const struct load_markets *markets = load_stream_markets(reads->stream);
    for (uint32_t i = 0; i < markets->count; i++) {
        const struct load_market *market = &markets->rows[reads->turn++ % markets->count];
        if (market->used)
            return market;
    }
    return NULL;
}

static bool write_path(struct reads *reads, struct buf *path)
{
    const struct load_options *options = reads->options;
    if (options->path.bytes > 0) {
        buf_put_slice(path, options->path);
        return true;
    }
    for (uint32_t i = 0; i < options->batch; i++) {
        const struct load_market *market = next_market(reads);
        if (market == NULL)
            return false;
        if (options->batch == 1)
            buf_put_text(path, "/v1/odds/");
        else
            buf_put_text(path, i == 0 ? "/v1/odds?market_id=" : ",");
        put_id(path, market->id);
    }
    return true;
}

static bool build(void *owner, uint64_t n, uint32_t connection, struct buf *out)
{
    (void)n;
    (void)connection;
    struct reads *reads = owner;
    char text[PATH_BYTES_MAX];
    struct buf path = buf_over(text, sizeof text - 1);
    if (!write_path(reads, &path) || path.overflow)
        return false;
    text[path.bytes] = '\0';
    struct load_wire_request request = {
        .method = "GET", .path = text, .host = reads->options->host};
    load_wire_request(out, &request);
    return true;
}

static struct slice code_of(void *owner, const struct load_pool_answer *answer)
{
    struct reads *reads = owner;
    reads->body_bytes += answer->body.bytes;
    if (answer->status >= 200 && answer->status < 400)
        return SLICE_NONE;
    return load_frame_find_text(answer->body, SLICE("\"code\""));
}

static const struct load_open_loop_callbacks callbacks = {build, code_of, NULL};

static bool wait_for_markets(struct reads *reads)
{
    int64_t until_us = load_process_now().us + PRICES_MS * US_PER_MS;
    while (load_stream_markets(reads->stream)->count == 0)
        if (load_process_now().us >= until_us || loop_run_once(reads->loop, 10 * US_PER_MS) < 0)
            return false;
    return true;
}

static int prepare(struct reads *reads, const char **ret_why)
{
    const struct load_options *options = reads->options;
    *ret_why = "cannot make the event loop";
    TRY(loop_new(&reads->loop));
    if (options->path.bytes == 0) {
        *ret_why = "no market on these channels";
        TRY(load_stream_new(reads->loop, &options->target, options->channels, &reads->stream));
        if (!wait_for_markets(reads))
            return -ERR_NOT_FOUND;
    }
    *ret_why = "cannot connect";
    struct load_pool_options pool = {.target = options->target,
                                     .transport = LOAD_TRANSPORT_HTTP,
                                     .connections = options->connections,
                                     .pipeline = options->pipeline};
    TRY(load_open_loop_new(reads->loop, &pool, &callbacks, reads, &reads->open_loop));
    return load_open_loop_connect(reads->open_loop, options->connections, CONNECT_MS)
               ? 0
               : -ERR_NETWORK;
}

static void write_report(const struct reads *reads, const struct load_open_loop_result *result,
                         struct buf *out)
{
    const struct load_options *options = reads->options;
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    load_options_write(&writer, "reads", options);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"rate", options->rate},
                {"burst", options->burst},
                {"connections", options->connections},
                {"pipeline", options->pipeline},
                {"batch", options->batch},
                {"body_bytes",
                 result->tally.answered > 0 ? reads->body_bytes / result->tally.answered : 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_write_key(&writer, rows[i].name);
        json_write_u64(&writer, rows[i].value);
    }
    load_open_loop_write(&writer, result);
    json_write_object_close(&writer);
}

int load_reads_run(const struct load_options *options, struct buf *ret_report, const char **ret_why)
{
    struct reads reads = {.options = options};
    const struct load_open_loop_result *done;
    int result = prepare(&reads, ret_why);
    if (result == 0) {
        struct load_open_loop_options run = {.rate = options->rate,
                                             .burst = options->burst,
                                             .warmup_ms = options->warmup_seconds * 1000,
                                             .measure_ms = options->seconds * 1000,
                                             .grace_ms = GRACE_MS,
                                             .server_pid = options->server_pid};
        *ret_why = "the event loop failed";
        result = load_open_loop_run(reads.open_loop, &run, &done);
    }
    if (result == 0)
        write_report(&reads, done, ret_report);
    load_open_loop_free(reads.open_loop);
    load_stream_free(reads.stream);
    loop_free(reads.loop);
    return result;
}
