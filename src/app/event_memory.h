/* event_memory.h - what a consumer has seen: tells repeats of events (ports/event_stream.h).
 *
 * Events of one key are read in the order in which they were written, and their `seq` rise: so one
 * that is not above the last of its shard and key came before. Bounded: a slot keeps the newest key
 * that fell into it, so of very many keys a repeat may be taken as new, never the other way round.
 * Thread: one user. */
#pragma once

#include <stdbool.h>

#include "ports/event_stream.h"

#define EVENT_MEMORY_SLOTS 65536 /* 2 MiB */

struct event_memory;

/* `hash_key`: random. 0 or -ERR_MEMORY. */
int event_memory_new(const uint64_t hash_key[2], struct event_memory **ret_memory);
void event_memory_free(struct event_memory *memory); /* accepts NULL */
/* Is it new? Then it is remembered. One without a `seq` that can be read always is. */
bool event_memory_take(struct event_memory *memory, const struct event *event);
void event_memory_forget(struct event_memory *memory); /* everything */

/* "SHARD-NUMBER". False: it is another text. */
bool event_seq_parse(struct slice text, uint32_t *ret_shard, uint64_t *ret_number);
