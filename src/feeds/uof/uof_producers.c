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

static void set_down(struct uof_producers *producers, struct uof_producer *producer, bool down)
{
    if (producer->down == down)
        return;
    producer->down = down;
    producer->alives = producer->awaited = 0;
    producers->went_down += down;
    producers->came_up += !down;
    producers->sink->ops->late(producers->sink, uof_producer_id(producer), down);
}

static bool is_asked(const struct uof_producers *producers, uint16_t number)
{
    for (uint32_t i = 0; i < producers->asked_count; i++)
        if (producers->asked[i] == number)
            return true;
    return false;
}

struct uof_producer *uof_producers_meet(struct uof_producers *producers, uint16_t number)
{
    struct uof_producer *producer = uof_producers_find(producers, number);
    if (producer != NULL)
        return producer;
    if (producers->count == UOF_PRODUCERS_MAX)
        return NULL;
    producer = &producers->rows[producers->count++];
    *producer = (struct uof_producer){.number = number,
                                      .asked = is_asked(producers, number),
                                      .subscribed = true,
                                      .alive_ms = -1,
                                      .good_ms = -1};
    struct buf id = buf_over(producer->id, sizeof producer->id);
    buf_printf(&id, UOF_LINK ":%u", number);
    ASSERT(!id.overflow);
    producer->id_bytes = (uint8_t)id.bytes;
    tell_alive(producers, producer);
    if (producer->asked)
        set_down(producers, producer, true);
    return producer;
}

void uof_producer_alive(struct uof_producers *producers, struct uof_producer *producer,
                        int64_t timestamp_ms, bool subscribed)
{
    if (timestamp_ms < producer->alive_ms)
        return; /* one that was overtaken says nothing of now */
    bool gap = producer->alive_ms >= 0 && timestamp_ms - producer->alive_ms > UOF_ALIVE_GAP_MS;
    producer->alive_ms = timestamp_ms;
    producer->subscribed = subscribed;
    if (gap)
        producer->awaited = 0; /* what was asked for does not cover it */
    if (gap || !subscribed)
        set_down(producers, producer, true);
    if (producer->down)
        producer->alives++;
    else
        producer->good_ms = timestamp_ms;
    tell_alive(producers, producer);
}

void uof_producer_recovered(struct uof_producers *producers, struct uof_producer *producer,
                            uint64_t request_id)
{
    bool is_ours = !producer->asked || (request_id != 0 && request_id == producer->awaited);
    if (producer->subscribed && is_ours)
        set_down(producers, producer, false);
}

void uof_producers_ask(struct uof_producers *producers, uint16_t number)
{
    ASSERT(producers->count == 0);
    ASSERT(producers->asked_count < UOF_PRODUCERS_MAX);
    producers->asked[producers->asked_count++] = number;
}

void uof_producers_renew(struct uof_producers *producers)
{
    for (uint32_t i = 0; i < producers->count; i++)
        tell_alive(producers, &producers->rows[i]);
}

void uof_producers_lost(struct uof_producers *producers)
{
    for (uint32_t i = 0; i < producers->count; i++) {
        set_down(producers, &producers->rows[i], true);
        producers->rows[i].alives = producers->rows[i].awaited = 0;
    }
}
