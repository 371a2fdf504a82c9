/* odds_source.c - contract in odds_source.h. */
#include "app/odds_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/odds_json.h"

#define SEEKS_MAX 8

struct odds_source {
    struct event_source source;
    struct odds_source_ports ports;
    uint64_t behind;  /* changes below this position were told */
    uint64_t counted; /* changes of the writer's process that were visited */
    uint64_t gaps;
    event_visit visit; /* of the step under way */
    void *owner;
    struct odds_image *image; /* owned: room for a whole one */
    char value[EVENT_VALUE_BYTES_MAX];
};

static struct odds_source *source_of(struct event_source *source)
{
    return (struct odds_source *)source;
}

/* ---- images ---- */

static void put_text(char *to, uint8_t *to_bytes, size_t capacity, struct slice from)
{
    size_t bytes = from.bytes < capacity ? from.bytes : capacity; /* the log's limits are these */
    if (bytes > 0)
        memcpy(to, from.at, bytes);
    *to_bytes = (uint8_t)bytes;
}

static struct odds_selection *selection_of(struct odds_image *image, struct slice id)
{
    for (size_t i = 0; i < image->selections_count; i++)
        if (slice_equal(slice_of(image->selections[i].id, image->selections[i].id_bytes), id))
            return &image->selections[i];
    if (image->selections_count == SELECTIONS_MAX)
        return NULL;
    struct odds_selection *added = &image->selections[image->selections_count++];
    memset(added, 0, sizeof *added);
    put_text(added->id, &added->id_bytes, sizeof added->id, id);
    return added;
}

/* The market as it was, or nothing yet, and on top of it what changed. */
static void apply(struct odds_source *s, const struct odds_log_change *change)
{
    struct odds_image *image = s->image;
    const struct odds_image *old = s->ports.images->ops->get(s->ports.images, change->market_id);
    memset(image, 0, sizeof *image);
    if (old != NULL)
        memcpy(image, old, odds_image_bytes(old->selections_count));
    put_text(image->market_id, &image->market_id_bytes, sizeof image->market_id, change->market_id);
    put_text(image->event_id, &image->event_id_bytes, sizeof image->event_id, change->event_id);
    put_text(image->provider, &image->provider_bytes, sizeof image->provider, change->provider);
    image->status = (uint8_t)change->status;
    image->odds_version = change->odds_version;
    image->updated = change->received;
    image->feed_time = change->feed_time;
    for (size_t i = 0; i < change->selections_count; i++) {
        struct odds_selection *selection = selection_of(image, change->selections[i].id);
        if (selection == NULL)
            continue;
        selection->odds = change->selections[i].odds;
        selection->status = (uint8_t)change->selections[i].status;
    }
}

/* Those whose status is at least this. */
static void drop(struct odds_store *images, enum market_status least)
{
    char memory[MARKET_ID_BYTES_MAX];
    for (size_t slot = 0; slot < images->ops->slots(images); slot++) {
        const struct odds_image *image = images->ops->at(images, slot);
        if (image == NULL || image->status < least)
            continue;
        size_t bytes = image->market_id_bytes;
        memcpy(memory, image->market_id, bytes);
        images->ops->remove(images, slice_of(memory, bytes));
    }
}

/* When there is no room, markets that ended go: they come back whole, if they do, for the book
 * forgets them as well. */
static void keep(struct odds_source *s)
{
    struct odds_store *images = s->ports.images;
    if (images->ops->put(images, s->image) != ODDS_PUT_FULL)
        return;
    drop(images, MARKET_CLOSED_STATUS);
    (void)images->ops->put(images, s->image); /* full again: its next message is of what changes */
}

/* ---- messages ---- */

static void put_member(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

static void put_time(struct json_writer *writer, const char *key, struct instant instant)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, instant);
    if (instant.us != 0 && !text.overflow)
        put_member(writer, key, buf_slice(&text));
}

static void put_selections(struct json_writer *writer, const struct odds_image *image)
{
    json_write_key(writer, "selections");
    json_write_array_open(writer);
    for (size_t i = 0; i < image->selections_count; i++) {
        const struct odds_selection *selection = &image->selections[i];
        json_write_object_open(writer);
        put_member(writer, "id", slice_of(selection->id, selection->id_bytes));
        odds_json_put(writer, selection->odds);
        put_member(writer, "status",
                   slice_text(selection_status_text((enum selection_status)selection->status)));
        json_write_object_close(writer);
    }
    json_write_array_close(writer);
}

