/* ship_lag.h - how far a standby is behind, in bytes and in time: of each group that it has not
 * yet, its last record, and when it was appended. In fixed memory: when it is full, neighbours are
 * joined, and what is told is then too high by up to a thousandth of what waits. Pure. Thread: one
 * user. */
#pragma once

#include <stdint.h>

#define SHIP_LAG_MARKS 1024

struct ship_lag_mark {
    uint64_t seq;   /* last record */
    uint64_t bytes; /* appended up to it, since the begin */
    int64_t us;     /* when its first record was appended */
    uint64_t groups;
};

struct ship_lag {
    uint64_t base_seq; /* what was appended up to here is known to be there, or before the begin */
    uint64_t base_bytes;
    int64_t begun_us;
    uint64_t records, bytes; /* appended since the begin */
    uint64_t groups_max;     /* of one mark */
    uint32_t count;
    struct ship_lag_mark marks[SHIP_LAG_MARKS];
};

/* The log ends with record `seq` now. */
void ship_lag_begin(struct ship_lag *lag, uint64_t seq, int64_t now_us);
void ship_lag_append(struct ship_lag *lag, uint64_t seq, uint64_t bytes, int64_t now_us);
/* The standby has all up to `seq`. */
void ship_lag_acked(struct ship_lag *lag, uint64_t seq);
/* As of a standby that has `acked`: 0 when that is all there is. */
uint64_t ship_lag_bytes(const struct ship_lag *lag, uint64_t acked);
int64_t ship_lag_us(const struct ship_lag *lag, uint64_t acked, int64_t now_us);
