/* event_memory.c - contract in event_memory.h. */
#include "app/event_memory.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/user_shard.h"

struct seen {
    struct hash128 key; /* of shard and key; all 0: nothing */
    uint64_t number;
};

struct event_memory {
    uint64_t hash_key[2];
    struct seen slots[EVENT_MEMORY_SLOTS];
};

int event_memory_new(const uint64_t hash_key[2], struct event_memory **ret_memory)
{
    struct event_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return -ERR_MEMORY;
    memory->hash_key[0] = hash_key[0];
    memory->hash_key[1] = hash_key[1];
    *ret_memory = memory;
    return 0;
}

void event_memory_free(struct event_memory *memory)
{
    free(memory);
}

void event_memory_forget(struct event_memory *memory)
{
    memset(memory->slots, 0, sizeof memory->slots);
}

static bool parse_number(struct slice *text, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < text->bytes && text->at[digits] >= '0' && text->at[digits] <= '9') {
        unsigned digit = (unsigned)(text->at[digits++] - '0');
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *text = slice_skip(*text, digits);
    *ret = number;
    return digits > 0;
}

bool event_seq_parse(struct slice text, uint32_t *ret_shard, uint64_t *ret_number)
{
    uint64_t shard = 0, number = 0;
    if (!parse_number(&text, SHARDS_MAX - 1, &shard) || text.bytes == 0 || text.at[0] != '-')
        return false;
    text = slice_skip(text, 1);
    if (!parse_number(&text, UINT64_MAX, &number) || text.bytes != 0)
        return false;
    *ret_shard = (uint32_t)shard;
    *ret_number = number;
    return true;
}

bool event_memory_take(struct event_memory *memory, const struct event *event)
{
    uint32_t shard = 0;
    uint64_t number = 0;
    if (!event_seq_parse(event->seq, &shard, &number))
        return true;
    uint64_t key[2] = {memory->hash_key[0] ^ shard, memory->hash_key[1]};
    struct hash128 hash = siphash128(key, event->key.at, event->key.bytes);
    struct seen *slot = &memory->slots[hash.low % EVENT_MEMORY_SLOTS];
    if (slot->key.low == hash.low && slot->key.high == hash.high && number <= slot->number)
        return false;
    *slot = (struct seen){hash, number};
    return true;
}
