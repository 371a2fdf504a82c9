/* odds_value_read.c - reads what odds_value.c writes, strictly: contract in odds_value.h. */
#include "adapters/redis/odds_value.h"

#include "base/error.h"
#include "base/json_read.h"

#define VERSION_MAX (INT64_C(1) << 53)

enum seen {
    SEEN_MARKET_ID = 1,
    SEEN_EVENT_ID = 2,
    SEEN_VERSION = 4,
    SEEN_STATUS = 8,
    SEEN_SELECTIONS = 16,
    SEEN_UPDATED = 32,
    SEEN_ALL = 63,
};

struct reading {
    struct json_reader json;
    struct odds_image *image;
    struct odds_value_facts *facts;
    unsigned seen;
    bool too_large;
};

static void fail_large(struct reading *r)
{
    r->too_large = true;
    json_fail(&r->json);
}

/* A member that comes twice leaves nothing of the first. */
static void take_text(struct reading *r, char *to, size_t capacity, uint8_t *to_bytes)
{
    struct slice text;
    if (!json_string(&r->json, &text))
        return;
    if (text.bytes > capacity) {
        fail_large(r);
        return;
    }
    memset(to, 0, capacity);
    if (text.bytes > 0)
        memcpy(to, text.at, text.bytes);
    *to_bytes = (uint8_t)text.bytes;
}

static int64_t take_number(struct reading *r, int64_t least, int64_t most)
{
    int64_t number = least;
    if (json_i64(&r->json, &number) && (number < least || number > most))
        json_fail(&r->json);
    return number;
}

static uint8_t take_byte(struct reading *r)
{
    return (uint8_t)take_number(r, 0, UINT8_MAX);
}

static void take_pair(struct reading *r, uint8_t to[2])
{
    size_t count = 0;
    if (!json_array_begin(&r->json))
        return;
    while (json_array_next(&r->json)) {
        uint8_t byte = take_byte(r);
        if (count < 2)
            to[count] = byte;
        count++;
    }
    if (count != 2)
        json_fail(&r->json);
}

static uint8_t take_market_status(struct reading *r)
{
    struct slice text;
    enum market_status status = MARKET_ACTIVE;
    if (json_string(&r->json, &text) && !market_status_parse(text, &status))
        json_fail(&r->json);
    return (uint8_t)status;
}

/* ---- selections ---- */

static uint8_t take_selection_status(struct reading *r)
{
    struct slice text;
    if (!json_string(&r->json, &text))
        return 0;
    for (int status = SELECTION_ACTIVE; status <= SELECTION_VOID; status++)
        if (slice_is(text, selection_status_text((enum selection_status)status)))
            return (uint8_t)status;
    json_fail(&r->json);
    return 0;
}

static struct odds take_odds(struct reading *r)
{
    struct slice digits;
    struct odds odds = ODDS_NONE;
    if (json_peek(&r->json) == JSON_NULL)
        (void)json_null(&r->json);
    else if (json_number(&r->json, &digits) && odds_parse_decimal(digits, &odds) < 0)
        json_fail(&r->json);
    return odds;
}

static struct odds take_odds_exact(struct reading *r)
{
    struct slice text;
    struct odds odds = ODDS_NONE;
    if (json_string(&r->json, &text) && odds_parse_exact(text, &odds) < 0)
        json_fail(&r->json);
    return odds;
}

static void take_chances(struct reading *r, struct leg_chances *ret)
{
    uint32_t parts[4] = {0};
    size_t count = 0;
    if (!json_array_begin(&r->json))
        return;
    while (json_array_next(&r->json)) {
        uint32_t part = (uint32_t)take_number(r, 0, CHANCE_WHOLE);
        if (count < 4)
            parts[count] = part;
        count++;
    }
    *ret = (struct leg_chances){parts[0], parts[1], parts[2], parts[3]};
    if (count != 4 || !leg_chances_valid(*ret))
        json_fail(&r->json);
}

static void take_selection(struct reading *r, struct odds_selection *s)
{
    struct slice key;
    struct odds exact = ODDS_NONE;
    *s = (struct odds_selection){.odds = ODDS_NONE};
    if (!json_object_begin(&r->json))
        return;
    while (json_object_next(&r->json, &key)) {
        if (slice_is(key, "id"))
            take_text(r, s->id, sizeof s->id, &s->id_bytes);
        else if (slice_is(key, "name"))
            take_text(r, s->name, sizeof s->name, &s->name_bytes);
        else if (slice_is(key, "odds"))
            s->odds = take_odds(r);
        else if (slice_is(key, "odds_exact"))
            exact = take_odds_exact(r);
        else if (slice_is(key, "status"))
            s->status = take_selection_status(r);
        else if (slice_is(key, "chances"))
            take_chances(r, &s->chances);
        else
            (void)json_skip(&r->json);
    }
    if (odds_present(exact))
        s->odds = exact;
    if (s->id_bytes == 0 || s->status == 0)
        json_fail(&r->json);
}

static void take_selections(struct reading *r)
{
    struct odds_image *image = r->image;
    image->selections_count = 0;
    if (!json_array_begin(&r->json))
        return;
    while (json_array_next(&r->json)) {
        if (image->selections_count == SELECTIONS_MAX) {
            fail_large(r);
            return;
        }
        take_selection(r, &image->selections[image->selections_count++]);
    }
}

