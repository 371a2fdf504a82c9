/* reads.c - prices and the catalogue over plain HTTP (CONTRACT, "HTTP"; S1: reads may be stale and
 * say so). */
#include "roles/odds/odds_calls.h"

#include "base/json_write.h"
#include "base/rfc3339.h"
#include "net/http/http_reply.h"
#include "net/http/http_url.h"

#define JSON_TYPE SLICE("application/json")

/* ---- staleness ---- */

/* Milliseconds since the market's provider was last heard of; -1: its lease holds, or the market
 * is over and nothing more will be said of it. */
static int64_t stale_ms(const struct odds_service *s, const struct odds_image *image)
{
    struct slice provider = ODDS_TEXT(image, provider);
    if (s->sources.silence_us == NULL || image->status >= MARKET_CLOSED_STATUS)
        return -1;
    int64_t silence_us = s->sources.silence_us(s->sources.owner, provider);
    if (silence_us == ODDS_PROVIDER_ALIVE)
        return -1;
    if (silence_us != ODDS_PROVIDER_UNKNOWN)
        return silence_us / US_PER_MS;
    return (loop_now(s->loop).us - image->received.us) / US_PER_MS;
}

/* The market with what a stale read says besides. */
static void put_market(struct odds_service *s, struct buf *out, uint32_t slot, int64_t age_ms)
{
    struct slice json = odds_market_json(s, slot);
    if (age_ms < 0 || json.bytes == 0) {
        buf_put_slice(out, json);
        return;
    }
    buf_put(out, json.at, json.bytes - 1); /* without its brace */
    buf_put_char(out, ',');
    odds_json_stale(out, age_ms);
    buf_put_char(out, '}');
}

/* ---- one market ---- */

/* If-None-Match (RFC 9110 section 13.1.2): a list of tags, weak ones compare alike, or '*'. */
static bool has_etag(struct slice header, struct slice etag)
{
    if (slice_is(header, "*"))
        return true;
    for (size_t at = 0; at + etag.bytes <= header.bytes; at++)
        if (memcmp(header.at + at, etag.at, etag.bytes) == 0)
            return true; /* the quotes are part of it, so it is a whole tag */
    return false;
}

static const struct odds_image *find_image(struct odds_service *s, struct slice id,
                                           uint32_t *ret_slot)
{
    *ret_slot = market_index_find(&s->index, id);
    const struct odds_image *image =
        *ret_slot == SLOT_NONE ? NULL : s->store->ops->get(s->store, id);
    metrics_count(image != NULL ? &s->stats.store_hits : &s->stats.store_misses, 1);
    return image;
}

/* The header lines of an answer that is no page. */
struct lines {
    char memory[160];
    struct buf buf;
};

static struct slice put_lines(struct lines *lines, const struct odds_image *image,
                              struct slice more)
{
    lines->buf = buf_over(lines->memory, sizeof lines->memory);
    odds_put_validator(&lines->buf, image->odds_version);
    buf_put_slice(&lines->buf, more);
    ASSERT(!lines->buf.overflow);
    return buf_slice(&lines->buf);
}

/* What is stale may be the same version again when it is not any more, so nobody keeps it under
 * that version's tag. */
static struct slice put_stale_lines(struct lines *lines, struct slice more)
{
    lines->buf = buf_over(lines->memory, sizeof lines->memory);
    buf_put_slice(&lines->buf, SLICE("Cache-Control: no-store\r\n"));
    buf_put_slice(&lines->buf, more);
    ASSERT(!lines->buf.overflow);
    return buf_slice(&lines->buf);
}

