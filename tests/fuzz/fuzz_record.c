/* fuzz_record.c - any bytes as the records of a log: ledger/record.h, shard_state.h, record_json.h.
 * The first byte says what is made right before each record is looked at, for a fuzzer does not
 * guess checksums: bit 0 the checksum, bit 1 number and time.
 * Properties: what is taken for a record is written as one JSON text and encodes to the same
 * bytes again; a record that is refused has a reason and leaves the state's hash as it was; what
 * was accepted, whatever it is, satisfies the check of the whole state; and looking ahead at a
 * record changes nothing. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "ledger/record_encode.h"
#include "ledger/record_json.h"
#include "ledger/shard_state.h"

#define INPUT_BYTES_MAX 16384
#define JSON_BYTES_MAX  (128 * INPUT_BYTES_MAX)

enum repair { REPAIR_CRC = 1, REPAIR_PLACE = 2, LOOK_AHEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes);

static const struct shard_limits limits = {
    .accounts_max = 8, .markets_max = 16, .selections_max = 64, .bets_max = 32, .verdicts_max = 64};

static _Alignas(8) char records[INPUT_BYTES_MAX];
static char json[JSON_BYTES_MAX], unescaped[JSON_BYTES_MAX];

static void check_json(const struct record_view *view, const struct shard_state *state)
{
    struct buf out = buf_over(json, sizeof json);
    struct json_reader reader;
    record_json(&out, view, state);
    ASSERT(!out.overflow);
    ASSERT(memchr(out.at, '\n', out.bytes) == NULL);
    json_begin(&reader, buf_slice(&out), unescaped, sizeof unescaped);
    (void)json_skip(&reader);
    ASSERT(json_end(&reader) == 0);
}

static void check_encoding(const struct record_view *view)
{
    static _Alignas(8) char again[INPUT_BYTES_MAX];
    const struct record_draft draft = {
        .type = (enum record_type)view->head->type,
        .seq = view->head->seq,
        .time_us = view->head->time_us,
        .account = view->head->account,
        .before_crc = view->head->before_crc,
        .body = view->body,
        .items = view->items,
        .items_count = view->head->items_count,
        .postings = view->postings,
        .postings_count = view->head->postings_count,
        .texts = &view->texts, /* with the padding: there is no other */
        .texts_count = 1,
    };
    struct buf out = buf_over(again, sizeof again);
    const struct record_head *head = record_encode(&out, &draft);
    ASSERT(head != NULL);
    ASSERT(out.bytes == view->head->bytes);
    ASSERT(memcmp(again, view->head, out.bytes) == 0);
}

static void repair(struct record_head *head, unsigned what, const struct shard_state *state)
{
    if ((what & REPAIR_PLACE) != 0) {
        head->seq = shard_state_seq(state) + 1;
        head->time_us = shard_state_time_us(state) + 1;
        head->before_crc = shard_state_record_crc(state);
        head->format = RECORD_FORMAT;
    }
    if ((what & REPAIR_CRC) != 0)
        head->crc = crc32c(0, (const char *)head + 8, head->bytes - 8);
}

static void apply(struct shard_state *state, const struct record_view *view, uint8_t hash[32])
{
    uint8_t after[32];
    int error = shard_state_apply(state, view);
    ASSERT(error == 0 || error == -ERR_CORRUPT || error == -ERR_LIMIT);
    ASSERT((error == -ERR_CORRUPT) == (shard_state_reason(state)[0] != 0));
    int failed = shard_state_hash(state, after);
    ASSERT(failed == 0);
    ASSERT((memcmp(hash, after, sizeof after) == 0) == (error != 0));
    memcpy(hash, after, sizeof after);
}

/* Bytes of the record at `at`, if it can be one at all; 0 when not. */
static size_t record_bytes(const char *at, size_t bytes)
{
    struct record_head head;
    if (bytes < sizeof head)
        return 0;
    memcpy(&head, at, sizeof head);
    return head.bytes < sizeof head || head.bytes > bytes || head.bytes % 8 != 0 ? 0 : head.bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t bytes)
{
    struct shard_state *state;
    uint8_t hash[32];
    if (bytes < 1 || bytes > INPUT_BYTES_MAX)
        return 0;
    size_t left = bytes - 1;
    memcpy(records, at + 1, left);
    int error = shard_state_new(&limits, &state);
    ASSERT(error == 0);
    error = shard_state_hash(state, hash);
    ASSERT(error == 0);
    char *next = records;
    for (size_t taken; (taken = record_bytes(next, left)) > 0; next += taken, left -= taken) {
        struct record_view view;
        repair((struct record_head *)(void *)next, at[0], state);
        if (record_view_of(next, left, &view) < 0)
            continue;
        if ((at[0] & LOOK_AHEAD) != 0)
            shard_state_prefetch(state, &view);
        check_encoding(&view);
        apply(state, &view, hash);
        check_json(&view, state);
    }
    struct record_view none;
    ASSERT(left == 0 || record_view_of(next, left, &none) == -ERR_CORRUPT);
    error = shard_state_check(state);
    ASSERT(error == 0);
    shard_state_free(state);
    return 0;
}
