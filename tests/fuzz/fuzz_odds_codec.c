/* fuzz_odds_codec.c - records of the odds log from arbitrary bytes: never beyond the input, never
 * beyond the limits; and what decodes comes back from encode and decode as the same change.
 *
 * The input is bodies: a length byte, then so many bytes; each gets a good record head. */
#include <stdlib.h>
#include <string.h>

#include "adapters/embedded/odds_codec.h"
#include "base/assert.h"
#include "base/hash.h"
#include "core/ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

static const uint64_t key[2] = {1, 2};
static struct odds_log_selection selections[SELECTIONS_MAX], again[SELECTIONS_MAX];
static char record[ODDS_RECORD_HEAD_BYTES + ODDS_LOG_RECORD_BYTES_MAX];

static int decode_body(struct odds_codec *codec, const uint8_t *body, uint16_t bytes,
                       struct odds_log_change *ret_change)
{
    char exact[ODDS_RECORD_HEAD_BYTES + 255];
    memcpy(exact + 4, &bytes, sizeof bytes);
    memcpy(exact + ODDS_RECORD_HEAD_BYTES, body, bytes);
    uint32_t crc = crc32c(0, exact + 4, sizeof bytes + (size_t)bytes);
    memcpy(exact, &crc, sizeof crc);
    size_t size = ODDS_RECORD_HEAD_BYTES + (size_t)bytes;
    ASSERT(odds_codec_decode(codec, slice_of(exact, size - 1), selections, ret_change) == 0);
    int result = odds_codec_decode(codec, slice_of(exact, size), selections, ret_change);
    ASSERT(result < 0 || (size_t)result == size);
    return result;
}

static void check_same(const struct odds_log_change *a, const struct odds_log_change *b)
{
    ASSERT(slice_equal(a->market_id, b->market_id));
    ASSERT(slice_equal(a->event_id, b->event_id));
    ASSERT(slice_equal(a->provider, b->provider));
    ASSERT(a->status == b->status);
    ASSERT(a->odds_version == b->odds_version);
    ASSERT(a->received.us == b->received.us);
    ASSERT(a->feed_time.us == b->feed_time.us);
    ASSERT(a->selections_count == b->selections_count);
    for (size_t i = 0; i < a->selections_count; i++) {
        ASSERT(slice_equal(a->selections[i].id, b->selections[i].id));
        ASSERT(a->selections[i].status == b->selections[i].status);
        ASSERT(odds_equal(a->selections[i].odds, b->selections[i].odds));
        ASSERT(leg_chances_equal(a->selections[i].chances, b->selections[i].chances));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    struct odds_codec reader, writer, back;
    ASSERT(odds_codec_new(key, &reader) == 0);
    ASSERT(odds_codec_new(key, &writer) == 0);
    ASSERT(odds_codec_new(key, &back) == 0);
    while (bytes > 1 && input[0] <= bytes - 1) {
        struct odds_log_change change, copy;
        if (decode_body(&reader, input + 1, input[0], &change) < 0)
            break;
        ASSERT(change.selections_count <= SELECTIONS_MAX);
        ASSERT(change.market_id.bytes <= MARKET_ID_BYTES_MAX);
        int size = odds_codec_encode(&writer, &change, record);
        ASSERT(size > 0);
        ASSERT(odds_codec_decode(&back, slice_of(record, (size_t)size), again, &copy) == size);
        check_same(&change, &copy);
        bytes -= 1u + input[0];
        input += 1 + input[0];
    }
    odds_codec_free(&reader);
    odds_codec_free(&writer);
    odds_codec_free(&back);
    return 0;
}
