/* ship_lag.c - contract in ship_lag.h. */
#include "adapters/ship/ship_lag.h"

#include <string.h>

#define RECORD_BYTES_GUESS 300 /* before anything was appended */

void ship_lag_begin(struct ship_lag *lag, uint64_t seq, int64_t now_us)
{
    *lag = (struct ship_lag){.base_seq = seq, .begun_us = now_us, .groups_max = 1};
}

/* Each two become one, with the earlier's time. */
static void join(struct ship_lag *lag)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i + 1 < lag->count; i += 2) {
        struct ship_lag_mark mark = lag->marks[i + 1];
        mark.us = lag->marks[i].us;
        mark.groups += lag->marks[i].groups;
        lag->marks[kept++] = mark;
    }
    lag->count = kept;    /* SHIP_LAG_MARKS is even */
    lag->groups_max *= 2; /* what comes next is as coarse: all marks are alike */
}

void ship_lag_append(struct ship_lag *lag, uint64_t seq, uint64_t bytes, int64_t now_us)
{
    struct ship_lag_mark *last = lag->count > 0 ? &lag->marks[lag->count - 1] : NULL;
    lag->bytes += bytes;
    lag->records += seq - (last != NULL ? last->seq : lag->base_seq);
    if (last != NULL && last->groups < lag->groups_max) {
        last->seq = seq;
        last->bytes = lag->bytes;
        last->groups++;
        return;
    }
    if (lag->count == SHIP_LAG_MARKS)
        join(lag);
    lag->marks[lag->count++] = (struct ship_lag_mark){seq, lag->bytes, now_us, 1};
}

void ship_lag_acked(struct ship_lag *lag, uint64_t seq)
{
    uint32_t gone = 0;
    while (gone < lag->count && lag->marks[gone].seq <= seq)
        gone++;
    if (gone == 0)
        return;
    lag->base_seq = lag->marks[gone - 1].seq;
    lag->base_bytes = lag->marks[gone - 1].bytes;
    lag->count -= gone;
    memmove(lag->marks, lag->marks + gone, lag->count * sizeof *lag->marks);
    if (lag->count == 0)
        lag->groups_max = 1;
}

uint64_t ship_lag_bytes(const struct ship_lag *lag, uint64_t acked)
{
    uint64_t each = lag->records > 0 ? lag->bytes / lag->records : RECORD_BYTES_GUESS;
    uint64_t older = acked < lag->base_seq ? (lag->base_seq - acked) * each : 0;
    return older + lag->bytes - lag->base_bytes;
}

int64_t ship_lag_us(const struct ship_lag *lag, uint64_t acked, int64_t now_us)
{
    if (acked < lag->base_seq)
        return now_us - lag->begun_us;
    return lag->count > 0 ? now_us - lag->marks[0].us : 0;
}