/* ---- the members: true when this one was taken ---- */

static bool take_contract(struct reading *r, struct slice key)
{
    struct odds_image *image = r->image;
    unsigned seen = 0;
    if (slice_is(key, "market_id")) {
        take_text(r, image->market_id, sizeof image->market_id, &image->market_id_bytes);
        seen = SEEN_MARKET_ID;
    } else if (slice_is(key, "event_id")) {
        take_text(r, image->event_id, sizeof image->event_id, &image->event_id_bytes);
        seen = SEEN_EVENT_ID;
    } else if (slice_is(key, "odds_version")) {
        image->odds_version = (uint64_t)take_number(r, 1, VERSION_MAX - 1);
        seen = SEEN_VERSION;
    } else if (slice_is(key, "status")) {
        image->status = take_market_status(r);
        seen = SEEN_STATUS;
    } else if (slice_is(key, "selections")) {
        take_selections(r);
        seen = SEEN_SELECTIONS;
    } else if (slice_is(key, "updated_at")) {
        (void)json_skip(&r->json);
        seen = SEEN_UPDATED;
    }
    r->seen |= seen;
    return seen != 0;
}

static bool take_name(struct reading *r, struct slice key)
{
    struct odds_image *image = r->image;
    if (slice_is(key, "provider"))
        take_text(r, image->provider, sizeof image->provider, &image->provider_bytes);
    else if (slice_is(key, "sport"))
        take_text(r, image->sport, sizeof image->sport, &image->sport_bytes);
    else if (slice_is(key, "event_name"))
        take_text(r, image->event_name, sizeof image->event_name, &image->event_name_bytes);
    else if (slice_is(key, "name"))
        take_text(r, image->name, sizeof image->name, &image->name_bytes);
    else if (slice_is(key, "kind"))
        take_text(r, image->kind, sizeof image->kind, &image->kind_bytes);
    else
        return false;
    return true;
}

static void take_place_fraction(struct reading *r)
{
    uint8_t fraction[2] = {0, 0};
    take_pair(r, fraction);
    r->image->place_terms.numerator = fraction[0];
    r->image->place_terms.denominator = fraction[1];
}

static bool take_state(struct reading *r, struct slice key)
{
    struct odds_image *image = r->image;
    if (slice_is(key, "in_play"))
        (void)json_bool(&r->json, &image->in_play);
    else if (slice_is(key, "removed"))
        (void)json_bool(&r->json, &r->facts->removed);
    else if (slice_is(key, "feed_status"))
        image->feed_status = take_market_status(r);
    else if (slice_is(key, "holds"))
        image->holds = take_byte(r);
    else if (slice_is(key, "flags"))
        image->flags = take_byte(r);
    else if (slice_is(key, "winners"))
        image->winners = take_byte(r);
    else if (slice_is(key, "places"))
        image->place_terms.places = take_byte(r);
    else if (slice_is(key, "place_fraction"))
        take_place_fraction(r);
    else if (slice_is(key, "score"))
        take_pair(r, image->score);
    else if (slice_is(key, "red_cards"))
        take_pair(r, image->red_cards);
    else
        return false;
    return true;
}

static bool take_time(struct reading *r, struct slice key)
{
    struct odds_image *image = r->image;
    struct {
        const char *key;
        int64_t *to;
    } const times[] = {
        {"updated_us", &image->updated.us},     {"feed_us", &image->feed_time.us},
        {"start_us", &image->start_time.us},    {"received_us", &r->facts->received.us},
        {"bet_delay_us", &image->bet_delay_us},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (slice_is(key, times[i].key)) {
            *times[i].to = take_number(r, INT64_MIN, INT64_MAX);
            return true;
        }
    if (slice_is(key, "provider_version"))
        image->provider_version = (uint64_t)take_number(r, 0, INT64_MAX);
    else if (slice_is(key, "book"))
        r->facts->book = (uint64_t)take_number(r, 0, INT64_MAX);
    else if (slice_is(key, "odds_position"))
        image->odds_position = (uint64_t)take_number(r, 0, INT64_MAX);
    else
        return false;
    return true;
}

static bool is_whole(const struct reading *r)
{
    struct place_terms terms = r->image->place_terms;
    return r->seen == SEEN_ALL && r->image->market_id_bytes > 0 &&
           (terms.places == 0 || place_terms_valid(terms));
}

int odds_value_read(struct slice text, char *scratch, struct odds_image *ret_image,
                    struct odds_value_facts *ret_facts)
{
    struct reading r = {.image = ret_image, .facts = ret_facts};
    struct slice key;
    memset(ret_image, 0, sizeof *ret_image);
    *ret_facts = (struct odds_value_facts){.removed = false};
    json_begin(&r.json, text, scratch, text.bytes);
    if (json_object_begin(&r.json))
        while (json_object_next(&r.json, &key))
            if (!take_contract(&r, key) && !take_name(&r, key) && !take_state(&r, key) &&
                !take_time(&r, key))
                (void)json_skip(&r.json);
    if (json_end(&r.json) < 0)
        return r.too_large ? -ERR_LIMIT : -ERR_FORMAT;
    return is_whole(&r) ? 0 : -ERR_FORMAT;
}
