/* result_draft.h - a word on a market's results on its way from a feed, the desk or a proposal to
 * its record; of this folder only. */
#pragma once

#include "app/book_internal.h"

/* A word on a market's results, by the ledger's numbers, before it is recorded. */
struct result_draft {
    struct record_result body;
    struct record_result asked; /* before what it does not say was filled in */
    bool window;                /* of time: it has no items */
    struct record_selection_result items[SELECTIONS_MAX]; /* without their reasons */
    struct slice reasons[SELECTIONS_MAX];
    bool named[SELECTIONS_MAX]; /* else it is kept as it was */
};
/* Fills in how deductions come together, if it is not said. False: they cannot, or a line does not
 * follow from the score. */
bool book_result_possible(const struct shard_state *state, struct result_draft *draft);
/* The RESULT, and the settlements that follow from it. */
uint64_t book_commit_result(struct book *book, struct result_draft *draft,
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
