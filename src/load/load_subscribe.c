/* load_subscribe.c - the run of `overround load subscribe`: many WebSocket clients on the same
 * channels, each checking its numbering. Contract in load_options.h.
 *
 * Frames of a channel are the same bytes for everyone (CONTRACT), so a frame is parsed once and
 * found again by its bytes: what is compared costs a tenth of what is parsed. */
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "load/load_options.h"
#include "load/load_pool.h"
#include "load/load_process.h"
#include "load/load_stream.h"
#include "load/load_tally.h"
#include "load/load_wire.h"

#define CONNECT_MS       60000
#define KNOWN_FRAMES     8192 /* a power of two; more than are under way to those who lag */
#define KNOWN_BYTES_MAX  768  /* longer frames are parsed each time */
#define HASHED_BYTES_MAX 128  /* the beginning has op, channel and number */
#define SETTLE_MS        500
#define CONNECTS_AT_ONCE 256

struct known_frame {
    uint32_t bytes;
    uint32_t channel;        /* index, or UINT32_MAX */
    struct load_frame frame; /* without its slices */
    char text[KNOWN_BYTES_MAX];
};

struct subscribe {
    const struct load_options *options;
    struct loop *loop;      /* owned */
    struct load_pool *pool; /* owned */
    uint32_t channels_count;
    struct slice channels[LOAD_CHANNELS_MAX];
    struct load_sequence *sequences; /* owned; clients x channels */
    struct known_frame *known;       /* owned */
    struct known_frame parsed;       /* of a frame too long to keep */
    bool measuring;
    struct slice stamp_name;
    struct histogram latency_us;
    uint64_t deliveries, bytes, deltas, images, skipped, snapshots, errors, malformed;
    uint64_t conflated; /* changes for which an image or a snapshot stood */
    uint64_t gaps, repeats, before_snapshot, stamped;
};

/* The moment of what an image shows stands in its market. */
static void read_image(struct load_frame *image)
{
    struct load_frame market;
    if (load_frame_read(image->market, &market) < 0)
        return;
    image->stamp = market.stamp;
    image->stamp_name = market.stamp_name;
}

static void parse(struct subscribe *subscribe, struct slice text, struct known_frame *ret)
{
    ret->bytes = 0;
    ret->channel = UINT32_MAX;
    if (load_frame_read(text, &ret->frame) < 0) {
        ret->frame = (struct load_frame){.op = LOAD_OP_OTHER};
        subscribe->malformed++;
        return;
    }
    if (ret->frame.op == LOAD_OP_IMAGE)
        read_image(&ret->frame);
    for (uint32_t i = 0; i < subscribe->channels_count; i++)
        if (slice_equal(subscribe->channels[i], ret->frame.channel))
            ret->channel = i;
}

static const struct known_frame *look_up(struct subscribe *subscribe, struct slice text)
{
    if (text.bytes > KNOWN_BYTES_MAX) {
        parse(subscribe, text, &subscribe->parsed);
        return &subscribe->parsed;
    }
    size_t hashed = text.bytes < HASHED_BYTES_MAX ? text.bytes : HASHED_BYTES_MAX;
    struct known_frame *known = &subscribe->known[crc32c(0, text.at, hashed) & (KNOWN_FRAMES - 1)];
    if (known->bytes == text.bytes && memcmp(known->text, text.at, text.bytes) == 0)
        return known;
    parse(subscribe, text, known);
    memcpy(known->text, text.at, text.bytes);
    known->bytes = (uint32_t)text.bytes;
    return known;
}

static void check_sequence(struct subscribe *subscribe, uint32_t client,
                           const struct known_frame *known)
{
    if (known->channel == UINT32_MAX || !known->frame.has_seq)
        return;
    size_t at = (size_t)client * subscribe->channels_count + known->channel;
    switch (load_sequence_take(&subscribe->sequences[at], &known->frame)) {
    case LOAD_SEQUENCE_OK:
        break;
    case LOAD_SEQUENCE_GAP:
        subscribe->gaps++;
        break;
    case LOAD_SEQUENCE_REPEAT:
        subscribe->repeats++;
        break;
    case LOAD_SEQUENCE_UNKNOWN:
        subscribe->before_snapshot++;
        break;
    }
}

static void record_age(struct subscribe *subscribe, const struct load_frame *frame)
{
    if (frame->stamp.us <= 0)
        return;
    int64_t us = load_process_wall().us - frame->stamp.us;
    histogram_record(&subscribe->latency_us, us > 0 ? (uint64_t)us : 0);
    subscribe->stamped++;
    subscribe->stamp_name = frame->stamp_name;
}

