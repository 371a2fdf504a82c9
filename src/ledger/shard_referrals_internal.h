/* shard_referrals_internal.h - what the fold asks of bets that wait for the desk, and of bets in
 * general for them; for the files shard_*.c only. */
#pragma once

#include "ledger/shard_state_internal.h"

/* ---- shard_apply_bet.c ---- */

/* L6: the leg's market is open to betting at this place, as it was seen. 0, -ERR_CORRUPT. */
int shard_check_leg_open(struct shard_state *state, const struct record_leg *leg);
/* The leg is the bet's own, at the same terms. 0, -ERR_CORRUPT. */
int shard_check_leg_own(struct shard_state *state, const struct record_leg *leg,
                        const struct shard_leg *own);
/* The bet, whose state was set, begins to wait or to stand: what its markets count of it. */
void shard_count_bet(struct shard_state *state, const struct shard_bet *bet);

/* ---- shard_apply_referral.c ---- */

/* The bet's row; NULL: it was not referred, or is decided. */
struct shard_referral *shard_referral_of(struct shard_state *state, const struct shard_bet *bet);
/* A BET that says so may wait for the desk. 0, -ERR_CORRUPT, -ERR_LIMIT. */
int shard_check_referred(struct shard_state *state, const struct record_bet *bet);
/* Behind it: the row of the newest bet. */
void shard_add_referral(struct shard_state *state, const struct record_view *record);
/* A RELEASE follows from the last word on its bet, if it was referred. 0, -ERR_CORRUPT. */
int shard_check_release_word(struct shard_state *state, const struct shard_bet *bet,
                             unsigned outcome);
/* Behind it. */
void shard_drop_referral(struct shard_state *state, const struct shard_bet *bet);
/* A row that was dropped is there again, where it was. False: others have its room. */
bool shard_return_referral(struct shard_state *state, const struct shard_referral *row);
/* Those of a state that came from outside, whose bets were checked. 0, -ERR_CORRUPT. */
int shard_check_referrals(struct shard_state *state);
