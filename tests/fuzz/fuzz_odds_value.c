/* fuzz_odds_value.c - values and messages of the odds store from arbitrary bytes: never beyond the
 * input, never beyond the limits; and what reads comes back from a write as the same market. */
#include <stdlib.h>
#include <string.h>

#include "adapters/redis/odds_message.h"
#include "adapters/redis/odds_value.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes);

static char scratch[1 << 20], text[ODDS_VALUE_BYTES_MAX];
static _Alignas(struct odds_image) char first[ODDS_VALUE_IMAGE_BYTES];
static _Alignas(struct odds_image) char second[ODDS_VALUE_IMAGE_BYTES];

static void check_value(struct slice value)
{
    struct odds_image *image = (void *)first, *back = (void *)second;
    struct odds_value_facts facts, again;
    if (value.bytes > sizeof scratch || odds_value_read(value, scratch, image, &facts) < 0)
        return;
    ASSERT(image->selections_count <= SELECTIONS_MAX);
    ASSERT(image->market_id_bytes > 0 && image->odds_version > 0);
    if (facts.removed || image->feed_status == 0)
        return; /* not all of it is written, or it has no word for it */
    struct buf out = buf_over(text, sizeof text);
    odds_value_write(&out, image, &facts);
    ASSERT(!out.overflow);
    ASSERT(odds_value_read(buf_slice(&out), scratch, back, &again) == 0);
    ASSERT(again.received.us == facts.received.us);
    ASSERT(memcmp(image->selections, back->selections,
                  image->selections_count * sizeof *image->selections) == 0);
    ASSERT(image->odds_version == back->odds_version && image->status == back->status);
    ASSERT(slice_equal(ODDS_TEXT(image, market_id), ODDS_TEXT(back, market_id)));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t bytes)
{
    struct odds_message message;
    struct slice whole = slice_of(input, bytes);
    check_value(whole);
    if (odds_message_read(whole, &message) == 0 && message.kind == ODDS_MESSAGE_VALUE)
        check_value(message.value);
    return 0;
}
