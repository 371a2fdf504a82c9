/* fuzz_stream_op.c - what clients say on /v1/stream (src/roles/odds/stream_op.c). Whatever is
 * accepted lies within the text or the scratch, is within its limits, and is decoded alike from
 * another place in memory. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "roles/odds/stream_op.h"

static char scratch[65536], other_scratch[65536], numbers[65536];

static void check_inside(struct slice piece, struct slice text, const char *memory)
{
    if (piece.bytes == 0)
        return;
    bool of_text = piece.at >= text.at && piece.at + piece.bytes <= text.at + text.bytes;
    bool of_scratch = piece.at >= memory && piece.at + piece.bytes <= memory + sizeof scratch;
    ASSERT(of_text || of_scratch);
}

static void check_number(void *owner, struct slice name, uint64_t number)
{
    (void)owner;
    (void)name;
    ASSERT(number <= UINT64_C(1) << 53);
}

static void check_op(const struct stream_op *op, struct slice text)
{
    enum group_kind kind;
    struct slice id;
    struct buf memory = buf_over(numbers, sizeof numbers);
    ASSERT(op->kind >= STREAM_SUBSCRIBE && op->kind <= STREAM_PING);
    ASSERT(op->channels_count <= STREAM_OP_CHANNELS_MAX);
    ASSERT(op->id.bytes <= STREAM_OP_ID_BYTES_MAX);
    ASSERT(op->conflate_ms >= 0);
    const struct slice pieces[] = {op->have, op->sid, op->seq, op->id, op->key, op->bet};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check_inside(pieces[i], text, scratch);
    for (size_t i = 0; i < op->channels_count; i++) {
        check_inside(op->channels[i], text, scratch);
        if (stream_op_channel(op->channels[i], &kind, &id))
            ASSERT(op->channels[i].bytes <= STREAM_CHANNEL_BYTES_MAX);
    }
    if (op->has_versions)
        (void)stream_op_numbers(op->have, &memory, check_number, NULL);
    ASSERT(op->kind != STREAM_PLACE_BET || op->bet.at[0] == '{');
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    if (bytes > sizeof scratch)
        return 0;
    struct slice text = slice_of(at, bytes);
    struct stream_op op, again;
    enum stream_op_outcome outcome = stream_op_decode(text, scratch, sizeof scratch, &op);
    char *copy = malloc(bytes + 1);
    ASSERT(copy != NULL);
    memcpy(copy, at, bytes);
    enum stream_op_outcome second =
        stream_op_decode(slice_of(copy, bytes), other_scratch, sizeof other_scratch, &again);
    ASSERT(outcome == second);
    if (outcome == STREAM_OP_OK) {
        check_op(&op, text);
        ASSERT(slice_equal(op.id, again.id));
        ASSERT(op.channels_count == again.channels_count);
    }
    free(copy);
    return 0;
}