static void count_frame(struct subscribe *subscribe, const struct load_frame *frame)
{
    subscribe->conflated += frame->changes;
    switch (frame->op) {
    case LOAD_OP_DELTA:
        subscribe->deltas++;
        record_age(subscribe, frame);
        break;
    case LOAD_OP_IMAGE:
        subscribe->images++;
        record_age(subscribe, frame);
        break;
    case LOAD_OP_SKIPPED:
        subscribe->skipped++;
        break;
    case LOAD_OP_SNAPSHOT:
        subscribe->snapshots++;
        break;
    case LOAD_OP_ERROR:
        subscribe->errors++;
        break;
    case LOAD_OP_OTHER:
    case LOAD_OP_REMOVED:
    case LOAD_OP_BET:
    case LOAD_OP_BET_UPDATE:
    case LOAD_OP_BALANCE:
    case LOAD_OP_PONG:
        break;
    }
}

static void on_text(void *owner, uint32_t client, struct slice text)
{
    struct subscribe *subscribe = owner;
    const struct known_frame *known = look_up(subscribe, text);
    check_sequence(subscribe, client, known);
    if (!subscribe->measuring)
        return;
    subscribe->deliveries++;
    subscribe->bytes += text.bytes;
    count_frame(subscribe, &known->frame);
}

static void on_open(void *owner, uint32_t client)
{
    struct subscribe *subscribe = owner;
    char text[LOAD_CHANNELS_MAX * 160];
    struct buf out = buf_over(text, sizeof text);
    for (uint32_t i = 0; i < subscribe->channels_count; i++)
        subscribe->sequences[(size_t)client * subscribe->channels_count + i].last = 0;
    load_wire_subscribe(&out, subscribe->options->channels, subscribe->options->conflate_ms);
    if (!out.overflow)
        (void)load_pool_say(subscribe->pool, client, buf_slice(&out));
}

static const struct load_pool_callbacks callbacks = {.on_text = on_text, .on_open = on_open};

static int split_channels(struct subscribe *subscribe)
{
    struct slice rest = subscribe->options->channels;
    while (rest.bytes > 0) {
        const char *space = memchr(rest.at, ' ', rest.bytes);
        size_t bytes = space == NULL ? rest.bytes : (size_t)(space - rest.at);
        if (subscribe->channels_count == LOAD_CHANNELS_MAX)
            return -ERR_LIMIT;
        if (bytes > 0)
            subscribe->channels[subscribe->channels_count++] = slice_of(rest.at, bytes);
        rest = slice_skip(rest, space == NULL ? bytes : bytes + 1);
    }
    return subscribe->channels_count > 0 ? 0 : -ERR_FORMAT;
}

static int prepare_new(struct subscribe *subscribe, const char **ret_why)
{
    const struct load_options *options = subscribe->options;
    *ret_why = "no channel, or too many";
    TRY(split_channels(subscribe));
    *ret_why = "out of memory";
    subscribe->known = calloc(KNOWN_FRAMES, sizeof *subscribe->known);
    subscribe->sequences =
        calloc((size_t)options->clients * subscribe->channels_count, sizeof *subscribe->sequences);
    if (subscribe->known == NULL || subscribe->sequences == NULL)
        return -ERR_MEMORY;
    *ret_why = "cannot make the event loop";
    TRY(loop_new(&subscribe->loop));
    *ret_why = "cannot connect";
    struct load_pool_options pool = {.target = options->target,
                                     .transport = LOAD_TRANSPORT_WS,
                                     .connections = options->clients,
                                     .pipeline = 1,
                                     .connects_max = CONNECTS_AT_ONCE};
    return load_pool_new(subscribe->loop, &pool, &callbacks, subscribe, &subscribe->pool);
}

static int run_until(struct subscribe *subscribe, int64_t until_us)
{
    int64_t left;
    while ((left = until_us - load_process_now().us) > 0)
        TRY(loop_run_once(subscribe->loop, left));
    return 0;
}

static int connect_all(struct subscribe *subscribe)
{
    int64_t until_us = load_process_now().us + CONNECT_MS * US_PER_MS;
    while (load_pool_stats(subscribe->pool)->open < subscribe->options->clients) {
        if (load_process_now().us >= until_us)
            return -ERR_NETWORK;
        TRY(loop_run_once(subscribe->loop, 10 * US_PER_MS));
    }
    return run_until(subscribe, load_process_now().us + SETTLE_MS * US_PER_MS +
                                    subscribe->options->warmup_seconds * US_PER_SECOND);
}

struct window {
    int64_t us, own_us, server_us; /* server_us: -1 when not known */
};

