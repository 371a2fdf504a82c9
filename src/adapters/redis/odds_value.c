/* odds_value.c - writes what odds_value.h says; odds_value_read.c reads it. */
#include "adapters/redis/odds_value.h"

#include <inttypes.h>

#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/odds_json.h"

static void put_text(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_u64(struct json_writer *writer, const char *key, uint64_t number)
{
    json_write_key(writer, key);
    json_write_u64(writer, number);
}

static void put_i64(struct json_writer *writer, const char *key, int64_t number)
{
    json_write_key(writer, key);
    json_write_i64(writer, number);
}

/* For people and other programs; ours read updated_us. */
static void put_updated_at(struct json_writer *writer, struct instant updated)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, updated);
    put_text(writer, "updated_at", text.overflow ? SLICE("") : buf_slice(&text));
}

static void put_chances(struct json_writer *writer, struct leg_chances chances)
{
    if (!leg_chances_known(chances))
        return;
    const uint32_t parts[] = {chances.win, chances.half_win, chances.refund, chances.half_lose};
    json_write_key(writer, "chances");
    json_write_array_open(writer);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        json_write_u64(writer, parts[i]);
    json_write_array_close(writer);
}

static void put_selection(struct json_writer *writer, const struct odds_selection *s)
{
    json_write_object_open(writer);
    put_text(writer, "id", slice_of(s->id, s->id_bytes));
    odds_json_put(writer, s->odds);
    put_text(writer, "name", slice_of(s->name, s->name_bytes));
    put_text(writer, "status", slice_text(selection_status_text((enum selection_status)s->status)));
    put_chances(writer, s->chances);
    json_write_object_close(writer);
}

static void put_selections(struct json_writer *writer, const struct odds_image *image)
{
    json_write_key(writer, "selections");
    json_write_array_open(writer);
    for (size_t i = 0; i < image->selections_count; i++)
        put_selection(writer, &image->selections[i]);
    json_write_array_close(writer);
}

static void put_names(struct json_writer *writer, const struct odds_image *image)
{
    put_text(writer, "provider", ODDS_TEXT(image, provider));
    put_text(writer, "sport", ODDS_TEXT(image, sport));
    put_text(writer, "event_name", ODDS_TEXT(image, event_name));
    put_text(writer, "name", ODDS_TEXT(image, name));
    put_text(writer, "kind", ODDS_TEXT(image, kind));
}

static void put_pair(struct json_writer *writer, const char *key, const uint8_t pair[2])
{
    json_write_key(writer, key);
    json_write_array_open(writer);
    json_write_u64(writer, pair[0]);
    json_write_u64(writer, pair[1]);
    json_write_array_close(writer);
}

static void put_place_terms(struct json_writer *writer, struct place_terms terms)
{
    if (terms.places == 0)
        return;
    const uint8_t fraction[2] = {terms.numerator, terms.denominator};
    put_u64(writer, "places", terms.places);
    put_pair(writer, "place_fraction", fraction);
}

static void put_state(struct json_writer *writer, const struct odds_image *image)
{
    json_write_key(writer, "in_play");
    json_write_bool(writer, image->in_play);
    put_text(writer, "feed_status",
             slice_text(market_status_text((enum market_status)image->feed_status)));
    put_u64(writer, "holds", image->holds);
    put_u64(writer, "flags", image->flags);
    put_u64(writer, "winners", image->winners);
    put_place_terms(writer, image->place_terms);
    put_pair(writer, "score", image->score);
    put_pair(writer, "red_cards", image->red_cards);
}

static void put_times(struct json_writer *writer, const struct odds_image *image,
                      struct instant received)
{
    put_u64(writer, "provider_version", image->provider_version);
    put_u64(writer, "odds_position", image->odds_position);
    put_i64(writer, "bet_delay_us", image->bet_delay_us);
    put_i64(writer, "updated_us", image->updated.us);
    put_i64(writer, "feed_us", image->feed_time.us);
    put_i64(writer, "start_us", image->start_time.us);
    put_i64(writer, "received_us", received.us);
}

static void put_said(struct json_writer *writer, const struct odds_value_facts *facts)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%016" PRIx64 " %" PRIu64, facts->session, facts->number);
    put_text(writer, "said", buf_slice(&text));
}

/* The script of odds_script.h and odds_message_read() look at how it begins. */
void odds_value_write(struct buf *out, const struct odds_image *image,
                      const struct odds_value_facts *facts)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_u64(&writer, "odds_version", image->odds_version);
    if (facts->number > 0)
        put_said(&writer, facts);
    put_text(&writer, "market_id", ODDS_TEXT(image, market_id));
    put_text(&writer, "event_id", ODDS_TEXT(image, event_id));
    put_text(&writer, "status", slice_text(market_status_text((enum market_status)image->status)));
    put_updated_at(&writer, image->updated);
    if (facts->book != 0)
        put_u64(&writer, "book", facts->book);
    if (facts->removed) {
        json_write_key(&writer, "removed");
        json_write_bool(&writer, true);
        json_write_key(&writer, "selections");
        json_write_raw(&writer, SLICE("[]"));
    } else {
        put_selections(&writer, image);
        put_names(&writer, image);
        put_state(&writer, image);
        put_times(&writer, image, facts->received);
    }
    json_write_object_close(&writer);
}
