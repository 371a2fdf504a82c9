/* sim_cash_out.h - customers who sell bets back, and what the rules say of it; this folder only. */
#pragma once

#include "app/book_cash_out.h"
#include "sim/sim_fate.h"

/* What a decision could see of a leg: its price, and what is known of its chances. */
struct sim_price {
    struct sim_view view;
    struct leg_chances chances; /* the provider's; all 0: it says none */
    uint64_t book;              /* the sum of the market's inverse prices, in 10^15ths */
    enum bet_outcome says;      /* BET_PLACED, or why that sum says nothing */
    bool returning;
};

/* A request to sell a bet back, or a part of its stake. */
struct sim_sale {
    uint32_t bet; /* the oracle's */
    uint32_t fraction, tolerance;
    int64_t stake; /* 0: the fraction says it */
    int64_t accepted;
    char offer[CASH_OUT_OFFER_BYTES];
    bool nonsense; /* instead of an offer */
    uint32_t offer_bet;
    uint64_t offer_seq; /* the newest record of that bet when it was made */
    int64_t offer_until_us;
    struct sim_price seen[SIM_LEGS_MAX];
    /* once it waits: */
    int64_t part, bound, delay_us;
    bool released;
    uint32_t released_in; /* incarnation */
    int64_t released_us;
    struct sim_price released_at[SIM_LEGS_MAX];
};

/* What a part of a bet is worth now, or why nothing can be said. */
struct sim_value {
    enum bet_outcome says;
    enum bet_outcome expected; /* of a request, by all rules */
    int64_t fair, value, delay_us;
    struct sim_fate fate;
    uint64_t books[SIM_LEGS_MAX]; /* 0: the provider's chances */
    struct leg_chances chances[SIM_LEGS_MAX];
};

/* ---- sim_cash_out.c: who asks, and what could be seen then ---- */
void sim_sale_step(struct sim *sim);
void sim_sale_see(struct sim *sim, const struct sim_entry *entry);
bool sim_sale_is_own(const struct sim *sim, const struct sim_entry *entry);
enum request_outcome sim_sale_ask(struct sim *sim, const struct sim_entry *entry, bool other,
                                  book_answer_fn answer, struct book_cookie cookie);
/* It waits for a delay now, as the book's newest. */
void sim_sale_waits(struct sim *sim, uint32_t entry, uint32_t cash_out);
void sim_sale_before_end(struct sim *sim); /* what those see that are decided in it */
void sim_sale_end_turn(struct sim *sim);   /* after book_end_turn: who was decided in it */
void sim_sale_restored(struct sim *sim);   /* after book_start */

/* ---- sim_oracle_cash_out.c ---- */
void sim_value_of(const struct sim *sim, const struct sim_bet *bet, int64_t stake,
                  const struct sim_price *prices, struct sim_value *ret);
/* May anything of it be sold at all? */
enum bet_outcome sim_for_sale(const struct sim *sim, const struct sim_bet *bet);
void sim_oracle_cash_out(struct sim *sim, const struct record_view *record);
