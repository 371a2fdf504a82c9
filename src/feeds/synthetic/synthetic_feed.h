/* synthetic_feed.h - a built-in simulator of football matches, and of a race beside them: the feed
 * of the demo.
 *
 * Plays `matches_count` invented matches at once and says to a feed_sink what a provider would:
 * markets with moving prices (1X2, totals, Asian handicap, next goal, correct score), all of a
 * match's markets suspended at once by a goal, a check that disallows it or a red card, results
 * as soon as they are certain, everything settled at the final whistle, and now and then a
 * result that is corrected, or taken back first, and a goal that was seen late: bets on the next
 * goal that were placed just before it are void. A match that is over makes room for another one.
 *
 * Pure: no clock, no threads, no randomness but the seed; all memory is taken by _new. The same
 * options and the same sequence of steps give the same calls. Thread: the book's loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/slice.h"
#include "feeds/synthetic/synthetic_market.h"
#include "feeds/synthetic/synthetic_match.h"
#include "ports/feed_sink.h"

#define SYNTHETIC_MATCHES_MAX      16
#define SYNTHETIC_PREFIX_BYTES_MAX 32

struct synthetic_feed;

struct synthetic_options {
    uint64_t seed;
    /* Event ids are "sim:PREFIX-N" with N from 1, so a prefix that no earlier run had (a time)
     * makes them unique for ever. 1 .. SYNTHETIC_PREFIX_BYTES_MAX of [A-Za-z0-9_-]. */
    struct slice id_prefix;
    struct instant start;         /* the first match kicks off a few seconds later */
    uint32_t matches_count;       /* 1 .. SYNTHETIC_MATCHES_MAX */
    uint32_t match_seconds;       /* real seconds for 90 minutes at speed 1: 10 .. 86400 */
    uint32_t speed_permille;      /* divides every duration but the bet delay: 1 .. 1000000 */
    uint32_t margin_permyriad;    /* book of 10000 + this; correct score has twice it; <= 5000 */
    uint32_t noise_permyriad;     /* step of the opinions' random walk; 0 = the exact model */
    uint32_t disallowed_permille; /* of what looks like a goal; <= 900 */
    uint32_t red_permille;        /* a team's chance of a red card in a match; <= 1000 */
    uint32_t correction_permille; /* of first results that are wrong and corrected; <= 1000 */
    uint32_t late_permille;       /* of goals that were seen late: bets just before are void */
    bool races;                   /* one after the other, beside the matches: synthetic_race.h */
    int64_t bet_delay_us[SYNTHETIC_KINDS]; /* in play, by kind; 0 .. 5 s each */
};

/* What a scoreboard shows. Slices are borrowed until the next step. */
struct synthetic_scoreboard {
    struct slice event_id;
    struct slice event_name;
    struct synthetic_score score;
    uint8_t reds_home, reds_away;
    enum synthetic_phase phase;
    uint32_t minute;
};

/* Demo values for all but seed, id_prefix and start, which are left empty. */
void synthetic_options_init(struct synthetic_options *ret_options);

/* Borrows the sink until _free and the options for the call. 0, -ERR_CONFIG for an option
 * outside its bounds, or -ERR_MEMORY. */
int synthetic_feed_new(const struct synthetic_options *options, struct feed_sink *sink,
                       struct synthetic_feed **ret_feed);
void synthetic_feed_free(struct synthetic_feed *feed); /* accepts NULL */

/* Brings every match to `now` and tells the sink, beginning with one alive(). To be called some
 * 20 times a second; an earlier `now` than the last counts as the last. After a long pause the
 * matches are played on without a screen in between: at most one match per slot ends in a step.
 * One step prices one match, beside those that a goal's end reopens: some 0.1 ms each. */
void synthetic_feed_step(struct synthetic_feed *feed, struct instant now);

/* The match in slot `index` (0 .. matches_count - 1); false past the last, and
 * while the slot has had no match yet (slots begin one per step). */
bool synthetic_feed_scoreboard(const struct synthetic_feed *feed, size_t index,
                               struct synthetic_scoreboard *ret);
