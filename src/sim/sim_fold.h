/* sim_fold.h - what the files of the oracle's fold have for each other (sim_oracle*.c); this folder
 * only. Each takes a record that became durable, and ends the process where it is wrong. */
#pragma once

#include "sim/sim_types.h"

/* ---- sim_oracle_bets.c ---- */
void sim_oracle_bet(struct sim *sim, const struct record_view *record);
void sim_oracle_release(struct sim *sim, const struct record_view *record);
void sim_oracle_settle(struct sim *sim, const struct record_view *record);
void sim_oracle_reverse(struct sim *sim, const struct record_view *record);
/* Of the record's account: else nobody may speak of it. */
struct sim_bet *sim_bet_of(struct sim *sim, const struct record_view *record, uint64_t bet_id);
/* The record is the next of the bet's chain. */
struct sim_bet *sim_bet_next(struct sim *sim, const struct record_view *record, uint64_t bet_id,
                             uint64_t previous_seq);
uint16_t sim_staked_from(const struct sim_bet *bet); /* enum ledger_account */
/* The leg of a record shows what was to be seen, and that price. */
void sim_check_leg(struct sim *sim, const struct sim_view *view, const struct record_leg *leg,
                   struct odds taken);
/* Nothing in the ledger stands against a bet on it. */
const struct sim_market *sim_check_open(struct sim *sim, const struct record_leg *leg);
/* What an open or pending bet counts on its markets (sign 1), and no more (-1); a referred one
 * counts for its account alone. */
void sim_count_open(struct sim *sim, const struct sim_bet *bet, int sign);
bool sim_posted(const struct record_view *record, const struct record_posting *expected,
                size_t count);
/* What settling moves, sign 1, or taking it back, -1. Answers what available is changed by. */
int64_t sim_check_moved(struct sim *sim, const struct record_view *record,
                        const struct sim_bet *bet, int sign);

/* ---- sim_oracle.c ---- */
struct sim_house *sim_house_of(struct sim *sim, uint16_t currency);
struct sim_entry *sim_entry_of_key(struct sim *sim, enum operation operation, uint32_t account,
                                   struct slice key);

/* ---- sim_oracle_debts.c: what corrections took below zero ---- */
void sim_oracle_adjustment(struct sim *sim, const struct record_view *record);
void sim_check_debts(struct sim *sim); /* at rest nothing is left to write off */
