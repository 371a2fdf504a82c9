/* office_asker.h - the desk from a process of its own: carries requests of a back-office's listener
 * over a link to the process that has the desk, and answers back.
 *
 * Each question takes a place until its answer comes; its tag is the place and how often that was
 * used, so a late answer to a question that was given up is dropped. What a turn asks is one batch.
 *
 * Nothing waits for ever (S2), and nothing is said that is not known:
 *   no link, or not welcome yet   503 BOOK_AWAY at once: the desk has not heard of it
 *   no place, or no room          503 OVERLOADED: the same
 *   the link ends, or the answer is later than answer_us_max
 *                                 503 ANSWER_DELAYED: the desk may have recorded it, and shows it
 * all with Retry-After.
 * Thread: the back-office's loop. No clock, no socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/metrics.h"
#include "net/http/http_request.h"
#include "roles/backoffice/office_wire.h"
#include "roles/shared/link_out.h"

struct office_asker;

struct office_asker_options {
    uint32_t places;       /* questions under way; <= OFFICE_PLACES_MAX */
    size_t bytes_max;      /* of them, together; at least one longest question */
    int64_t answer_us_max; /* so long may an answer take */
};

/* Counted since start. */
struct office_asker_stats {
    struct metrics_counter asked, answered;
    struct metrics_counter away;           /* refused: no desk */
    struct metrics_counter places_reached; /* refused: so many are under way */
    struct metrics_counter bytes_reached;  /* refused: so many bytes are */
    struct metrics_counter given_up;       /* the link ended */
    struct metrics_counter late;           /* answer_us_max */
    struct metrics_counter bad_batches;    /* the link was closed for them */
    struct metrics_counter sessions;       /* links that were welcome */
    struct metrics_gauge under_way;
};

/* 0 or -ERR_MEMORY. */
int office_asker_new(const struct office_asker_options *options, struct office_asker **ret_asker);
/* What is under way is not answered any more. Accepts NULL. */
void office_asker_free(struct office_asker *asker);

/* Answers `to`, now or later. The question must fit (office_question_fits), and is borrowed for the
 * call. */
void office_asker_ask(struct office_asker *asker, const struct office_question *question,
                      struct http_reply_to to);

void office_asker_attach(struct office_asker *asker, const struct carrier *link);
/* What came over the link; answers are given inside the call. */
void office_asker_batch(struct office_asker *asker, struct slice batch);
/* The link has ended: all that is under way is answered. Without one: nothing. */
void office_asker_detached(struct office_asker *asker);

/* The time of this turn; before the first question of each turn. What is late is answered. */
void office_asker_turn_begin(struct office_asker *asker, struct monotonic now);
/* At the end of each turn: what was asked goes out. */
void office_asker_turn_end(struct office_asker *asker);
/* When the oldest question becomes late, or -1: then a turn is wanted. */
int64_t office_asker_due_us(const struct office_asker *asker);

/* The desk is there. */
bool office_asker_is_welcome(const struct office_asker *asker);
const struct office_asker_stats *office_asker_stats(const struct office_asker *asker);
/* -ERR_LIMIT. */
int office_asker_register_metrics(const struct office_asker *asker, struct metrics *metrics);
