/* uof_results.h - settlements, cancels and their rollbacks, from a message to the sink. Private to
 * feeds/uof.
 *
 * Each becomes one word on one market whose version comes from the message's timestamp: what a
 * recovery repeats has the version that it had, and changes nothing; what comes late has a lower
 * one than what overtook it. Within a millisecond a rollback is above what it takes back, and a
 * confirmed result above a live one.
 *
 * Decisions where FORMATS leaves one:
 * - The ends of a cancel's window belong to it; an end is the whole of its millisecond. Without
 *   start it begins with time, without end it ends with it.
 * - A line (core/market_line.h) of an event that has ended in the regular time is settled from the
 *   event's score; a settlement that says something else of it is refused, unless it voids all that
 *   it names. Until then its factors are taken as said: this feed has halves (void_factor), and
 *   settles a line as soon as nothing can change it.
 * - A cancel, or the rollback of one, that names single outcomes is refused: our windows are of
 *   whole markets. So is a message without any market, which never means all of them. */
#pragma once

#include "feeds/uof/uof_cache.h"
#include "ports/feed_sink.h"

struct uof_results {
    struct feed_sink *sink;                   /* borrowed */
    struct uof_cache *cache;                  /* borrowed */
    struct feed_selection_result *selections; /* owned, UOF_MARKET_OUTCOMES_MAX */
    uint64_t told;
    uint64_t refused;       /* factors that a leg cannot have */
    uint64_t against_score; /* a line that says something else than the score */
    uint64_t of_outcomes;   /* cancels of single outcomes */
    uint64_t of_nothing;    /* messages that name no market */
};

/* 0 or -ERR_MEMORY. */
int uof_results_new(struct uof_results *results);
void uof_results_done(struct uof_results *results);

/* The message is one of the four kinds; provider: its producer. */
void uof_results_apply(struct uof_results *results, const struct uof_message *message,
                       struct slice provider);
