/* relay_memory.h - the desk's newest words as they travel (ledger/relay_word.h), for those who are
 * nearly as far: whoever is further behind reads the log. At its bounds the oldest are forgotten.
 * Thread: one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ledger/relay_word.h"

#define RELAY_MEMORY_BYTES ((size_t)1024 * 1024)
#define RELAY_MEMORY_WORDS 8192

struct relay_memory;

/* A word; borrowed until the next one is added. */
struct relay_entry {
    uint64_t seq;
    int64_t said_us;     /* monotonic: when it was added */
    const char *records; /* 8-byte aligned */
    size_t bytes;
};

/* All words above from_seq will be in it. 0 or -ERR_MEMORY. */
int relay_memory_new(uint64_t from_seq, struct relay_memory **ret_memory);
void relay_memory_free(struct relay_memory *memory); /* accepts NULL */

/* `entry->records` is copied; its seq is above all others. */
void relay_memory_add(struct relay_memory *memory, const struct relay_entry *entry);
/* The first one above seq; NULL: there is none. Every one is there only if seq is not below
 * relay_memory_from(). */
const struct relay_entry *relay_memory_after(const struct relay_memory *memory, uint64_t seq);
uint64_t relay_memory_from(const struct relay_memory *memory);
/* Of the newest word; relay_memory_from() where it has none. */
uint64_t relay_memory_last(const struct relay_memory *memory);
/* How many words were forgotten. */
uint64_t relay_memory_forgotten(const struct relay_memory *memory);
