/* uof_producers.c - contract in uof_producers.h. */
#include "feeds/uof/uof_producers.h"

#include "base/assert.h"
#include "base/buf.h"

struct uof_producer *uof_producers_find(struct uof_producers *producers, uint16_t number)
{
    for (uint32_t i = 0; i < producers->count; i++)
        if (producers->rows[i].number == number)
            return &producers->rows[i];
    return NULL;
}

static void tell_alive(struct uof_producers *producers, const struct uof_producer *producer)
{
    const struct feed_producer told = {.provider = uof_producer_id(producer),
                                       .link = SLICE(UOF_LINK),
                                       .silence_us_max = UOF_SILENCE_US};
    producers->sink->ops->producer(producers->sink, &told);
}

struct uof_producer *uof_producers_meet(struct uof_producers *producers, uint16_t number)
{
    struct uof_producer *producer = uof_producers_find(producers, number);
    if (producer != NULL)
        return producer;
    if (producers->count == UOF_PRODUCERS_MAX)
        return NULL;
    producer = &producers->rows[producers->count++];
    *producer = (struct uof_producer){.number = number, .subscribed = true, .alive_ms = -1};
    struct buf id = buf_over(producer->id, sizeof producer->id);
    buf_printf(&id, UOF_LINK ":%u", number);
    ASSERT(!id.overflow);
    producer->id_bytes = (uint8_t)id.bytes;
    tell_alive(producers, producer);
    return producer;
}

static void set_down(struct uof_producers *producers, struct uof_producer *producer, bool down)
{
    if (producer->down == down)
        return;
    producer->down = down;
    producers->went_down += down;
    producers->came_up += !down;
    producers->sink->ops->late(producers->sink, uof_producer_id(producer), down);
}

void uof_producer_alive(struct uof_producers *producers, struct uof_producer *producer,
                        int64_t timestamp_ms, bool subscribed)
{
    if (timestamp_ms < producer->alive_ms)
        return; /* one that was overtaken says nothing of now */
    bool gap = producer->alive_ms >= 0 && timestamp_ms - producer->alive_ms > UOF_ALIVE_GAP_MS;
    producer->alive_ms = timestamp_ms;
    producer->subscribed = subscribed;
    if (gap || !subscribed)
        set_down(producers, producer, true);
    tell_alive(producers, producer);
}

void uof_producer_recovered(struct uof_producers *producers, struct uof_producer *producer)
{
    if (producer->subscribed)
        set_down(producers, producer, false);
}

void uof_producers_renew(struct uof_producers *producers)
{
    for (uint32_t i = 0; i < producers->count; i++)
        tell_alive(producers, &producers->rows[i]);
}

void uof_producers_lost(struct uof_producers *producers)
{
    for (uint32_t i = 0; i < producers->count; i++)
        set_down(producers, &producers->rows[i], true);
}
