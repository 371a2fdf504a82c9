/* sim_check.c - whole-state checks: live state against the oracle, against a refold of the disk
 * (L5), and the offline audit with the odds log (L6). */
#include <stdlib.h>
#include <string.h>

#include "app/audit.h"
#include "app/refold.h"
#include "base/assert.h"
#include "sim/sim_fate.h"
#include "sim/sim_fold.h"
#include "sim/sim_referrals.h"
#include "sim/sim_world.h"

static void check_accounts(struct sim *sim, const struct shard_state *state)
{
    const struct sim_oracle *o = &sim->oracle;
    SIM_CHECK(shard_state_accounts_count(state) == o->accounts_count, "L2", "accounts differ");
    for (uint32_t i = 1; i <= o->accounts_count; i++) {
        const struct shard_account *a = shard_state_account(state, (struct account_ref){i});
        SIM_CHECK(a->available == o->accounts[i].available && a->held == o->accounts[i].held &&
                      a->free == o->accounts[i].free && a->bonus == o->accounts[i].bonus &&
                      a->currency.iso == o->accounts[i].currency,
                  "L4", "account %u has %lld and %lld held, the oracle says %lld and %lld", i,
                  (long long)a->available, (long long)a->held, (long long)o->accounts[i].available,
                  (long long)o->accounts[i].held);
    }
}

static void check_houses(struct sim *sim, const struct shard_state *state)
{
    for (size_t i = 0; i < shard_state_houses_count(state); i++) {
        const struct shard_house *h = shard_state_house(state, i);
        const struct sim_house *own = sim_house_of(sim, h->currency.iso);
        SIM_CHECK(h->cash == own->cash && h->stakes == own->stakes && h->result == own->result &&
                      h->promo == own->promo,
                  "L4", "the house accounts of %u differ", own->currency);
    }
}

static void check_bets(struct sim *sim, const struct shard_state *state)
{
    const struct sim_oracle *o = &sim->oracle;
    SIM_CHECK(shard_state_bets_count(state) == o->bets_count, "L2", "%u bets, the oracle has %u",
              shard_state_bets_count(state), o->bets_count);
    for (uint32_t i = 0; i < o->bets_count; i++) {
        const struct sim_bet *own = &o->bets[i];
        const struct shard_bet *bet = shard_state_bet(state, i);
        SIM_CHECK(bet->bet_id == own->bet_id && bet->state == own->state &&
                      bet->payout == own->payout && bet->seq_last == own->seq_last &&
                      bet->stake == own->stake && bet->cashed_out == own->cashed_out,
                  "L7", "bet %llu differs from the oracle's", (unsigned long long)own->bet_id);
        SIM_CHECK(own->stake + own->stake_sold == own->stake_placed &&
                      (own->state == BET_STATE_CASHED_OUT) == (own->stake == 0),
                  "L7", "of bet %llu %lld were staked, %lld are sold and %lld left",
                  (unsigned long long)own->bet_id, (long long)own->stake_placed,
                  (long long)own->stake_sold, (long long)own->stake);
    }
}

/* What open bets may cost, counted anew from them all. */
static void check_liability(struct sim *sim, const struct shard_state *state)
{
    for (uint32_t ref = 1; ref <= sim->oracle.markets_count; ref++) {
        const struct sim_market *own = &sim->markets[sim->oracle.markets[ref]];
        const struct shard_market *m = shard_state_market(state, (struct market_ref){ref});
        SIM_CHECK(m->stakes_single == own->stakes_single, "L7",
                  "market %.*s: single bets stake %lld, the oracle says %lld", own->id_bytes,
                  own->id, (long long)m->stakes_single, (long long)own->stakes_single);
        for (uint16_t i = 0; i < own->named_count; i++) {
            int64_t costs = shard_state_selection(state, (struct market_ref){ref}, i)->costs_open;
            SIM_CHECK(costs == own->named[i].costs, "L7",
                      "market %.*s: outcome %u costs %lld, the oracle says %lld", own->id_bytes,
                      own->id, i, (long long)costs, (long long)own->named[i].costs);
        }
    }
}

static void check_windows(struct sim *sim, const struct shard_state *state)
{
    for (uint32_t ref = 1; ref <= sim->oracle.markets_count; ref++) {
        const struct sim_market *own = &sim->markets[sim->oracle.markets[ref]];
        for (uint32_t i = 0; i < own->windows_count; i++) {
            const struct sim_window *w = &own->windows[i];
            const struct shard_window *live =
                shard_state_find_window(state, (struct market_ref){ref}, w->from_us, w->until_us);
            SIM_CHECK(live != NULL && live->in_force == w->in_force && live->version == w->version,
                      "L7", "market %.*s: a window of time is another one", own->id_bytes, own->id);
        }
    }
}

