/* bettors.h - the simulated bettors of `overround demo` in a thread of their own: a loop that
 * knows the server by its address only.
 * Thread: the caller's; the counts are handed over by bettors_sample(). */
#pragma once

#include "load/load_bettors.h"
#include "net/stream/net_address.h"

struct bettors;

/* Begins the thread, with all signals blocked in it. 0, -ERR_MEMORY, -ERR_IO. The caller owns
 * *ret_bettors and ends it with bettors_end(). */
int bettors_begin(const struct net_address *address, uint64_t seed, struct bettors **ret_bettors);
/* They place no more bets and close their connections; does not wait. */
void bettors_stop(struct bettors *bettors);
/* Waits for the thread's end. Accepts NULL. */
void bettors_end(struct bettors *bettors);
/* The counts, at most a second old. */
void bettors_sample(struct bettors *bettors, struct load_bettors_sample *ret);
