/* bet_link_teller.h - the book's end of a link to a front in another process: questions are put to
 * the real port, and its answers, and users' own messages, go back in batches.
 *
 * The front is ours, and has checked tokens; what it sends is checked all the same, and a link that
 * does not keep to the format is closed and counted. A front that does not take what it is sent
 * loses its link (P3): it then tells its users to ask again with the same key, so nothing is lost
 * but time. Answers to questions of a link that has ended are dropped.
 * Thread: the book's loop. No clock, no socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roles/bet/bet_port.h"
#include "roles/shared/link_out.h"

#define BET_LINK_PLACES_MAX 16384 /* questions under way of one link: HELLO may not say more */

struct bet_link_teller;

/* Counted since start, over all links of one teller. */
struct bet_link_teller_stats {
    uint64_t sessions, questions, answers, own, bad_batches;
    uint64_t dropped;  /* answers whose link had ended */
    uint64_t too_long; /* answers beyond BET_LINK_ANSWER_MAX, replaced by 503 */
};

/* `port` is borrowed. 0 or -ERR_MEMORY. */
int bet_link_teller_new(struct bet_port *port, struct shard_place place,
                        struct bet_link_teller **ret_teller);
/* After the port's last answer. Accepts NULL. */
void bet_link_teller_free(struct bet_link_teller *teller);

/* A link at a time: the one before must be detached. */
void bet_link_teller_attach(struct bet_link_teller *teller, const struct carrier *link);
void bet_link_teller_batch(struct bet_link_teller *teller, struct slice batch);
/* Without a link: nothing. */
void bet_link_teller_detached(struct bet_link_teller *teller);
bool bet_link_teller_is_attached(const struct bet_link_teller *teller);

/* Whether the user may have a socket at the front; then encode and push. `op` is short. */
bool bet_link_teller_wants(const struct bet_link_teller *teller, struct slice user_id);
void bet_link_teller_push(struct bet_link_teller *teller, struct slice user_id, const char *op,
                          struct slice object);
/* At the end of each turn: what was said in it goes out. */
void bet_link_teller_turn_end(struct bet_link_teller *teller, bool takes_bets);

/* Always current. */
const struct bet_link_teller_stats *bet_link_teller_stats(const struct bet_link_teller *teller);