void sim_check_rows(struct sim *sim, const struct shard_state *state)
{
    check_accounts(sim, state);
    check_houses(sim, state);
    check_bets(sim, state);
    check_liability(sim, state);
    check_windows(sim, state);
}

/* What a result decides is paid, and by that result (L7); what none decides is open. Nothing is
 * left to do. */
static void check_paid(struct sim *sim)
{
    const struct sim_oracle *o = &sim->oracle;
    struct sim_fate fate;
    for (uint32_t i = 0; i < o->bets_count; i++) {
        const struct sim_bet *own = &o->bets[i];
        if (sim_bet_waits(own->state) || own->state == BET_STATE_NOT_ACCEPTED ||
            own->state == BET_STATE_CASHED_OUT)
            continue;
        sim_fate_of(sim, own, &fate);
        bool follows =
            own->state == BET_STATE_SETTLED ? !sim_fate_differs(sim, own, &fate) : !fate.decided;
        SIM_CHECK(follows, "L7", "bet %llu does not follow from the result in force",
                  (unsigned long long)own->bet_id);
    }
}

/* S2: what is over leaves memory. */
static void check_ended(struct sim *sim)
{
    int64_t keep_us = sim->mix.book.closed_keep_us + US_PER_SECOND;
    for (uint32_t i = 0; i < sim->markets_count; i++) {
        const struct sim_market *m = &sim->markets[i];
        SIM_CHECK(!m->present || m->ended_us == 0 || sim->now_us - m->ended_us <= keep_us, "S2",
                  "market %.*s ended long ago and is still in the odds store", m->id_bytes, m->id);
    }
}

void sim_check_state(struct sim *sim)
{
    struct shard_state *state = (struct shard_state *)book_state(sim->book);
    ASSERT(book_idle(sim->book));
    SIM_CHECK(shard_state_seq(state) == sim->oracle.seq, "L2", "idle at %llu, but durable is %llu",
              (unsigned long long)shard_state_seq(state), (unsigned long long)sim->oracle.seq);
    sim_check_rows(sim, state);
    check_paid(sim);
    check_ended(sim);
    sim_check_debts(sim);
    sim_check_proposals(sim, state);
    sim_check_referrals(sim, state);
    int error = shard_state_check(state);
    SIM_CHECK(error == 0, "L4", "%s", shard_state_reason(state));
}

static struct shard_state *state_new(const struct sim *sim)
{
    struct shard_state *state = NULL;
    int error = shard_state_new(&sim->mix.book.limits, &state);
    ASSERT(error == 0); /* no memory: nothing to find here */
    return state;
}

static void check_hash(struct sim *sim, const uint8_t other[32])
{
    uint8_t live[32];
    int error = shard_state_hash(book_state(sim->book), live);
    ASSERT(error == 0);
    SIM_CHECK(memcmp(live, other, sizeof live) == 0, "L5",
              "the refold of the log gives another state than the live one");
}

void sim_check_refold(struct sim *sim)
{
    struct shard_state *state = state_new(sim);
    const struct refold_source source = {
        .log = &sim->log.port, .seq_last = REFOLD_ALL, .forget = true};
    struct refold_end end;
    uint8_t hash[32];
    int error = refold(&source, state, NULL, NULL, &end);
    SIM_CHECK(error == 0, "L5", "record %llu: %s", (unsigned long long)end.seq, end.reason);
    error = shard_state_hash(state, hash);
    ASSERT(error == 0);
    check_hash(sim, hash);
    shard_state_free(state);
    sim_count(sim, SIM_REFOLD);
}

void sim_check_audit(struct sim *sim)
{
    sim_odds_flush(sim);
    if (sim->odds_log.stopped) /* it answers nothing any more before a restart */
        return;
    struct shard_state *state = state_new(sim);
    struct audit_report report;
    int error = audit_shard(&sim->log.port, &sim->odds_log.port, 0, state, &report);
    SIM_CHECK(error == 0, "L6", "the audit says of record %llu: %s", (unsigned long long)report.seq,
              report.reason);
    check_hash(sim, report.state_hash);
    shard_state_free(state);
    sim_count(sim, SIM_AUDIT);
}
