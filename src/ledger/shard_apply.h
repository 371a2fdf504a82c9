/* shard_apply.h - what each type of record does to the fold. Shared by the files shard_*.c of this
 * folder only. */
#pragma once

#include "ledger/record.h"
#include "ledger/shard_state.h"

/* By type; contract of shard_state_apply. */
int shard_apply_book(struct shard_state *state, const struct record_view *record);
int shard_apply_market(struct shard_state *state, const struct record_view *record);
int shard_apply_selections(struct shard_state *state, const struct record_view *record);
int shard_apply_limits(struct shard_state *state, const struct record_view *record);
int shard_apply_fence(struct shard_state *state, const struct record_view *record);
int shard_apply_result(struct shard_state *state, const struct record_view *record);
int shard_apply_money(struct shard_state *state, const struct record_view *record);
int shard_apply_bet(struct shard_state *state, const struct record_view *record);
int shard_apply_release(struct shard_state *state, const struct record_view *record);
int shard_apply_settle(struct shard_state *state, const struct record_view *record);
int shard_apply_proposal(struct shard_state *state, const struct record_view *record);
int shard_apply_decision(struct shard_state *state, const struct record_view *record);
int shard_apply_adjustment(struct shard_state *state, const struct record_view *record);
int shard_apply_reverse(struct shard_state *state, const struct record_view *record);
int shard_apply_referral(struct shard_state *state, const struct record_view *record);
int shard_apply_relayed(struct shard_state *state, const struct record_view *record);
int shard_apply_cash_out(struct shard_state *state, const struct record_view *record);
