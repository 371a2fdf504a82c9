/* flush_pace.c - contract in flush_pace.h. */
#include "roles/odds/flush_pace.h"

#include "base/assert.h"

void flush_pace_init(struct flush_pace *pace, int64_t rest_us_max)
{
    ASSERT(rest_us_max >= 0);
    *pace = (struct flush_pace){.rest_us_max = rest_us_max};
}

static int64_t rest_after(const struct flush_pace *pace, int64_t cost_us, uint64_t changes)
{
    /* First the bound: a process that stood still for a while has "cost" hours. Twice, because
     * half of it may be taken off below. */
    int64_t cost = cost_us < 2 * pace->rest_us_max ? cost_us : 2 * pace->rest_us_max;
    int64_t together = changes < INT32_MAX ? (int64_t)changes : INT32_MAX;
    int64_t rest = cost - cost / together;
    if (rest > pace->rest_us_max)
        rest = pace->rest_us_max;
    return rest < FLUSH_REST_US_MIN ? 0 : rest;
}

void flush_pace_flushed(struct flush_pace *pace, int64_t begin_us, int64_t end_us, uint64_t changes)
{
    ASSERT(changes > 0);
    int64_t cost_us = end_us > begin_us ? end_us - begin_us : 0;
    pace->rest_us = rest_after(pace, cost_us, changes);
    pace->due_us = end_us + pace->rest_us;
}

int64_t flush_pace_wait_us(const struct flush_pace *pace, int64_t now_us)
{
    return now_us < pace->due_us ? pace->due_us - now_us : 0;
}
