/* relay_word.h - a word of the desk on its way to another shard's log (docs/decisions/0016): the
 * records that it is made of, whole, one after another. First a MARKET for each market that it is
 * about, as the desk's log knows it now, for refs and numbers of selections are each log's own;
 * then the record itself: a trader's FENCE, a RESULT, or LIMITS of a market, an event or a sport.
 * Pure. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

#define RELAY_MARKETS_MAX 64 /* of one word */
/* Of one word: a market of the longest texts, and a result of all its selections. */
#define RELAY_WORD_BYTES_MAX ((size_t)320 * 1024)

/* Does the record, of the desk's log, concern every shard? */
bool relay_is_word(const struct record_view *record);
/* Appends the word; `out` begins 8-byte aligned, and ends so. The state has applied the record, or
 * more. False: it does not fit; `out` is as it was. */
bool relay_word_pack(const struct shard_state *state, const struct record_view *record,
                     struct buf *out);

struct relay_word {
    struct record_view record;
    struct record_view markets[RELAY_MARKETS_MAX]; /* of MARKET; by the desk's refs */
    uint32_t markets_count;
};

/* Takes a word apart that came from outside. 0, or -ERR_FORMAT: it is no word as written above, or
 * longer than its limits; what it means in the shard is for the fold to say. `records` begins
 * 8-byte aligned, and is borrowed. */
int relay_word_read(struct slice records, struct relay_word *ret);
/* Of a ref that the word's record names: it is there. */
const struct record_view *relay_word_market(const struct relay_word *word, uint32_t desk_ref);

/* The texts of a MARKET that was read. */
struct slice relay_market_id(const struct record_view *market);
/* Those of its selections: id and name of each, one after another. */
struct slice relay_selection_texts(const struct record_view *market);
