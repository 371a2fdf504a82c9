/* odds_codec.c - contract in odds_codec.h. */
#include "adapters/embedded/odds_codec.h"

#include <string.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "core/ids.h"

#define VARINT_BYTES_MAX 10
#define TEXT_BYTES_MAX   MARKET_ID_BYTES_MAX /* the longest of the texts */

int odds_codec_new(const uint64_t key[2], struct odds_codec *ret_codec)
{
    *ret_codec = (struct odds_codec){.key = {key[0], key[1]}};
    return odds_codec_reset(ret_codec);
}

void odds_codec_free(struct odds_codec *codec)
{
    symbols_free(codec->texts);
    codec->texts = NULL;
}

int odds_codec_reset(struct odds_codec *codec)
{
    symbols_free(codec->texts);
    codec->texts = NULL;
    codec->received_us = 0;
    return symbols_new(ODDS_LOG_TEXTS_MAX, ODDS_LOG_TEXT_BYTES_MAX, codec->key, &codec->texts);
}

bool odds_codec_is_full(const struct odds_codec *codec)
{
    /* texts average far below 64 bytes; should they not, encode answers -ERR_LIMIT */
    return symbols_count(codec->texts) + SELECTIONS_MAX + 3 > ODDS_LOG_TEXTS_MAX;
}

/* --- Encoding --- */

static void put_number(struct buf *buf, uint64_t n)
{
    while (n >= 0x80) {
        buf_put_char(buf, (char)(n | 0x80));
        n >>= 7;
    }
    buf_put_char(buf, (char)n);
}

static uint64_t zigzag(int64_t n)
{
    return (uint64_t)n << 1 ^ (uint64_t)(n >> 63);
}

/* Times come from feeds: what they differ by may wrap, and comes back the same way. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* 0 and the text at its first mention, else its number + 1. */
static int put_text(struct odds_codec *codec, struct buf *buf, struct slice text)
{
    size_t known = symbols_count(codec->texts);
    uint32_t ref = 0;
    if (text.bytes > TEXT_BYTES_MAX)
        return -ERR_LIMIT;
    TRY(symbols_intern(codec->texts, text, &ref));
    if (ref < known) {
        put_number(buf, ref + UINT64_C(1));
        return 0;
    }
    put_number(buf, 0);
    put_number(buf, text.bytes);
    buf_put_slice(buf, text);
    return 0;
}

static int put_selection(struct odds_codec *codec, struct buf *buf,
                         const struct odds_log_selection *selection)
{
    bool known = leg_chances_known(selection->chances);
    TRY(put_text(codec, buf, selection->id));
    put_number(buf, (uint64_t)selection->status << 1 | known);
    put_number(buf, selection->odds.numerator);
    put_number(buf, selection->odds.denominator);
    if (!known)
        return 0;
    put_number(buf, selection->chances.win);
    put_number(buf, selection->chances.half_win);
    put_number(buf, selection->chances.refund);
    put_number(buf, selection->chances.half_lose);
    return 0;
}

static int put_change(struct odds_codec *codec, struct buf *buf,
                      const struct odds_log_change *change)
{
    if (change->selections_count > SELECTIONS_MAX)
        return -ERR_LIMIT;
    TRY(put_text(codec, buf, change->market_id));
    TRY(put_text(codec, buf, change->event_id));
    TRY(put_text(codec, buf, change->provider));
    put_number(buf, (uint64_t)change->status);
    put_number(buf, change->odds_version);
    put_number(buf, zigzag(minus(change->received.us, codec->received_us)));
    put_number(buf, zigzag(minus(change->received.us, change->feed_time.us)));
    put_number(buf, change->selections_count);
    for (size_t i = 0; i < change->selections_count; i++)
        TRY(put_selection(codec, buf, &change->selections[i]));
    return buf->overflow ? -ERR_LIMIT : 0;
}

int odds_codec_encode(struct odds_codec *codec, const struct odds_log_change *change,
                      char *ret_record)
{
    struct buf body = buf_over(ret_record + ODDS_RECORD_HEAD_BYTES, ODDS_LOG_RECORD_BYTES_MAX);
    TRY(put_change(codec, &body, change));
    codec->received_us = change->received.us;
    uint16_t bytes = (uint16_t)body.bytes;
    memcpy(ret_record + 4, &bytes, sizeof bytes);
    uint32_t crc = crc32c(0, ret_record + 4, sizeof bytes + body.bytes);
    memcpy(ret_record, &crc, sizeof crc);
    return (int)(ODDS_RECORD_HEAD_BYTES + body.bytes);
}

/* --- Decoding --- */

