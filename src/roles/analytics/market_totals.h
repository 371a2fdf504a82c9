/* market_totals.h - what was staked on each market and what was paid, added up from the messages of
 * `bet-events` (docs/PROTOCOL.md, "Streams"), each counted once however often it comes.
 *
 * Kept by partition, so that the members of a group can hand partitions over: a partition as text
 * holds the totals of its markets, and for each event the `seq` that was counted last, which tells
 * repeats exactly. A single is counted at its market; a bet of several legs once, in the message of
 * its first event, under MARKET_TOTALS_MULTIPLES. Pure: no files. Thread: one user. */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "ports/event_stream.h"

#define MARKET_TOTALS_ROWS_MAX  262144 /* markets and events together; some 60 MiB when full */
#define MARKET_TOTALS_MULTIPLES "multiples"
#define MARKET_TOTALS_LINE_MAX  1024

struct market_totals;

enum totals_outcome { TOTALS_COUNTED = 1, TOTALS_REPEAT, TOTALS_PASSED /* it moves no total */ };

/* 0 or -ERR_MEMORY. */
int market_totals_new(const uint64_t hash_key[2], struct market_totals **ret_totals);
void market_totals_free(struct market_totals *totals);   /* accepts NULL */
void market_totals_forget(struct market_totals *totals); /* all partitions */
/* An enum totals_outcome; -ERR_FORMAT: it is no such message; -ERR_LIMIT: MARKET_TOTALS_ROWS_MAX;
 * nothing was counted then. */
int market_totals_take(struct market_totals *totals, const struct event *event);

/* The partition as lines of JSON, each with its line feed. The visitor's negative answer ends it.
 */
typedef int (*totals_line)(void *owner, struct slice line);
int market_totals_write(const struct market_totals *totals, int32_t partition, totals_line visit,
                        void *owner);
/* One of these lines, without its line feed. 0, -ERR_FORMAT or -ERR_LIMIT. */
int market_totals_read(struct market_totals *totals, int32_t partition, struct slice line);
