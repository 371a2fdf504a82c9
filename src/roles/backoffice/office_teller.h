/* office_teller.h - the desk's end of a link to a back-office in a process of its own: its
 * questions become requests (net/http/http_carried.h) that the desk serves as those of its own
 * listener, and what is answered to them goes back in batches.
 *
 * The back-office is ours, and has checked tokens: its word counts for who asks. What it sends is
 * checked all the same, and a link that does not keep to the format is closed and counted. The desk
 * waits for nobody (P3): a back-office that does not take its answers is told 503 OVERLOADED
 * instead of what is read, from queued_bytes_max on, and loses its link where the carrier refuses.
 * Answers to questions of a link that has ended are dropped: what was recorded stands, and is shown
 * when it is asked for.
 * Thread: the desk's loop. No clock, no socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "net/http/http_request.h"
#include "roles/backoffice/office_wire.h"
#include "roles/shared/link_out.h"

#define OFFICE_PLACES_MAX       64 /* questions under way of one link: HELLO may not say more */
#define OFFICE_QUEUED_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Who serves: backoffice_serve_carried(). */
struct office_desk {
    void *owner;
    void (*serve)(void *owner, struct http_request *request, const struct jwt_claims *claims);
};

/* Counted since start; several tellers may have them in common. */
struct office_teller_stats {
    struct metrics_counter sessions, questions, answers, bad_batches;
    struct metrics_counter dropped;  /* answers whose link had ended */
    struct metrics_counter unfit;    /* answers that are longer than any may be: 500 instead */
    struct metrics_counter too_slow; /* reads answered OVERLOADED: OFFICE_QUEUED_BYTES_MAX */
    struct metrics_gauge attached;
};

struct office_teller;

/* `stats` is borrowed. 0 or -ERR_MEMORY. */
int office_teller_new(const struct office_desk *desk, struct office_teller_stats *stats,
                      struct office_teller **ret_teller);
/* After the desk's last answer. Accepts NULL. */
void office_teller_free(struct office_teller *teller);

/* A link at a time: the one before must be detached. */
void office_teller_attach(struct office_teller *teller, const struct carrier *link);
void office_teller_batch(struct office_teller *teller, struct slice batch);
/* Without a link: nothing. */
void office_teller_detached(struct office_teller *teller);
/* At the end of each turn: what was answered in it goes out. */
void office_teller_turn_end(struct office_teller *teller);
