/* sim_proposals.h - words on results that wait for a second person or for their time; this folder
 * only. */
#pragma once

#include "app/book_request.h"
#include "ports/feed_sink.h"
#include "sim/sim_market.h"

#define SIM_PROPOSALS_MAX 64

struct sim;
struct shard_state;

/* One that waits. */
struct sim_proposal {
    uint64_t seq;
    struct record_result result;
    int64_t due_us;
    bool needs_approval, approved;
    char actor[32], approver[32];
    uint16_t items_count;
    struct record_proposed items[SIM_SELECTIONS_MAX];
};

/* ---- sim_proposals.c: people ---- */

/* Must it wait, by the book's policy? */
bool sim_proposes(const struct sim *sim, const struct feed_result *result, bool desk);
/* What a word that has to wait is answered, when it could else take force: its actor has one of
 * that version waiting, 0: none; and there is room for one more, or not. */
enum request_outcome sim_expect_proposal(const struct feed_result *result, uint64_t own_version,
                                         bool room);
/* The version of what the actor has waiting on the same axis; 0: nothing. */
uint64_t sim_own_proposal(struct sim *sim, const struct feed_result *result, struct slice actor);
struct slice sim_somebody(struct sim *sim); /* of the desk */
/* Who says it: often who has something waiting on the same axis. */
struct slice sim_speaker(struct sim *sim, const struct feed_result *result);
void sim_proposals_step(struct sim *sim); /* somebody decides one */

/* ---- sim_oracle_proposals.c: the oracle's fold ---- */

bool sim_is_window(enum result_kind kind);
void sim_oracle_proposal(struct sim *sim, const struct record_view *record);
void sim_oracle_decision(struct sim *sim, const struct record_view *record);
/* A RESULT: nothing takes force that has to wait. Before it is folded. */
void sim_oracle_in_force(struct sim *sim, const struct record_view *record,
                         const struct sim_market *market);
/* Behind that: what has nothing new to say any more waits no longer. */
void sim_oracle_overtaken(struct sim *sim, const struct record_result *body,
                          const struct sim_market *market);
/* The live state has those that the oracle has; at rest none that could take force. */
void sim_check_proposals(struct sim *sim, const struct shard_state *state);