static void write_value(const struct odds_image *image, struct buf *value)
{
    struct json_writer writer = json_write_begin(value);
    json_write_object_open(&writer);
    put_member(&writer, "market_id", ODDS_TEXT(image, market_id));
    put_member(&writer, "event_id", ODDS_TEXT(image, event_id));
    put_member(&writer, "provider", ODDS_TEXT(image, provider));
    put_member(&writer, "status",
               slice_text(market_status_text((enum market_status)image->status)));
    json_write_key(&writer, "odds_version");
    json_write_u64(&writer, image->odds_version);
    put_time(&writer, "updated_at", image->updated);
    put_time(&writer, "feed_timestamp", image->feed_time);
    put_selections(&writer, image);
    json_write_object_close(&writer);
}

static int visit_change(struct odds_source *s, uint64_t position)
{
    char memory[EVENT_SEQ_BYTES_MAX];
    struct buf seq = buf_over(memory, sizeof memory);
    struct buf value = buf_over(s->value, sizeof s->value);
    buf_printf(&seq, "%u-%llu", s->ports.shard, (unsigned long long)position);
    write_value(s->image, &value);
    ASSERT(!value.overflow);
    const struct event event = {.key = ODDS_TEXT(s->image, market_id),
                                .value = buf_slice(&value),
                                .seq = buf_slice(&seq),
                                .position = position,
                                .time_us = s->image->updated.us};
    return s->visit(s->owner, &event);
}

static int on_change(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct odds_source *s = owner;
    apply(s, change);
    keep(s);
    if (position >= s->ports.cursor->ops->begun(s->ports.cursor))
        __atomic_store_n(&s->counted, s->counted + 1, __ATOMIC_RELAXED);
    return position >= s->behind ? visit_change(s, position) : 0;
}

/* ---- the port ---- */

static int source_seek(struct event_source *source, uint64_t position)
{
    struct odds_source *s = source_of(source);
    drop(s->ports.images, (enum market_status)0);
    s->behind = position;
    s->counted = 0;
    int error = -ERR_NOT_FOUND; /* a segment was deleted between two looks */
    for (int tries = 0; error == -ERR_NOT_FOUND && tries < SEEKS_MAX; tries++)
        error = s->ports.cursor->ops->seek(s->ports.cursor, position);
    return error;
}

static int source_step(struct event_source *source, size_t bytes_max, event_visit visit,
                       void *owner, uint64_t *ret_position)
{
    struct odds_source *s = source_of(source);
    uint64_t position = 0;
    s->visit = visit;
    s->owner = owner;
    int more = s->ports.cursor->ops->step(s->ports.cursor, bytes_max, on_change, s, &position);
    if (more == -ERR_NOT_FOUND) { /* deleted meanwhile: from the oldest that is kept */
        __atomic_store_n(&s->gaps, s->gaps + 1, __ATOMIC_RELAXED);
        TRY(source_seek(source, s->behind));
        *ret_position = s->behind;
        return 1;
    }
    TRY(more);
    if (position > s->behind)
        s->behind = position;
    *ret_position = s->behind;
    return more;
}

static uint64_t source_lag(const struct event_source *source)
{
    const struct odds_source *s = (const struct odds_source *)source;
    uint64_t appended = s->ports.cursor->ops->appended(s->ports.cursor);
    return appended > s->counted ? appended - s->counted : 0;
}

static void source_free(struct event_source *source)
{
    struct odds_source *s = source_of(source);
    free(s->image);
    free(s);
}

static const struct event_source_ops source_ops = {source_seek, source_step, source_lag,
                                                   source_free};

int odds_source_new(const struct odds_source_ports *ports, struct event_source **ret_source)
{
    struct odds_source *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ERR_MEMORY;
    s->source.ops = &source_ops;
    s->ports = *ports;
    s->image = malloc(odds_image_bytes(SELECTIONS_MAX));
    if (s->image == NULL) {
        free(s);
        return -ERR_MEMORY;
    }
    *ret_source = &s->source;
    return 0;
}

uint64_t odds_source_gaps(const struct event_source *source)
{
    return __atomic_load_n(&((const struct odds_source *)source)->gaps, __ATOMIC_RELAXED);
}
