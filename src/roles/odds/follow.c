/* follow.c - contract in follow.h. */
#include "roles/odds/follow.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

int follow_debts_new(struct follow_debts *debts, uint32_t max, uint32_t per_follower_max)
{
    debts->per_follower_max = per_follower_max;
    debts->debts = calloc(max, sizeof *debts->debts);
    if (debts->debts == NULL)
        return -ERR_MEMORY;
    return slot_pool_new(&debts->pool, max);
}

void follow_debts_done(struct follow_debts *debts)
{
    slot_pool_done(&debts->pool);
    free(debts->debts);
    debts->debts = NULL;
}

void follow_begin(struct follow *follow, uint64_t synced)
{
    *follow = (struct follow){
        .synced = synced, .walked = FOLLOW_NO_WALK, .first = SLOT_NONE, .last = SLOT_NONE};
}

static void pay(struct follow_debts *debts, struct follow *follow, uint32_t before, uint32_t at)
{
    uint32_t next = debts->debts[at].next;
    if (before == SLOT_NONE)
        follow->first = next;
    else
        debts->debts[before].next = next;
    if (follow->last == at)
        follow->last = before;
    ASSERT(follow->count > 0);
    follow->count--;
    slot_pool_give(&debts->pool, at);
}

void follow_end(struct follow_debts *debts, struct follow *follow)
{
    while (follow->first != SLOT_NONE)
        pay(debts, follow, SLOT_NONE, follow->first);
    ASSERT(follow->count == 0);
}

void follow_restart(struct follow_debts *debts, struct follow *follow, uint64_t seq)
{
    ASSERT(seq >= follow->synced); /* P1 */
    uint64_t changes = seq - follow->synced + follow->restart_changes;
    follow_end(debts, follow);
    follow->restart_changes = changes > UINT32_MAX ? UINT32_MAX : (uint32_t)changes;
    follow->synced = seq;
    follow->walked = 0;
}

/* The debt of this market, or SLOT_NONE. *ret_before: the one before it, or the last. */
static uint32_t find(const struct follow_debts *debts, const struct follow *follow, uint32_t market,
                     uint32_t *ret_before)
{
    uint32_t at = follow->first;
    *ret_before = SLOT_NONE;
    while (at != SLOT_NONE && debts->debts[at].market != market) {
        *ret_before = at;
        at = debts->debts[at].next;
    }
    return at;
}

static bool owe(struct follow_debts *debts, struct follow *follow, uint32_t market)
{
    uint32_t last;
    uint32_t at = find(debts, follow, market, &last);
    if (at != SLOT_NONE) {
        debts->debts[at].changes++;
        return true;
    }
    if (follow->count >= debts->per_follower_max)
        return false;
    at = slot_pool_take(&debts->pool);
    if (at == SLOT_NONE)
        return false;
    debts->debts[at] = (struct follow_debt){SLOT_NONE, market, 1};
    if (last == SLOT_NONE)
        follow->first = at;
    else
        debts->debts[last].next = at;
    follow->last = at;
    follow->count++;
    return true;
}

enum follow_hold follow_hold(struct follow_debts *debts, struct follow *follow, uint64_t seq,
                             uint32_t market, uint64_t joined)
{
    if (follow_is_walking(follow) && joined > follow->walked)
        return FOLLOW_AHEAD;
    if (owe(debts, follow, market))
        return FOLLOW_HELD;
    follow_restart(debts, follow, seq);
    return FOLLOW_RESTARTED;
}

enum follow_hold follow_hold_removal(struct follow_debts *debts, struct follow *follow,
                                     uint64_t seq)
{
    if (follow->walked == 0) /* nothing was sent of this walk */
        return FOLLOW_AHEAD;
    follow_restart(debts, follow, seq);
    return FOLLOW_RESTARTED;
}

struct follow_next follow_next(const struct follow_debts *debts, struct follow *follow,
                               uint64_t seq, uint64_t kept_from)
{
    ASSERT(follow->synced <= seq); /* P1: a client is never ahead of its channel */
    struct follow_next next = {.step = FOLLOW_WALK};
    if (follow_is_walking(follow)) {
        next.changes = follow->walked == 0 ? follow->restart_changes : 0;
        next.seq = follow->synced;
        return next;
    }
    if (follow->count == 0) {
        follow->synced = seq;
        next.step = FOLLOW_DONE;
        return next;
    }
    next.market = debts->debts[follow->first].market;
    next.changes = debts->debts[follow->first].changes;
    if (seq - follow->synced == follow->count && kept_from <= follow->synced + 1) {
        next.step = FOLLOW_REPLAY; /* as many messages as markets: none changed twice */
        next.seq = follow->synced + 1;
    } else {
        next.step = FOLLOW_IMAGE;
        next.seq = follow->count == 1 ? seq : follow->synced;
    }
    return next;
}

void follow_walked(struct follow *follow, uint64_t joined)
{
    ASSERT(follow_is_walking(follow));
    ASSERT(joined > follow->walked);
    follow->walked = joined;
    follow->restart_changes = 0;
}

uint64_t follow_walk_seq(const struct follow *follow, uint64_t seq)
{
    return follow->count == 0 ? seq : follow->synced;
}

void follow_walk_ended(struct follow *follow, uint64_t seq)
{
    ASSERT(follow_is_walking(follow));
    follow->synced = follow_walk_seq(follow, seq);
    follow->walked = FOLLOW_NO_WALK;
    follow->restart_changes = 0;
}

void follow_replayed(struct follow_debts *debts, struct follow *follow, uint32_t market)
{
    uint32_t before;
    uint32_t at = find(debts, follow, market, &before);
    ASSERT(at != SLOT_NONE);
    pay(debts, follow, before, at);
    follow->synced++;
}

void follow_imaged(struct follow_debts *debts, struct follow *follow, uint64_t seq)
{
    ASSERT(follow->first != SLOT_NONE);
    pay(debts, follow, SLOT_NONE, follow->first);
    if (follow->count == 0)
        follow->synced = seq;
}