/* From the pre-encoded page, unless it must say more: that it is stale, or `more` lines. */
static void reply_market(struct odds_service *s, struct http_reply_to to, uint32_t slot,
                         const struct odds_image *image, struct slice more)
{
    const struct market_entry *market = &s->index.markets[slot];
    int64_t age_ms = stale_ms(s, image);
    if (market->page == NULL)
        (void)odds_market_json(s, slot); /* encoded now, kept or not */
    if (age_ms < 0 && more.bytes == 0 && market->page != NULL) {
        http_reply_page(to, market->page, market->page_head_bytes);
        return;
    }
    struct lines lines;
    struct buf out = buf_over(s->out, OUT_BYTES + ODDS_JSON_MARKET_BYTES_MAX);
    put_market(s, &out, slot, age_ms);
    http_reply(to, 200, JSON_TYPE,
               age_ms >= 0 ? put_stale_lines(&lines, more) : put_lines(&lines, image, more),
               buf_slice(&out));
}

static bool is_known(struct slice header, const struct odds_image *image)
{
    char memory[32];
    struct buf tag = buf_over(memory, sizeof memory);
    odds_put_etag(&tag, image->odds_version);
    return has_etag(header, buf_slice(&tag));
}

void reads_market(struct odds_service *s, struct http_request *request, struct slice id)
{
    char memory[MARKET_ID_BYTES_MAX];
    struct buf decoded = buf_over(memory, sizeof memory);
    struct lines lines;
    uint32_t slot = SLOT_NONE;
    const struct odds_image *image = NULL;
    if (http_url_decode(id, false, &decoded, &id) == 0)
        image = find_image(s, id, &slot);
    if (image == NULL) {
        http_reply_problem(request->reply_to, 404, "MARKET_NOT_FOUND", SLICE_NONE);
        return;
    }
    struct slice known = http_request_header(request, "if-none-match");
    if (known.bytes == 0 || !is_known(known, image) || stale_ms(s, image) >= 0)
        reply_market(s, request->reply_to, slot, image, SLICE_NONE);
    else if (!reads_wait(s, request, slot))
        http_reply(request->reply_to, 304, SLICE_NONE, put_lines(&lines, image, SLICE_NONE),
                   SLICE_NONE);
}

void reads_answer(struct odds_service *s, struct http_reply_to to, uint32_t slot, uint64_t known)
{
    static const char applied[] = "Preference-Applied: wait\r\n";
    struct slice more = slice_of(applied, sizeof applied - 1);
    struct lines lines;
    const struct odds_image *image =
        s->store->ops->get(s->store, market_entry_id(&s->index.markets[slot]));
    if (image == NULL)
        http_reply_problem(to, 404, "MARKET_NOT_FOUND", SLICE_NONE);
    else if (image->odds_version == known && stale_ms(s, image) < 0)
        http_reply(to, 304, SLICE_NONE, put_lines(&lines, image, more), SLICE_NONE);
    else
        reply_market(s, to, slot, image, more);
}

/* ---- a batch ---- */

struct batch {
    struct buf *out;
    struct buf unknown; /* ids as JSON strings with commas */
    size_t count, found;
};

/* False: the id is no good text. */
static bool put_one(struct odds_service *s, struct batch *batch, struct slice encoded)
{
    char memory[HTTP_TARGET_BYTES_MAX];
    struct buf decoded = buf_over(memory, sizeof memory);
    struct slice id;
    uint32_t slot;
    if (http_url_decode(encoded, true, &decoded, &id) < 0)
        return false;
    const struct odds_image *image = find_image(s, id, &slot);
    if (image == NULL) {
        if (batch->unknown.bytes > 0)
            buf_put_char(&batch->unknown, ',');
        json_write_string(&batch->unknown, id);
        return true;
    }
    if (batch->found++ > 0)
        buf_put_char(batch->out, ',');
    put_market(s, batch->out, slot, stale_ms(s, image));
    return true;
}

/* All values of market_id; NULL: good, else the problem's code. */
static const char *put_batch(struct odds_service *s, struct batch *batch, struct slice query)
{
    while (query.bytes > 0) {
        struct slice ids = slice_next(&query, '&');
        struct slice name = slice_next(&ids, '=');
        if (!slice_is(name, "market_id"))
            return "UNKNOWN_PARAMETER";
        while (ids.bytes > 0) {
            if (batch->count++ == (size_t)s->options.limits.batch_markets_max) {
                odds_limit_hit(s, ODDS_LIMIT_batch_markets_max);
                return "TOO_MANY_MARKETS";
            }
            if (!put_one(s, batch, slice_next(&ids, ',')))
                return "BAD_MARKET_ID";
        }
    }
    return batch->count > 0 ? NULL : "MARKET_ID_REQUIRED";
}

