/* event_batch.c - contract in event_batch.h. */
#include "app/event_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

/* Before its key, its value and its seq. */
struct packed {
    uint32_t key_bytes, value_bytes, seq_bytes, reserved;
    uint64_t position;
    int64_t time_us;
};

struct event_batch {
    size_t bytes, capacity;
    uint64_t count;
    char at[];
};

int event_batch_new(size_t capacity, struct event_batch **ret_batch)
{
    struct event_batch *batch = malloc(sizeof *batch + capacity);
    if (batch == NULL)
        return -ERR_MEMORY;
    batch->capacity = capacity;
    event_batch_empty(batch);
    *ret_batch = batch;
    return 0;
}

void event_batch_free(struct event_batch *batch)
{
    free(batch);
}

void event_batch_empty(struct event_batch *batch)
{
    batch->bytes = 0;
    batch->count = 0;
}

static void pack(struct event_batch *batch, const void *from, size_t bytes)
{
    if (bytes > 0)
        memcpy(batch->at + batch->bytes, from, bytes);
    batch->bytes += bytes;
}

int event_batch_put(void *owner, const struct event *event)
{
    struct event_batch *batch = owner;
    struct packed packed = {.key_bytes = (uint32_t)event->key.bytes,
                            .value_bytes = (uint32_t)event->value.bytes,
                            .seq_bytes = (uint32_t)event->seq.bytes,
                            .position = event->position,
                            .time_us = event->time_us};
    size_t bytes = sizeof packed + event->key.bytes + event->value.bytes + event->seq.bytes;
    ASSERT(event->value.bytes <= EVENT_VALUE_BYTES_MAX);
    if (batch->capacity - batch->bytes < bytes)
        return -ERR_LIMIT;
    pack(batch, &packed, sizeof packed);
    pack(batch, event->key.at, event->key.bytes);
    pack(batch, event->value.at, event->value.bytes);
    pack(batch, event->seq.at, event->seq.bytes);
    batch->count++;
    return 0;
}

bool event_batch_next(const struct event_batch *batch, size_t *at, struct event *ret_event)
{
    struct packed packed;
    if (*at == batch->bytes)
        return false;
    memcpy(&packed, batch->at + *at, sizeof packed);
    const char *texts = batch->at + *at + sizeof packed;
    *ret_event = (struct event){
        .key = slice_of(texts, packed.key_bytes),
        .value = slice_of(texts + packed.key_bytes, packed.value_bytes),
        .seq = slice_of(texts + packed.key_bytes + packed.value_bytes, packed.seq_bytes),
        .position = packed.position,
        .time_us = packed.time_us,
    };
    *at += sizeof packed + packed.key_bytes + packed.value_bytes + packed.seq_bytes;
    return true;
}

size_t event_batch_bytes(const struct event_batch *batch)
{
    return batch->bytes;
}

uint64_t event_batch_count(const struct event_batch *batch)
{
    return batch->count;
}