static bool get_number(struct slice *from, uint64_t *ret)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX && i < from->bytes; i++) {
        uint64_t part = (unsigned char)from->at[i];
        if (i == VARINT_BYTES_MAX - 1 && part > 1)
            return false;
        n |= (part & 0x7F) << (7 * i);
        if (part < 0x80) {
            *from = slice_skip(*from, i + 1);
            *ret = n;
            return true;
        }
    }
    return false;
}

static bool get_below(struct slice *from, uint64_t limit, uint64_t *ret)
{
    return get_number(from, ret) && *ret < limit;
}

static bool get_text(struct odds_codec *codec, struct slice *from, struct slice *ret)
{
    uint64_t number = 0, bytes = 0;
    uint32_t ref = 0;
    size_t known = symbols_count(codec->texts);
    if (!get_below(from, known + 1, &number))
        return false;
    if (number > 0) {
        *ret = symbols_text(codec->texts, (uint32_t)(number - 1));
        return true;
    }
    if (!get_below(from, TEXT_BYTES_MAX + 1, &bytes) || bytes > from->bytes)
        return false;
    if (symbols_intern(codec->texts, slice_of(from->at, (size_t)bytes), &ref) < 0)
        return false;
    *from = slice_skip(*from, (size_t)bytes);
    *ret = symbols_text(codec->texts, ref);
    return ref == known; /* a text is written out once only */
}

static bool get_chance(struct slice *from, uint32_t *ret)
{
    uint64_t chance = 0;
    if (!get_below(from, CHANCE_WHOLE + UINT64_C(1), &chance))
        return false;
    *ret = (uint32_t)chance;
    return true;
}

static bool get_chances(struct slice *from, struct leg_chances *ret)
{
    return get_chance(from, &ret->win) && get_chance(from, &ret->half_win) &&
           get_chance(from, &ret->refund) && get_chance(from, &ret->half_lose) &&
           leg_chances_known(*ret);
}

static bool get_selection(struct odds_codec *codec, struct slice *from,
                          struct odds_log_selection *ret)
{
    uint64_t status = 0, numerator = 0, denominator = 0;
    if (!get_text(codec, from, &ret->id) || !get_below(from, (SELECTION_VOID + 1) * 2, &status))
        return false;
    if (!get_below(from, UINT64_C(1) << 32, &numerator) ||
        !get_below(from, UINT64_C(1) << 32, &denominator))
        return false;
    ret->status = (enum selection_status)(status >> 1);
    ret->odds = (struct odds){(uint32_t)numerator, (uint32_t)denominator};
    ret->chances = (struct leg_chances){.win = 0};
    return (status & 1) == 0 || get_chances(from, &ret->chances);
}

static bool get_times(struct odds_codec *codec, struct slice *from, struct odds_log_change *ret)
{
    uint64_t since = 0, behind = 0;
    if (!get_number(from, &since) || !get_number(from, &behind))
        return false;
    /* unsigned: what a hostile file adds up to may wrap, and must not be undefined */
    uint64_t received = (uint64_t)codec->received_us + (uint64_t)unzigzag(since);
    ret->received.us = (int64_t)received;
    ret->feed_time.us = (int64_t)(received - (uint64_t)unzigzag(behind));
    return true;
}

static bool get_change(struct odds_codec *codec, struct slice from,
                       struct odds_log_selection *selections, struct odds_log_change *ret)
{
    uint64_t status = 0, count = 0;
    if (!get_text(codec, &from, &ret->market_id) || !get_text(codec, &from, &ret->event_id) ||
        !get_text(codec, &from, &ret->provider))
        return false;
    if (!get_below(&from, MARKET_CANCELLED + 1, &status) ||
        !get_number(&from, &ret->odds_version) || !get_times(codec, &from, ret) ||
        !get_below(&from, SELECTIONS_MAX + 1, &count))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (!get_selection(codec, &from, &selections[i]))
            return false;
    ret->status = (enum market_status)status;
    ret->selections = selections;
    ret->selections_count = (size_t)count;
    return from.bytes == 0;
}

int odds_codec_decode(struct odds_codec *codec, struct slice from,
                      struct odds_log_selection *selections, struct odds_log_change *ret_change)
{
    uint32_t crc = 0;
    uint16_t bytes = 0;
    if (from.bytes < ODDS_RECORD_HEAD_BYTES)
        return 0;
    memcpy(&crc, from.at, sizeof crc);
    memcpy(&bytes, from.at + 4, sizeof bytes);
    if (from.bytes - ODDS_RECORD_HEAD_BYTES < bytes ||
        crc != crc32c(0, from.at + 4, sizeof bytes + (size_t)bytes))
        return 0;
    struct slice body = slice_of(from.at + ODDS_RECORD_HEAD_BYTES, bytes);
    if (!get_change(codec, body, selections, ret_change))
        return -ERR_CORRUPT;
    codec->received_us = ret_change->received.us;
    return ODDS_RECORD_HEAD_BYTES + bytes;
}
