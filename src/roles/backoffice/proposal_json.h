/* proposal_json.h - the list of results that wait: GET /v1/admin/results/proposals (PROTOCOL,
 * section 5). Thread: the book's loop. */
#pragma once

#include "base/buf.h"
#include "ledger/shard_proposals.h"

#define PROPOSALS_BYTES_MAX   (1024 * 1024) /* of one list: then "more" is true */
#define PROPOSAL_ID_BYTES_MAX 32

/* Those behind the record `after` (0: all), oldest first, as many as fit. out has room for
 * PROPOSALS_BYTES_MAX. */
void proposals_write(struct buf *out, const struct shard_state *state, uint64_t after);
