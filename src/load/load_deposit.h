/* load_deposit.h - opens the accounts of a run: one deposit for each user. Thread: the loop's. */
#pragma once

#include "load/load_options.h"
#include "load/load_users.h"
#include "net/loop/loop.h"

/* Runs the loop until every user's deposit is answered with 2xx. -ERR_NETWORK when no answer came
 * in time, -ERR_FORMAT when one was refused; -ERR_MEMORY. */
int load_deposit_run(struct loop *loop, const struct load_options *options,
                     const struct load_users *users);