void reads_batch(struct odds_service *s, struct http_request *request)
{
    char unknown[6 * HTTP_TARGET_BYTES_MAX + 512];
    struct buf out = buf_over(s->markets, s->markets_bytes);
    struct batch batch = {.out = &out, .unknown = buf_over(unknown, sizeof unknown)};
    buf_put_text(&out, "{\"markets\":[");
    const char *code = put_batch(s, &batch, request->query);
    buf_put_text(&out, "],\"unknown\":[");
    buf_put_slice(&out, buf_slice(&batch.unknown));
    buf_put_text(&out, "]}");
    if (code != NULL) {
        http_reply_problem(request->reply_to, 400, code, SLICE_NONE);
    } else if (out.overflow || batch.unknown.overflow) {
        odds_limit_hit(s, ODDS_LIMIT_reply_bytes_max);
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
    } else {
        http_reply(request->reply_to, 200, JSON_TYPE, SLICE("Cache-Control: no-cache\r\n"),
                   buf_slice(&out));
    }
}

/* ---- the catalogue ---- */

struct catalogue_query {
    struct slice sport;
    bool has_status, in_play_only;
    enum market_status status;
    uint32_t cursor;
};

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static bool is_wanted(const struct catalogue_query *query, const struct odds_image *image)
{
    return image != NULL && (!query->has_status || image->status == (uint8_t)query->status) &&
           (!query->in_play_only || image->in_play);
}

static void put_row(struct json_writer *writer, const struct odds_image *image)
{
    json_write_object_open(writer);
    put_text(writer, "market_id", ODDS_TEXT(image, market_id));
    put_text(writer, "name", ODDS_TEXT(image, name));
    put_text(writer, "kind", ODDS_TEXT(image, kind));
    put_text(writer, "status", slice_text(market_status_text((enum market_status)image->status)));
    json_write_key(writer, "in_play");
    json_write_bool(writer, image->in_play);
    json_write_object_close(writer);
}

static void put_count(struct json_writer *writer, const char *name, unsigned count)
{
    json_write_key(writer, name);
    json_write_u64(writer, count);
}

static void put_scoreboard(const struct odds_service *s, struct json_writer *writer,
                           struct slice event_id)
{
    struct odds_scoreboard board;
    if (s->options.scoreboard == NULL ||
        !s->options.scoreboard(s->options.scoreboard_owner, event_id, &board))
        return;
    json_write_key(writer, "scoreboard");
    json_write_object_open(writer);
    put_count(writer, "home", board.home);
    put_count(writer, "away", board.away);
    put_count(writer, "reds_home", board.reds_home);
    put_count(writer, "reds_away", board.reds_away);
    put_count(writer, "minute", board.minute);
    put_text(writer, "phase", slice_text(board.phase));
    json_write_object_close(writer);
}

static void put_event_head(const struct odds_service *s, struct json_writer *writer,
                           const struct odds_image *image)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf start = buf_over(memory, sizeof memory);
    json_write_object_open(writer);
    put_text(writer, "event_id", ODDS_TEXT(image, event_id));
    put_text(writer, "name", ODDS_TEXT(image, event_name));
    put_text(writer, "sport", ODDS_TEXT(image, sport));
    if (image->start_time.us != 0)
        rfc3339_write(&start, image->start_time);
    if (start.bytes > 0 && !start.overflow)
        put_text(writer, "start_time", buf_slice(&start));
    put_scoreboard(s, writer, ODDS_TEXT(image, event_id));
    json_write_key(writer, "markets");
    json_write_array_open(writer);
}

