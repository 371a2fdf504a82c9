/* bet_crossing.h - questions about bets from a network loop to the book's, and answers back.
 *
 * Two state machines that share nothing but the rings. The asker is a bet_port on the network loop:
 * each question takes a place there until its answer comes, and its record carries the place's
 * number. The teller stands on the book's loop, puts the question to the real port and the answer,
 * with that number, into the ring back.
 *
 * Nothing waits (S2). No place or no room on the way there: the asker itself refuses, 503
 * OVERLOADED with Retry-After, and the book has not heard of it. No room on the way back: every
 * question taken keeps BET_CROSSING_OWED bytes of that ring free, so that a short answer always
 * fits; a long one is then replaced by 503 ANSWER_DELAYED with Retry-After. What was decided
 * stands; the same key tells its verdict (L3). Whose connection has gone by then is the
 * transport's to see, as for every late answer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roles/bet/bet_port.h"
#include "roles/shared/crossing.h"

/* A short answer's record, twice: one may be put behind a skipped end of the ring. */
#define BET_CROSSING_OWED ((size_t)384)
/* The longest record each way, for the size of the rings: body, key, personal and head there; a
 * page of a list, or a bet, back. */
#define BET_QUESTION_BYTES_MAX ((size_t)80 * 1024)
#define BET_ANSWER_BYTES_MAX   (BET_READ_BYTES_MAX + 1024)

/* ---- on the network loop ---- */

struct bet_asker;

/* Counted since start. */
struct bet_asker_stats {
    struct metrics_counter asked;
    struct metrics_counter places_reached; /* refused: so many are under way */
    struct metrics_counter room_reached;   /* refused: the ring was full */
};

/* At most `places` questions under way. `up` is borrowed. 0 or -ERR_MEMORY. */
int bet_asker_new(uint32_t places, struct ring *up, struct bet_asker **ret_asker);
/* Questions under way are not answered any more. Accepts NULL. */
void bet_asker_free(struct bet_asker *asker);
struct bet_port *bet_asker_port(struct bet_asker *asker);
/* A record CROSSING_ANSWER: the transport is answered inside the call. */
void bet_asker_take(struct bet_asker *asker, struct slice record);
uint32_t bet_asker_under_way(const struct bet_asker *asker);
const struct bet_asker_stats *bet_asker_stats(const struct bet_asker *asker);
/* -ERR_LIMIT. */
int bet_asker_register_metrics(const struct bet_asker *asker, struct metrics *metrics);

/* ---- on the book's loop ---- */

/* All zero but port and down at first. */
struct bet_teller {
    struct bet_port *port;      /* borrowed: the real one */
    struct crossing_down *down; /* borrowed */
    uint64_t under_way;
    uint64_t delayed; /* answers that found no room, and were replaced */
};

/* Whether another question may be taken: its short answer will find room. */
bool bet_teller_may_take(struct bet_teller *teller);
/* A record CROSSING_QUESTION; only after bet_teller_may_take(). The teller lives until all are
 * answered, or the port has ended. */
void bet_teller_take(struct bet_teller *teller, struct slice record);
