/* load_stream.h - one subscriber that follows channels and keeps a view of the markets, for
 * customers who bet on what they see. Misses are seen by sequence number, and the channel is then
 * asked for afresh (DESIGN P1). Thread: the loop's. */
#pragma once

#include <stdint.h>

#include "load/load_markets.h"
#include "load/load_pool.h"

#define LOAD_CHANNELS_MAX 64

struct load_stream;

struct load_stream_stats {
    uint64_t frames, malformed, errors;
    uint64_t gaps; /* sequence numbers missed */
};

/* `channels` are separated by spaces, borrowed. 0, -ERR_LIMIT (LOAD_CHANNELS_MAX),
 * -ERR_MEMORY. */
int load_stream_new(struct loop *loop, const struct load_target *target, struct slice channels,
                    struct load_stream **ret_stream);
void load_stream_free(struct load_stream *stream);
/* fn(owner) after every frame that moved a known price. */
void load_stream_on_move(struct load_stream *stream, void (*fn)(void *owner), void *owner);

/* The view; the caller may feed it with images it reads elsewhere, too. */
struct load_markets *load_stream_markets(struct load_stream *stream);
const struct load_stream_stats *load_stream_stats(const struct load_stream *stream);

/* The numbering of one channel, as a client checks it. */
struct load_sequence {
    uint64_t last; /* 0: no snapshot yet */
};
enum load_sequence_outcome {
    LOAD_SEQUENCE_OK = 0,
    LOAD_SEQUENCE_GAP,     /* numbers were missed */
    LOAD_SEQUENCE_REPEAT,  /* an old number again */
    LOAD_SEQUENCE_UNKNOWN, /* before a snapshot */
};
/* Judges a frame with a `seq` of this channel and takes its number. */
enum load_sequence_outcome load_sequence_take(struct load_sequence *sequence,
                                              const struct load_frame *frame);
