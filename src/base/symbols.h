/* symbols.h - texts that come again and again (market ids, user ids) as dense numbers.
 *
 * The first new text is 0, the next 1, and so on; a number stays for the life of the table.
 * Two texts are taken to be one when their keyed 128-bit hashes are equal: under a secret key
 * that does not happen, and it saves reading the text on each look-up. Thread: one user. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct symbols;

/* For up to count_max texts of bytes_max bytes together (below 4 GB). `key` is a secret drawn
 * at start, or a fixed one in tests. Memory is mapped at once but costs only where it was
 * used. 0, or -ERR_MEMORY. The caller owns *ret and ends it with symbols_free (accepts NULL). */
int symbols_new(size_t count_max, size_t bytes_max, const uint64_t key[2], struct symbols **ret);
void symbols_free(struct symbols *symbols);

/* The number of `text`, which is copied when it is new. 0, or -ERR_LIMIT when count_max or
 * bytes_max is reached. */
int symbols_intern(struct symbols *symbols, struct slice text, uint32_t *ret_ref);
/* false when the text was never interned. */
bool symbols_find(const struct symbols *symbols, struct slice text, uint32_t *ret_ref);
/* The text of a number that was given out; borrowed for the life of the table. */
struct slice symbols_text(const struct symbols *symbols, uint32_t ref);
size_t symbols_count(const struct symbols *symbols);
