/* relay_link.h - what both ends of the link between the desk and another shard's process agree on
 * (docs/decisions/0016): times and limits. Messages are of relay_wire.h. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "app/relay_wire.h"

/* The shard asks so often; a grant lasts from the instant of asking, by the shard's clock; the desk
 * waits from the instant of granting, which is later. A shard that owes an acknowledgement for so
 * long is granted nothing. */
#define RELAY_ASK_US   INT64_C(500000)
#define RELAY_GRANT_US INT64_C(2000000)
#define RELAY_AWAY_US  INT64_C(2500000)
#define RELAY_OWES_US  INT64_C(1000000)

static_assert(RELAY_ASK_US < RELAY_GRANT_US, "one asking may be lost");
static_assert(RELAY_GRANT_US < RELAY_AWAY_US, "a margin for clocks that run unlike");

/* Words under way to one shard, unacknowledged: the desk sends no more, and the shard keeps as many
 * that its log has no room for yet. */
#define RELAY_WINDOW_BYTES ((size_t)512 * 1024)
/* So far the desk goes on without a word before it says so: what a shard that comes back makes the
 * desk read again at most. */
#define RELAY_PASSED_RECORDS 65536
