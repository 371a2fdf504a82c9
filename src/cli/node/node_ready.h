/* node_ready.h - what keeps a desk apart from its work though its ledger goes on: prices that the
 * odds store does not take, so that no shard bets; a broker of a feed that is away while no other
 * provider is heard (docs/decisions/0021). A book has other uses without them. Thread: the book's
 * loop. */
#pragma once

#include <stdbool.h>

#include "roles/backoffice/backoffice.h"

/* No shard has bet on such prices for long; the same two seconds after which it takes no bets
 * without its desk. */
#define NODE_PRICES_BEHIND_US_MAX INT64_C(2000000)

/* For backoffice_parts.hindered; the owner is a struct node. False: nothing does, or the process is
 * no desk apart. */
bool node_is_hindered(void *owner, struct backoffice_hindrance *ret);
