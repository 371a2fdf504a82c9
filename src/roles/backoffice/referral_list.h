/* referral_list.h - the bets that wait for the desk, as GET /v1/admin/referrals shows them
 * (docs/PROTOCOL.md), in pages by bet id. Thread: the book's loop. */
#pragma once

#include "base/buf.h"
#include "ledger/shard_state.h"
#include "ports/odds_store.h"

#define REFERRAL_LIST_BYTES_MAX (256 * 1024) /* of a page */

/* Those behind the bet `cursor` (0: from the first), with the prices of now beside those that are
 * bound; as many as surely fit, then `next_cursor` names the last. */
void referral_list_write(struct buf *out, const struct shard_state *state, struct odds_store *store,
                         uint64_t cursor);
