/* sim_referrals.h - bets that wait for the desk, what traders and customers say of them, and what
 * the rules say of that (BETTING-RULES 4.12, docs/PROTOCOL.md "Referred bets"); this folder only.
 */
#pragma once

#include "core/referral.h"
#include "ledger/record_referral.h"
#include "sim/sim_types.h"

/* What somebody said of a bet, and what could be seen at that instant. */
struct sim_spoken {
    uint64_t seq; /* its record; 0: it was not taken */
    uint64_t bet_id;
    uint32_t entry;   /* that asked for the bet */
    uint32_t said_in; /* incarnation */
    int64_t said_us;  /* monotonic */
    uint8_t word;     /* enum referral_word */
    uint8_t lifted;
    bool lifts;         /* lifted is said; else what referred the bet is lifted */
    const char *actor;  /* NULL: the customer */
    int64_t stake;      /* of an offer; 0: the bet's */
    int64_t valid_us;   /* 0: as the options say */
    uint64_t offer_seq; /* that the customer answers */
    uint32_t prices_count;
    struct odds prices[SIM_LEGS_MAX + 1];
    struct sim_view views[SIM_LEGS_MAX];
};

/* With what a bet is looked at. */
struct sim_look {
    const struct sim_view *views;
    struct sim_bet_leg legs[SIM_LEGS_MAX]; /* at the prices that are bound, or named */
    unsigned lifted;                       /* enum referral_lift */
    int64_t time_us;
};

/* Its stake is held, until a RELEASE. */
static inline bool sim_bet_waits(uint8_t state)
{
    return state == BET_STATE_PENDING || state == BET_STATE_REFERRED;
}

/* ---- sim_referrals.c: who speaks ---- */
void sim_referrals_step(struct sim *sim);

/* ---- sim_expect.c: the rules once more ---- */
/* Why the desk is asked about a ticket that would end so, with this stake. */
enum referral_cause sim_expect_referral(const struct sim *sim, const struct sim_entry *entry,
                                        const struct sim_account *account, int64_t stake,
                                        enum bet_outcome outcome);
int64_t sim_expect_refer_above(const struct sim *sim, const struct sim_entry *entry,
                               const struct sim_account *account); /* stake */
/* A bet that waits, with this stake: BET_PLACED, or what it breaks that is not lifted. */
enum bet_outcome sim_expect_look(const struct sim *sim, const struct sim_bet *bet,
                                 const struct sim_look *look, int64_t stake);
int64_t sim_expect_look_delay(const struct sim *sim, const struct sim_bet *bet,
                              const struct sim_look *look);

/* ---- sim_oracle_referrals.c: the oracle's fold ---- */
bool sim_referrals_room(const struct sim *sim); /* for one more */
void sim_refer(struct sim *sim, struct sim_bet *bet, const struct record_view *record);
/* A word by one whose turn it is: BET_PLACED, or what the bet breaks that is not lifted. */
enum bet_outcome sim_expect_said(const struct sim *sim, const struct sim_bet *bet,
                                 const struct sim_spoken *said, int64_t time_us);
void sim_oracle_referral(struct sim *sim, const struct record_view *record);
/* What a RELEASE says, by the last word on the bet; ends the process when it comes too early. */
enum bet_outcome sim_expect_after_words(struct sim *sim, const struct sim_bet *bet);
void sim_referral_ends(struct sim *sim, const struct sim_bet *bet, enum bet_outcome outcome);
/* The machine is up again: what waited does so as long as the clock on the wall says. */
void sim_wait_on(struct sim *sim, struct sim_bet *bet);
/* After a turn: nothing waits longer than it may, while all is well. */
void sim_check_waiting(struct sim *sim, const struct sim_entry *entry);
/* The account holds the stakes of its bets that wait. */
void sim_check_held(struct sim *sim, uint32_t account);
/* The live state has those that the oracle has. */
void sim_check_referrals(struct sim *sim, const struct shard_state *state);
