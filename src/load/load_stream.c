/* load_stream.c - contract in load_stream.h. */
#include "load/load_stream.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "load/load_wire.h"

struct channel {
    struct slice name;
    struct load_sequence sequence;
};

struct load_stream {
    struct load_pool *pool;      /* owned */
    struct load_markets markets; /* owned */
    struct slice channels;
    size_t channels_count;
    struct channel rows[LOAD_CHANNELS_MAX];
    void (*on_move)(void *owner);
    void *owner;
    struct load_stream_stats stats;
};

static void on_open(void *owner, uint32_t connection);
static void on_text(void *owner, uint32_t connection, struct slice text);

static const struct load_pool_callbacks pool_callbacks = {.on_text = on_text, .on_open = on_open};

static int split_channels(struct load_stream *stream)
{
    struct slice rest = stream->channels;
    while (rest.bytes > 0) {
        const char *space = memchr(rest.at, ' ', rest.bytes);
        size_t bytes = space == NULL ? rest.bytes : (size_t)(space - rest.at);
        if (stream->channels_count == LOAD_CHANNELS_MAX)
            return -ERR_LIMIT;
        if (bytes > 0)
            stream->rows[stream->channels_count++].name = slice_of(rest.at, bytes);
        rest = slice_skip(rest, space == NULL ? bytes : bytes + 1);
    }
    return 0;
}

int load_stream_new(struct loop *loop, const struct load_target *target, struct slice channels,
                    struct load_stream **ret_stream)
{
    struct load_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return -ERR_MEMORY;
    stream->channels = channels;
    struct load_pool_options options = {
        .target = *target, .transport = LOAD_TRANSPORT_WS, .connections = 1, .pipeline = 1};
    int result = split_channels(stream);
    if (result == 0)
        result = load_markets_new(&stream->markets);
    if (result == 0)
        result = load_pool_new(loop, &options, &pool_callbacks, stream, &stream->pool);
    if (result < 0) {
        load_stream_free(stream);
        return result;
    }
    *ret_stream = stream;
    return 0;
}

void load_stream_free(struct load_stream *stream)
{
    if (stream == NULL)
        return;
    load_pool_free(stream->pool);
    load_markets_done(&stream->markets);
    free(stream);
}

void load_stream_on_move(struct load_stream *stream, void (*fn)(void *owner), void *owner)
{
    stream->on_move = fn;
    stream->owner = owner;
}

struct load_markets *load_stream_markets(struct load_stream *stream)
{
    return &stream->markets;
}

const struct load_stream_stats *load_stream_stats(const struct load_stream *stream)
{
    return &stream->stats;
}

enum load_sequence_outcome load_sequence_take(struct load_sequence *sequence,
                                              const struct load_frame *frame)
{
    uint64_t last = sequence->last;
    if (frame->op == LOAD_OP_SNAPSHOT || frame->op == LOAD_OP_SKIPPED ||
        frame->op == LOAD_OP_IMAGE) {
        /* These say how far they bring the client, over whatever was left out. */
        if (frame->op == LOAD_OP_SNAPSHOT || frame->seq > last)
            sequence->last = frame->seq;
        return LOAD_SEQUENCE_OK;
    }
    if (last == 0)
        return LOAD_SEQUENCE_UNKNOWN;
    if (frame->seq <= last)
        return LOAD_SEQUENCE_REPEAT;
    sequence->last = frame->seq;
    return frame->seq == last + 1 ? LOAD_SEQUENCE_OK : LOAD_SEQUENCE_GAP;
}

static void subscribe(struct load_stream *stream, struct slice channels)
{
    char text[LOAD_CHANNELS_MAX * 160];
    struct buf out = buf_over(text, sizeof text);
    load_wire_subscribe(&out, channels, 0);
    if (!out.overflow)
        (void)load_pool_say(stream->pool, 0, buf_slice(&out)); /* gone: asked again when open */
}

static void on_open(void *owner, uint32_t connection)
{
    (void)connection;
    struct load_stream *stream = owner;
    for (size_t i = 0; i < stream->channels_count; i++)
        stream->rows[i].sequence = (struct load_sequence){0};
    subscribe(stream, stream->channels);
}

static void check_sequence(struct load_stream *stream, const struct load_frame *frame)
{
    for (size_t i = 0; i < stream->channels_count; i++) {
        struct channel *channel = &stream->rows[i];
        if (!slice_equal(channel->name, frame->channel))
            continue;
        if (load_sequence_take(&channel->sequence, frame) == LOAD_SEQUENCE_GAP) {
            stream->stats.gaps++;
            subscribe(stream, channel->name);
        }
        return;
    }
}

static void on_text(void *owner, uint32_t connection, struct slice text)
{
    (void)connection;
    struct load_stream *stream = owner;
    struct load_frame frame;
    stream->stats.frames++;
    if (load_frame_read(text, &frame) < 0) {
        stream->stats.malformed++;
        return;
    }
    if (frame.op == LOAD_OP_ERROR)
        stream->stats.errors++;
    if (frame.has_seq)
        check_sequence(stream, &frame);
    uint64_t moves = stream->markets.moves;
    load_markets_apply(&stream->markets, &frame);
    if (stream->markets.moves != moves && stream->on_move != NULL)
        stream->on_move(stream->owner);
}
