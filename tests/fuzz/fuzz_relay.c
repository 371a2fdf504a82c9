/* fuzz_relay.c - any bytes as a message between the desk and another shard's process, and as a word
 * in one: app/relay_wire, ledger/relay_word. Properties: what is taken for a message encodes to the
 * same bytes again; every market that the word's record names is there, and no text of it is longer
 * than the shard's own state takes. */
#include <stdlib.h>
#include <string.h>

#include "app/relay_wire.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static _Alignas(8) char message[RELAY_MESSAGE_BYTES_MAX], again[RELAY_MESSAGE_BYTES_MAX];

static void check_market(const struct record_view *market)
{
    ASSERT(market->head->type == RECORD_MARKET);
    ASSERT(market->head->items_count <= SELECTIONS_MAX);
    ASSERT(relay_market_id(market).bytes > 0);
    ASSERT(relay_market_id(market).bytes <= MARKET_ID_BYTES_MAX);
    ASSERT(relay_selection_texts(market).bytes <= market->texts.bytes);
}

static void check_named(const struct relay_word *word)
{
    const struct record_fenced *fenced = word->record.items;
    if (word->record.head->type == RECORD_RESULT) {
        const struct record_result *result = word->record.body;
        ASSERT(relay_word_market(word, result->market) != NULL);
        return;
    }
    if (word->record.head->type != RECORD_FENCE)
        return;
    for (uint16_t i = 0; i < word->record.head->items_count; i++)
        ASSERT(relay_word_market(word, fenced[i].market) != NULL);
}

static void check_word(struct slice records)
{
    struct relay_word word;
    if (relay_word_read(records, &word) < 0)
        return;
    ASSERT(relay_is_word(&word.record));
    for (uint32_t i = 0; i < word.markets_count; i++)
        check_market(&word.markets[i]);
    check_named(&word);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct relay_message read;
    if (bytes > sizeof message)
        return 0;
    memcpy(message, at, bytes);
    check_word(slice_of(message, bytes));
    if (relay_wire_read(slice_of(message, bytes), &read) < 0)
        return 0;
    struct buf out = buf_over(again, sizeof again);
    bool put = relay_wire_put(&out, &read);
    ASSERT(put);
    ASSERT(out.bytes == bytes);
    ASSERT(memcmp(again, message, bytes) == 0);
    if (read.type == RELAY_SAID)
        check_word(read.tail);
    return 0;
}
