/* odds_json.c - contract in odds_json.h. Spelling: CONTRACT, "HTTP" and "WebSocket". */
#include "roles/odds/odds_json.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/odds_json.h"
#include "net/ws/ws_frame.h"

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_time(struct json_writer *writer, const char *key, struct instant instant)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, instant);
    if (instant.us == 0 || text.overflow)
        return; /* not said, or by a feed that says nonsense */
    put_text(writer, key, buf_slice(&text));
}

static void put_selection(struct json_writer *writer, const struct odds_selection *s, bool whole)
{
    json_write_object_open(writer);
    put_text(writer, "id", slice_of(s->id, s->id_bytes));
    if (whole)
        put_text(writer, "name", slice_of(s->name, s->name_bytes));
    odds_json_put(writer, s->odds);
    put_text(writer, "status", slice_text(selection_status_text((enum selection_status)s->status)));
    json_write_object_close(writer);
}

static void put_status(struct json_writer *writer, const struct odds_image *image)
{
    put_text(writer, "status", slice_text(market_status_text((enum market_status)image->status)));
}

/* "places":3,"place_terms":"1/4","each_way_only":true; 0, null and false: to win only. */
static void put_each_way(struct json_writer *writer, const struct odds_image *image)
{
    const struct place_terms *terms = &image->place_terms;
    char memory[16];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(writer, "places");
    json_write_u64(writer, terms->places);
    json_write_key(writer, "place_terms");
    if (terms->places == 0) {
        json_write_null(writer);
    } else {
        buf_printf(&text, "%u/%u", terms->numerator, terms->denominator);
        json_write_text(writer, buf_slice(&text));
    }
    json_write_key(writer, "each_way_only");
    json_write_bool(writer, (image->flags & ODDS_EACH_WAY_ONLY) != 0);
}

static void put_flags(struct json_writer *writer, const struct odds_image *image, bool in_play,
                      bool bet_delay)
{
    if (in_play) {
        json_write_key(writer, "in_play");
        json_write_bool(writer, image->in_play);
    }
    if (bet_delay) {
        json_write_key(writer, "bet_delay_ms");
        json_write_i64(writer, image->bet_delay_us / US_PER_MS);
    }
}

void odds_json_market(struct buf *out, const struct odds_image *image)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_text(&writer, "market_id", ODDS_TEXT(image, market_id));
    put_text(&writer, "event_id", ODDS_TEXT(image, event_id));
    put_text(&writer, "event_name", ODDS_TEXT(image, event_name));
    put_text(&writer, "sport", ODDS_TEXT(image, sport));
    put_text(&writer, "name", ODDS_TEXT(image, name));
    put_text(&writer, "kind", ODDS_TEXT(image, kind));
    put_status(&writer, image);
    json_write_key(&writer, "odds_version");
    json_write_u64(&writer, image->odds_version);
    put_flags(&writer, image, true, true);
    if (image->place_terms.places > 0)
        put_each_way(&writer, image);
    json_write_key(&writer, "selections");
    json_write_array_open(&writer);
    for (size_t i = 0; i < image->selections_count; i++)
        put_selection(&writer, &image->selections[i], true);
    json_write_array_close(&writer);
    put_time(&writer, "start_time", image->start_time);
    put_time(&writer, "feed_ts", image->feed_time);
    put_time(&writer, "updated_at", image->updated);
    json_write_object_close(&writer);
}

void odds_json_stale(struct buf *out, int64_t age_ms)
{
    buf_put_text(out, "\"stale\":true,\"age_ms\":");
    buf_put_i64(out, age_ms);
}

void odds_json_delta(struct buf *out, const struct odds_json_change *change)
{
    const struct odds_image *image = change->image;
    struct json_writer writer = json_write_begin(out);
    put_text(&writer, "market_id", ODDS_TEXT(image, market_id));
    json_write_key(&writer, "odds_version");
    json_write_u64(&writer, image->odds_version);
    put_status(&writer, image);
    put_flags(&writer, image, change->in_play_changed, change->bet_delay_changed);
    if (change->each_way_changed)
        put_each_way(&writer, image);
    json_write_key(&writer, "selections");
    json_write_array_open(&writer);
    for (size_t i = 0; i < change->changed_count; i++) {
        ASSERT(change->changed[i] < image->selections_count);
        put_selection(&writer, &image->selections[change->changed[i]], false);
    }
    json_write_array_close(&writer);
    put_time(&writer, "feed_ts", image->feed_time);
    put_time(&writer, "updated_at", image->updated);
}

void odds_json_open(struct buf *out, const char *op, struct slice channel, uint64_t seq)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_text(&writer, "op", slice_text(op));
    put_text(&writer, "channel", channel);
    if (seq == 0)
        return;
    json_write_key(&writer, "seq");
    json_write_u64(&writer, seq);
}

void odds_json_skipped(struct buf *out, struct slice channel, uint64_t seq, struct slice market_id,
                       uint32_t changes)
{
    odds_json_open(out, "skipped", channel, seq);
    buf_put_text(out, ",\"market_id\":");
    json_write_string(out, market_id);
    buf_put_text(out, ",\"changes\":");
    buf_put_u64(out, changes);
    buf_put_char(out, '}');
}

int odds_json_frame(struct slice a, struct slice b, struct shared_bytes **ret_frame)
{
    char header[WS_HEADER_BYTES_MAX];
    size_t header_bytes = ws_frame_header(header, WS_OPCODE_TEXT, a.bytes + b.bytes, NULL);
    TRY(shared_bytes_new(header_bytes + a.bytes + b.bytes, ret_frame));
    char *at = (*ret_frame)->at;
    memcpy(at, header, header_bytes);
    if (a.bytes > 0)
        memcpy(at + header_bytes, a.at, a.bytes);
    if (b.bytes > 0)
        memcpy(at + header_bytes + a.bytes, b.at, b.bytes);
    return 0;
}

struct slice odds_json_frame_text(const struct shared_bytes *frame)
{
    struct slice frames = shared_bytes_slice(frame), text;
    (void)ws_frame_cut(&frames, &text);
    return text;
}