static int measure(struct subscribe *subscribe, struct window *ret)
{
    pid_t pid = subscribe->options->server_pid;
    int64_t server_us = pid > 0 ? load_process_cpu_us(pid) : -1;
    int64_t own_us = load_process_thread_us(), begin_us = load_process_now().us;
    subscribe->measuring = true;
    TRY(run_until(subscribe, begin_us + subscribe->options->seconds * US_PER_SECOND));
    subscribe->measuring = false;
    ret->us = load_process_now().us - begin_us;
    ret->own_us = load_process_thread_us() - own_us;
    int64_t end_us = server_us >= 0 ? load_process_cpu_us(pid) : -1;
    ret->server_us = end_us >= 0 ? end_us - server_us : -1;
    return 0;
}

static void write_counts(struct json_writer *writer, const struct subscribe *subscribe)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"clients", subscribe->options->clients},
                {"clients_open", load_pool_stats(subscribe->pool)->open},
                {"closed", load_pool_stats(subscribe->pool)->closed},
                {"channels", subscribe->channels_count},
                {"conflate_ms", subscribe->options->conflate_ms},
                {"deliveries", subscribe->deliveries},
                {"bytes", subscribe->bytes},
                {"deltas", subscribe->deltas},
                {"images", subscribe->images},
                {"skipped", subscribe->skipped},
                {"conflated", subscribe->conflated},
                {"snapshots", subscribe->snapshots},
                {"errors", subscribe->errors},
                {"malformed", subscribe->malformed},
                {"gaps", subscribe->gaps},
                {"repeats", subscribe->repeats},
                {"before_snapshot", subscribe->before_snapshot}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_write_key(writer, rows[i].name);
        json_write_u64(writer, rows[i].value);
    }
}

static void write_cpu(struct json_writer *writer, const struct subscribe *subscribe,
                      const struct window *window)
{
    int64_t deliveries = (int64_t)subscribe->deliveries;
    const struct {
        const char *name;
        int64_t us;
    } rows[] = {{"generator", window->own_us}, {"server", window->server_us}};
    for (size_t i = 0; i < 2; i++) {
        if (rows[i].us < 0)
            continue;
        json_write_key(writer, rows[i].name);
        json_write_object_open(writer);
        json_write_key(writer, "cpu_share");
        json_write_decimal(writer, rows[i].us * 1000 / window->us, 3);
        json_write_key(writer, "cpu_us_per_delivery");
        json_write_decimal(writer, deliveries > 0 ? rows[i].us * 1000 / deliveries : 0, 3);
        if (i == 0) {
            json_write_key(writer, "saturated");
            json_write_bool(writer, load_permille(window->own_us, window->us) >
                                        LOAD_SATURATED_CPU_PERMILLE);
        }
        json_write_object_close(writer);
    }
}

static void write_report(const struct subscribe *subscribe, const struct window *window,
                         struct buf *out)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    load_options_write(&writer, "subscribe", subscribe->options);
    write_counts(&writer, subscribe);
    json_write_key(&writer, "deliveries_per_s");
    json_write_i64(&writer, (int64_t)subscribe->deliveries * US_PER_SECOND / window->us);
    json_write_key(&writer, "accounted_per_s"); /* told, or said to be left out */
    json_write_i64(&writer, (int64_t)(subscribe->deltas + subscribe->conflated) * US_PER_SECOND /
                                window->us);
    json_write_key(&writer, "latency_from");
    json_write_text(&writer, subscribe->stamp_name);
    json_write_key(&writer, "latency_us");
    load_tally_write_histogram(&writer, &subscribe->latency_us);
    write_cpu(&writer, subscribe, window);
    json_write_object_close(&writer);
}

/* On the heap: the histogram is too much for a stack. */
static int subscribe_new(const struct load_options *options, struct subscribe **ret_subscribe)
{
    struct subscribe *subscribe = calloc(1, sizeof *subscribe);
    if (subscribe == NULL)
        return -ERR_MEMORY;
    subscribe->options = options;
    *ret_subscribe = subscribe;
    return 0;
}

int load_subscribe_run(const struct load_options *options, struct buf *ret_report,
                       const char **ret_why)
{
    struct window window = {0};
    *ret_why = "out of memory";
    struct subscribe *subscribe;
    TRY(subscribe_new(options, &subscribe));
    int result = prepare_new(subscribe, ret_why);
    if (result == 0)
        result = connect_all(subscribe);
    if (result == 0)
        result = measure(subscribe, &window);
    if (result == 0)
        write_report(subscribe, &window, ret_report);
    load_pool_free(subscribe->pool);
    loop_free(subscribe->loop);
    free(subscribe->sequences);
    free(subscribe->known);
    free(subscribe);
    return result;
}
