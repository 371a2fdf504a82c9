/* flush_pace.c - contract in flush_pace.h. */
#include "roles/odds/flush_pace.h"

#include "base/assert.h"

void flush_pace_init(struct flush_pace *pace, int64_t rest_us_max)
{
    ASSERT(rest_us_max >= 0);
    *pace = (struct flush_pace){.rest_us_max = rest_us_max};
}

static int64_t between(int64_t least, int64_t us, int64_t most)
{
    return us < least ? least : us > most ? most : us;
}

static int64_t rest_after(const struct flush_pace *pace, const struct flush_span *span,
                          uint64_t changes)
{
    int64_t took_us = span->end_us > span->begin_us ? span->end_us - span->begin_us : 0;
    int64_t cost_us = between(0, span->cost_us, took_us);
    int64_t others_us = took_us - cost_us; /* these have had their share of the loop already */
    int64_t together = changes < INT32_MAX ? (int64_t)changes : INT32_MAX;
    int64_t rest_us = between(0, cost_us - cost_us / together - others_us, pace->rest_us_max);
    return rest_us < FLUSH_REST_US_MIN ? 0 : rest_us;
}

void flush_pace_flushed(struct flush_pace *pace, const struct flush_span *span, uint64_t changes)
{
    ASSERT(changes > 0);
    pace->rest_us = rest_after(pace, span, changes);
    pace->due_us = span->end_us + pace->rest_us;
}

bool flush_pace_may_join(uint64_t changes, uint64_t sent, uint64_t sends)
{
    return changes < FLUSH_JOIN_CHANGES && sent < sends / FLUSH_JOIN_SHARE;
}

int64_t flush_pace_wait_us(const struct flush_pace *pace, int64_t now_us)
{
    return now_us < pace->due_us ? pace->due_us - now_us : 0;
}
