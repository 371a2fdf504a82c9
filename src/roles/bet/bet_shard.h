/* bet_shard.h - which of a book's shards a question is for: the book's own counter asks it to
 * refuse what is another's, and a front to find the book to ask (bet_shards_port.h).
 *
 * A customer's question is for the shard of the customer; one about a bet, for the shard that the
 * bet's id names, because others than its owner may read it; a list of somebody else's bets, for
 * that user's; the head and the keys of a ledger, for the one that `shard=N` names.
 * Pure. Thread: any. */
#pragma once

#include "core/user_shard.h"
#include "roles/bet/bet_port.h"

#define BET_SHARD_NONE UINT32_MAX /* it names one that there is not */

/* BET_SHARD_NONE or below `shards`. False: it names none, so each may answer it for itself. */
bool bet_question_shard(const struct bet_question *question, uint32_t shards, uint32_t *ret_shard);