/* Writes the event when the query wants it. False: nothing was written. */
static bool put_event(struct odds_service *s, struct json_writer *writer, uint32_t slot,
                      const struct catalogue_query *query)
{
    bool begun = false, in_play = false;
    uint32_t at = s->index.groups[GROUP_EVENT][slot].first;
    for (; at != SLOT_NONE; at = s->index.markets[at].next[GROUP_EVENT]) {
        const struct odds_image *image =
            s->store->ops->get(s->store, market_entry_id(&s->index.markets[at]));
        if (!is_wanted(query, image) ||
            (query->sport.bytes > 0 && !slice_equal(query->sport, ODDS_TEXT(image, sport))))
            continue;
        if (!begun)
            put_event_head(s, writer, image);
        begun = true;
        in_play |= image->in_play;
        put_row(writer, image);
    }
    if (!begun)
        return false;
    json_write_array_close(writer);
    json_write_key(writer, "in_play");
    json_write_bool(writer, in_play);
    json_write_object_close(writer);
    return true;
}

/* Writes events from the cursor on; answers where the next page begins, or SLOT_NONE. */
static uint32_t put_events(struct odds_service *s, struct json_writer *writer,
                           const struct catalogue_query *query)
{
    uint32_t end = s->index.groups_pool[GROUP_EVENT].end;
    struct buf *out = writer->buf;
    size_t room = (size_t)s->options.limits.reply_bytes_max;
    int64_t count = 0;
    for (uint32_t slot = query->cursor; slot < end; slot++) {
        struct buf before = *out;
        bool comma = writer->comma;
        if (count == s->options.limits.page_events_max)
            return slot;
        if (!put_event(s, writer, slot, query))
            continue;
        if (count > 0 && (out->overflow || out->bytes > room)) {
            *out = before; /* it is the first of the next page */
            writer->comma = comma;
            return slot;
        }
        count++;
    }
    return SLOT_NONE;
}

static bool parse_cursor(struct slice text, uint32_t *ret)
{
    uint32_t number = 0;
    if (text.bytes == 0 || text.bytes > 8)
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(text.at[i] - '0');
    }
    *ret = number;
    return true;
}

/* NULL: good; else the problem's code. */
static const char *read_query(struct slice query, struct buf *memory, struct catalogue_query *ret)
{
    struct slice text;
    int result = http_url_query_text(query, "sport", memory, &ret->sport);
    if (result < 0 && result != -ERR_NOT_FOUND)
        return "BAD_SPORT";
    if (http_url_query(query, "status", &text) && text.bytes > 0) {
        ret->in_play_only = slice_is(text, "in_play");
        ret->has_status = !ret->in_play_only;
        if (ret->has_status && !market_status_parse(text, &ret->status))
            return "BAD_STATUS";
    }
    if (http_url_query(query, "cursor", &text) && !parse_cursor(text, &ret->cursor))
        return "BAD_CURSOR";
    return NULL;
}

void reads_events(struct odds_service *s, struct http_request *request)
{
    char memory[HTTP_TARGET_BYTES_MAX];
    struct buf names = buf_over(memory, sizeof memory),
               out = buf_over(s->markets, s->markets_bytes);
    struct catalogue_query query = {.sport = SLICE_NONE};
    const char *code = read_query(request->query, &names, &query);
    if (code != NULL) {
        http_reply_problem(request->reply_to, 400, code, SLICE_NONE);
        return;
    }
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    json_write_key(&writer, "events");
    json_write_array_open(&writer);
    uint32_t next = put_events(s, &writer, &query);
    json_write_array_close(&writer);
    if (next != SLOT_NONE) {
        char digits[16];
        struct buf cursor = buf_over(digits, sizeof digits);
        buf_put_u64(&cursor, next);
        put_text(&writer, "next_cursor", buf_slice(&cursor));
    }
    json_write_object_close(&writer);
    if (out.overflow) {
        odds_limit_hit(s, ODDS_LIMIT_reply_bytes_max);
        http_reply_problem(request->reply_to, 500, "REPLY_TOO_LARGE", SLICE_NONE);
        return;
    }
    http_reply(request->reply_to, 200, JSON_TYPE, SLICE("Cache-Control: no-cache\r\n"),
               buf_slice(&out));
}
