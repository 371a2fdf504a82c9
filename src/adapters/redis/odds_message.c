/* odds_message.c - contract in odds_message.h. */
#include "adapters/redis/odds_message.h"

#include <inttypes.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/rfc3339.h"

#define SESSION_DIGITS   16
#define VALID_FOR_US_MAX INT64_C(3600000000)

static bool read_session(struct slice word, uint64_t *ret)
{
    uint64_t session = 0;
    if (word.bytes != SESSION_DIGITS)
        return false;
    for (size_t i = 0; i < word.bytes; i++) {
        char c = word.at[i];
        if (c >= '0' && c <= '9')
            session = session << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            session = session << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ret = session;
    return true;
}

static bool read_number(struct slice word, uint64_t *ret)
{
    uint64_t number = 0;
    if (word.bytes == 0 || word.bytes > 18)
        return false;
    for (size_t i = 0; i < word.bytes; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(word.at[i] - '0');
    }
    *ret = number;
    return true;
}

static int read_lease(struct slice text, struct odds_message *ret)
{
    char scratch[256];
    struct json_reader json;
    struct slice key, provider = SLICE_NONE;
    int64_t valid_for_us = -1;
    json_begin(&json, text, scratch, sizeof scratch);
    if (json_object_begin(&json))
        while (json_object_next(&json, &key)) {
            if (slice_is(key, "provider"))
                (void)json_string(&json, &provider);
            else if (slice_is(key, "valid_for_us"))
                (void)json_i64(&json, &valid_for_us);
            else
                (void)json_skip(&json);
        }
    if (json_end(&json) < 0 || provider.bytes == 0 || provider.bytes > PROVIDER_ID_BYTES_MAX ||
        valid_for_us < 0 || valid_for_us > VALID_FOR_US_MAX)
        return -ERR_FORMAT;
    memcpy(ret->provider, provider.at, provider.bytes);
    ret->provider_bytes = (uint8_t)provider.bytes;
    ret->valid_for_us = valid_for_us;
    return 0;
}

static bool read_slot(struct json_reader *json, uint16_t *ret)
{
    int64_t slot = -1;
    if (!json_array_next(json) || !json_i64(json, &slot) || slot < 0 || slot >= REDIS_SLOTS)
        return false;
    *ret = (uint16_t)slot;
    return true;
}

static void read_ranges(struct json_reader *json, struct odds_claim *claim)
{
    if (!json_array_begin(json))
        return;
    while (json_array_next(json)) {
        struct redis_range range = {0};
        if (claim->ranges_count == ODDS_CLAIM_RANGES_MAX || !json_array_begin(json) ||
            !read_slot(json, &range.first) || !read_slot(json, &range.last) ||
            json_array_next(json) || range.last < range.first) {
            json_fail(json);
            return;
        }
        claim->ranges[claim->ranges_count++] = range;
    }
}

uint64_t odds_book_number(const uint8_t book_id[16])
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | book_id[i];
    number &= INT64_MAX;
    return number == 0 ? 1 : number;
}

static int read_claim(struct slice text, struct odds_claim *ret)
{
    struct json_reader json;
    struct slice key;
    int64_t epoch = -1, book = 0;
    struct odds_claim claim = {.sent_us = -1, .behind_us = -1};
    json_begin(&json, text, NULL, 0);
    if (json_object_begin(&json))
        while (json_object_next(&json, &key)) {
            if (slice_is(key, "epoch"))
                (void)json_i64(&json, &epoch);
            else if (slice_is(key, "book"))
                (void)json_i64(&json, &book);
            else if (slice_is(key, "sent_us"))
                (void)json_i64(&json, &claim.sent_us);
            else if (slice_is(key, "behind_us"))
                (void)json_i64(&json, &claim.behind_us);
            else if (slice_is(key, "slots"))
                read_ranges(&json, &claim);
            else
                (void)json_skip(&json);
        }
    if (json_end(&json) < 0 || epoch < 0 || book < 0 || claim.sent_us < 0 || claim.behind_us < 0 ||
        claim.behind_us > claim.sent_us)
        return -ERR_FORMAT;
    claim.epoch = (uint64_t)epoch;
    claim.book = (uint64_t)book;
    *ret = claim;
    return 0;
}

