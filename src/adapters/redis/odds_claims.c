/* odds_claims.c - contract in odds_claims.h. */
#include "adapters/redis/odds_claims.h"

#include <stddef.h>

#include "base/assert.h"

/* By so much the quickest may have become slower, as clocks drift: 1 ms a second is far beyond. */
#define DRIFT_PARTS 1000

static struct odds_claimer *find(struct odds_claims *claims, uint64_t session)
{
    for (size_t i = 0; i < claims->count; i++)
        if (claims->rows[i].session == session)
            return &claims->rows[i];
    return NULL;
}

/* A free row, or that of who claimed longest ago. */
static struct odds_claimer *take(struct odds_claims *claims, uint64_t session)
{
    struct odds_claimer *row = find(claims, session);
    if (row != NULL)
        return row;
    row = &claims->rows[0];
    if (claims->count < ODDS_CLAIMERS_MAX)
        row = &claims->rows[claims->count++];
    else
        for (size_t i = 1; i < claims->count; i++)
            if (claims->rows[i].heard_us < row->heard_us)
                row = &claims->rows[i];
    *row = (struct odds_claimer){
        .session = session, .heard_us = ODDS_NEVER_US, .as_of_us = ODDS_NEVER_US};
    return row;
}

void odds_claims_lease(struct odds_claims *claims, uint64_t session, unsigned lease, bool holds)
{
    struct odds_claimer *row = take(claims, session);
    ASSERT(lease < 64);
    if (holds)
        row->providers |= UINT64_C(1) << lease;
    else
        row->providers &= ~(UINT64_C(1) << lease);
}

/* How much longer than the quickest one it was on its way. */
static int64_t delay_us(struct odds_claimer *row, int64_t took_us, int64_t now_us)
{
    int64_t quickest_us = row->quickest_us + (now_us - row->quickest_at_us) / DRIFT_PARTS;
    if (row->heard_us == ODDS_NEVER_US || took_us <= quickest_us) {
        row->quickest_us = took_us;
        row->quickest_at_us = now_us;
        return 0;
    }
    return took_us - quickest_us;
}

void odds_claims_hear(struct odds_claims *claims, uint64_t session, const struct odds_claim *claim,
                      int64_t now_us)
{
    struct odds_claimer *row = take(claims, session);
    int64_t late_us = delay_us(row, now_us - claim->sent_us, now_us);
    row->heard_us = now_us;
    row->claim = *claim;
    row->as_of_us = now_us - late_us - claim->behind_us;
    if (!row->whole && !row->claimed) {
        row->claimed = true;
        row->since_us = now_us;
    }
}

void odds_claims_miss(struct odds_claims *claims, uint64_t session)
{
    struct odds_claimer *row = find(claims, session);
    if (row == NULL)
        return;
    row->whole = false;
    row->claimed = false;
}

void odds_claims_forget(struct odds_claims *claims, int64_t silence_us, int64_t now_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < claims->count; i++)
        if (claims->rows[i].heard_us == ODDS_NEVER_US ||
            now_us - claims->rows[i].heard_us < silence_us)
            claims->rows[kept++] = claims->rows[i];
    claims->count = kept;
}

bool odds_claims_want_round(const struct odds_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        if (!claims->rows[i].whole && claims->rows[i].claimed)
            return true;
    return false;
}

static bool covers(const struct odds_claim *claim, uint16_t slot)
{
    for (unsigned i = 0; i < claim->ranges_count; i++)
        if (slot >= claim->ranges[i].first && slot <= claim->ranges[i].last)
            return true;
    return false;
}

static bool was_read_whole(const struct odds_claim *claim,
                           bool (*was_read)(void *owner, uint16_t slot), void *owner)
{
    for (unsigned i = 0; i < claim->ranges_count; i++)
        for (unsigned slot = claim->ranges[i].first; slot <= claim->ranges[i].last; slot++)
            if (!was_read(owner, (uint16_t)slot))
                return false;
    return true;
}

void odds_claims_read(struct odds_claims *claims, int64_t begun_us,
                      bool (*was_read)(void *owner, uint16_t slot), void *owner)
{
    for (size_t i = 0; i < claims->count; i++) {
        struct odds_claimer *row = &claims->rows[i];
        if (!row->whole && row->claimed && row->since_us <= begun_us)
            row->whole = was_read_whole(&row->claim, was_read, owner);
    }
}

static bool is_about(const struct odds_claimer *row, const struct odds_asked *asked)
{
    bool own = row->claim.book == 0 || asked->book == 0 || row->claim.book == asked->book;
    return own && (row->providers >> asked->lease & 1) != 0 && row->claim.epoch == asked->epoch &&
           covers(&row->claim, asked->slot);
}

int64_t odds_claims_as_of_us(const struct odds_claims *claims, const struct odds_asked *asked)
{
    int64_t as_of_us = ODDS_NEVER_US;
    for (size_t i = 0; i < claims->count; i++) {
        const struct odds_claimer *row = &claims->rows[i];
        if (row->whole && row->as_of_us > as_of_us && asked->heard_us >= row->since_us &&
            is_about(row, asked))
            as_of_us = row->as_of_us;
    }
    return as_of_us;
}
