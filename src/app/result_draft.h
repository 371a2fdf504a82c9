/* result_draft.h - a word on a market's results on its way from a feed, the desk or a proposal to
 * its record; of this folder only. */
#pragma once

#include "app/book_internal.h"

/* A word on a market's results, by the ledger's numbers, before it is recorded. */
struct result_draft {
    struct record_result body;
    bool window;    /* of time: it has no items */
    bool opens_all; /* a rollback of everything: neither */
    bool newer;     /* it says something that is not in force by a word as new */
    struct record_selection_result items[SELECTIONS_MAX]; /* without their reasons */
    struct slice reasons[SELECTIONS_MAX];
    bool named[SELECTIONS_MAX]; /* else RESULT_KEPT */
};
/* Leaves of it what no word in force is as new as; the rest it does not say any more. */
void book_keep_newer(const struct shard_state *state, struct result_draft *draft);
/* False: its deductions are none, or would be of another model than those of others. */
bool book_result_possible(const struct shard_state *state, const struct result_draft *draft);
/* The RESULT, and the settlements that follow from it. */
uint64_t book_commit_result(struct book *book, struct result_draft *draft,
                            const struct desk_word *word);
/* The same of what another log says; 0: the state does not let it be. */
uint64_t book_offer_result(struct book *book, struct result_draft *draft,
                           const struct desk_word *word);

/* ---- propose_result.c ---- */

/* Does the policy let it wait? */
bool book_must_propose(const struct book *book, const struct feed_result *result,
                       enum fence_cause cause);
/* A PROPOSAL of what the draft asks. NO_CHANGE and OLD_VERSION against what the same actor proposed
 * before; BUSY at proposals_max. */
enum request_outcome book_propose_result(struct book *book, const struct result_draft *draft,
                                         const struct desk_word *word, uint64_t *ret_seq);
/* Those that are approved, and whose time has come, take force. */
void book_proposals_step(struct book *book);
/* Until the next one's time comes, in microseconds; -1: none has one. */
int64_t book_proposals_due_us(const struct book *book);