void odds_claim_write(struct buf *out, const struct odds_claim *claim)
{
    buf_printf(out,
               "{\"book\":%" PRIu64 ",\"epoch\":%" PRIu64 ",\"sent_us\":%" PRId64
               ",\"behind_us\":%" PRId64 ",\"slots\":[",
               claim->book, claim->epoch, claim->sent_us, claim->behind_us);
    for (unsigned i = 0; i < claim->ranges_count; i++)
        buf_printf(out, "%s[%u,%u]", i == 0 ? "" : ",", claim->ranges[i].first,
                   claim->ranges[i].last);
    buf_put_text(out, "]}");
    ASSERT(!out->overflow);
}

void odds_lease_write(struct buf *out, struct slice provider, uint64_t epoch, int64_t valid_for_us)
{
    buf_put_text(out, "{\"provider\":");
    json_write_string(out, provider);
    buf_printf(out, ",\"epoch\":%" PRIu64 ",\"valid_for_us\":%" PRId64 "}", epoch, valid_for_us);
    ASSERT(!out->overflow);
}

void odds_lease_write_value(struct buf *out, uint64_t epoch, struct instant valid_until)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf until = buf_over(memory, sizeof memory);
    rfc3339_write(&until, valid_until);
    buf_printf(out, "{\"epoch\":%" PRIu64 ",\"valid_until\":\"%.*s\"}", epoch,
               SLICE_ARG(buf_slice(&until)));
    ASSERT(!out->overflow);
}

/* Takes a text off the front; false: it does not stand there. */
static bool cut_text(struct slice *text, struct slice front)
{
    if (!slice_begins(*text, front))
        return false;
    *text = slice_skip(*text, front.bytes);
    return true;
}

static struct slice cut_digits(struct slice *text)
{
    size_t bytes = 0;
    while (bytes < text->bytes && text->at[bytes] >= '0' && text->at[bytes] <= '9')
        bytes++;
    struct slice digits = slice_of(text->at, bytes);
    *text = slice_skip(*text, bytes);
    return digits;
}

static int read_value(struct slice value, struct odds_message *ret)
{
    uint64_t version;
    struct odds_message message = {.kind = ODDS_MESSAGE_VALUE, .value = value};
    if (!cut_text(&value, SLICE("{\"odds_version\":")) ||
        !read_number(cut_digits(&value), &version))
        return -ERR_FORMAT;
    if (cut_text(&value, SLICE(",\"said\":\"")) &&
        (!read_session(slice_next(&value, ' '), &message.session) ||
         !read_number(cut_digits(&value), &message.number) || message.number == 0 ||
         !cut_text(&value, SLICE("\""))))
        return -ERR_FORMAT;
    *ret = message;
    return 0;
}

int odds_message_read(struct slice payload, struct odds_message *ret_message)
{
    struct odds_message message = {.kind = ODDS_MESSAGE_ALIVE};
    uint64_t before;
    if (slice_begins(payload, SLICE("{")))
        return read_value(payload, ret_message);
    struct slice session = slice_next(&payload, ' '), number = slice_next(&payload, ' ');
    struct slice kind = slice_next(&payload, ' ');
    if (!read_number(number, &message.number))
        return -ERR_FORMAT;
    if (message.number == 0 ? !slice_is(session, "-") : !read_session(session, &message.session))
        return -ERR_FORMAT;
    if (slice_is(kind, "lease")) {
        message.kind = ODDS_MESSAGE_LEASE;
        TRY(read_lease(payload, &message));
    } else if (slice_is(kind, "alive") && payload.bytes > 0) {
        TRY(read_claim(payload, &message.claim));
    } else if (read_number(kind, &before)) {
        message.kind = ODDS_MESSAGE_VALUE;
        message.value = payload;
    } else if (kind.bytes == 0) {
        return -ERR_FORMAT;
    }
    *ret_message = message;
    return 0;
}
