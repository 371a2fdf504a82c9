/* odds_unsaid.h - since when something that was to be said has not been taken: it waits, or is
 * under way. Commands under way are an older and a newer heap, so that what is said again and again
 * is behind by two of its round trips at most. Pure: time comes as an argument. Thread: one user.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

#define ODDS_SAID           INT64_MAX /* everything was taken */
#define ODDS_UNSAID_FOREVER INT64_MIN /* nobody knows what the server has of it */

struct odds_unsaid {
    bool waits;
    uint32_t older, newer; /* commands under way */
    int64_t waits_us, older_us, newer_us;
};

static inline void odds_unsaid_wait(struct odds_unsaid *unsaid, int64_t since_us)
{
    if (!unsaid->waits || since_us < unsaid->waits_us)
        unsaid->waits_us = since_us;
    unsaid->waits = true;
}

/* What waited, or what was said before, is under way. */
static inline void odds_unsaid_send(struct odds_unsaid *unsaid, int64_t now_us)
{
    int64_t since_us = unsaid->waits ? unsaid->waits_us : now_us;
    unsaid->waits = false;
    if (unsaid->older == 0) {
        unsaid->older = 1;
        unsaid->older_us = since_us;
        return;
    }
    if (unsaid->newer++ == 0 || since_us < unsaid->newer_us)
        unsaid->newer_us = since_us;
}

/* A command under way has ended; where it was not taken it waits again, which is said besides. */
static inline void odds_unsaid_end(struct odds_unsaid *unsaid)
{
    ASSERT(unsaid->older > 0);
    if (--unsaid->older > 0)
        return;
    unsaid->older = unsaid->newer;
    unsaid->older_us = unsaid->newer_us;
    unsaid->newer = 0;
}

static inline uint32_t odds_unsaid_under_way(const struct odds_unsaid *unsaid)
{
    return unsaid->older + unsaid->newer;
}

static inline int64_t odds_unsaid_since_us(const struct odds_unsaid *unsaid)
{
    int64_t since_us = unsaid->waits ? unsaid->waits_us : ODDS_SAID;
    if (unsaid->older > 0 && unsaid->older_us < since_us)
        since_us = unsaid->older_us;
    if (unsaid->newer > 0 && unsaid->newer_us < since_us)
        since_us = unsaid->newer_us;
    return since_us;
}

/* The oldest of several, as odds_unsaid_since_us(): now, where all was taken. */
static inline int64_t odds_unsaid_oldest_us(const int64_t *since_us, size_t count, int64_t now_us)
{
    int64_t oldest_us = now_us;
    for (size_t i = 0; i < count; i++)
        if (since_us[i] < oldest_us)
            oldest_us = since_us[i];
    return oldest_us;
}
