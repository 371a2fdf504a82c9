/* provider_board.h - when each provider was last heard of, as the book's loop shows it to network
 * loops: what reads call stale (S1). Bets are decided by the book's own leases (P2).
 *
 * One thread writes, any number read, nobody waits. A row stays where it is, and its name does not
 * change once it is counted. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "core/ids.h"

#define PROVIDER_BOARD_ROWS 64 /* as many as there are leases: app/leases.h */

struct provider_row {
    char id[PROVIDER_ID_BYTES_MAX];
    uint8_t id_bytes;
    _Atomic int64_t heard_us; /* monotonic */
    _Atomic int64_t
        holds_till_us; /* its lease does, as when it was shown; INT64_MIN: it does not */
};

/* All zero at first. */
struct provider_board {
    atomic_size_t count;
    struct provider_row rows[PROVIDER_BOARD_ROWS];
};

/* A provider beyond the last row is not shown. Thread: the book's loop. */
void provider_board_show(struct provider_board *board, struct slice provider, int64_t heard_us,
                         int64_t holds_till_us);
/* As odds_silence_fn says. Thread: any. */
int64_t provider_board_silence_us(const struct provider_board *board, struct slice provider,
                                  int64_t now_us);
