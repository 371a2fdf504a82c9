/* relay_memory.c - contract in relay_memory.h. A ring of bytes: each word lies in one piece, so
 * what is left at the end stays unused where the next one is longer. */
#include "app/relay_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

_Static_assert(RELAY_MEMORY_BYTES >= 2 * RELAY_WORD_BYTES_MAX, "the newest word is always there");

struct relay_memory {
    uint64_t from_seq, forgotten;
    uint32_t first, count; /* of the entries, a ring */
    struct relay_entry entries[RELAY_MEMORY_WORDS];
    _Alignas(8) char bytes[RELAY_MEMORY_BYTES];
};

int relay_memory_new(uint64_t from_seq, struct relay_memory **ret_memory)
{
    struct relay_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        return -ERR_MEMORY;
    memory->from_seq = from_seq;
    *ret_memory = memory;
    return 0;
}

void relay_memory_free(struct relay_memory *memory)
{
    free(memory);
}

static const struct relay_entry *entry_at(const struct relay_memory *memory, uint32_t index)
{
    return &memory->entries[(memory->first + index) % RELAY_MEMORY_WORDS];
}

static void forget(struct relay_memory *memory)
{
    ASSERT(memory->count > 0);
    memory->from_seq = entry_at(memory, 0)->seq;
    memory->first = (memory->first + 1) % RELAY_MEMORY_WORDS;
    memory->count--;
    memory->forgotten++;
}

/* Where so many bytes are free now; NULL: nowhere. */
static char *find_room(struct relay_memory *memory, size_t bytes)
{
    if (memory->count == 0)
        return memory->bytes;
    const struct relay_entry *newest = entry_at(memory, memory->count - 1);
    size_t begin = (size_t)(entry_at(memory, 0)->records - memory->bytes);
    size_t end = (size_t)(newest->records - memory->bytes) + newest->bytes;
    if (end <= begin) /* the newest lie before the oldest */
        return begin - end >= bytes ? memory->bytes + end : NULL;
    if (RELAY_MEMORY_BYTES - end >= bytes)
        return memory->bytes + end;
    return begin >= bytes ? memory->bytes : NULL;
}

void relay_memory_add(struct relay_memory *memory, const struct relay_entry *entry)
{
    char *room;
    ASSERT(entry->bytes > 0 && entry->bytes % 8 == 0);
    ASSERT(entry->bytes <= RELAY_WORD_BYTES_MAX);
    ASSERT(entry->seq > relay_memory_last(memory));
    if (memory->count == RELAY_MEMORY_WORDS)
        forget(memory);
    while ((room = find_room(memory, entry->bytes)) == NULL)
        forget(memory);
    memcpy(room, entry->records, entry->bytes);
    struct relay_entry *to = &memory->entries[(memory->first + memory->count) % RELAY_MEMORY_WORDS];
    *to = *entry;
    to->records = room;
    memory->count++;
}

const struct relay_entry *relay_memory_after(const struct relay_memory *memory, uint64_t seq)
{
    uint32_t low = 0, high = memory->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_at(memory, middle)->seq > seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low < memory->count ? entry_at(memory, low) : NULL;
}

uint64_t relay_memory_from(const struct relay_memory *memory)
{
    return memory->from_seq;
}

uint64_t relay_memory_last(const struct relay_memory *memory)
{
    return memory->count == 0 ? memory->from_seq : entry_at(memory, memory->count - 1)->seq;
}

uint64_t relay_memory_forgotten(const struct relay_memory *memory)
{
    return memory->forgotten;
}
