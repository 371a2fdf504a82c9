/* bet_json.h - members of answers about bets and money, spelled as CONTRACT fixes them. For the
 * writers of this folder. Thread: any. */
#pragma once

#include "base/instant.h"
#include "base/json_write.h"
#include "core/ids.h"
#include "core/money.h"
#include "core/odds.h"
#include "core/settle.h"
#include "core/system.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

/* Each writes one member. */
void put_text_member(struct json_writer *writer, const char *key, struct slice text);
void put_word_member(struct json_writer *writer, const char *key, const char *word);
void put_money_member(struct json_writer *writer, const char *key, struct money money);
/* "odds", and "odds_exact" where the decimal does not say it all; nothing for no price. */
void put_odds_members(struct json_writer *writer, struct odds odds);
/* "SHARD-SEQ". */
void put_seq_member(struct json_writer *writer, const char *key, uint32_t shard, uint64_t seq);
void put_time_member(struct json_writer *writer, const char *key, struct instant time);
void put_bet_id_member(struct json_writer *writer, struct bet_id id);

/* A decimal number without sign or leading zero, as we write it. */
bool bet_id_parse(struct slice text, struct bet_id *ret);

/* What a leg of a BET or RELEASE record took. */
static inline struct odds leg_odds(const struct record_leg *leg)
{
    return (struct odds){leg->odds_numerator, leg->odds_denominator};
}

/* What the settled legs of a bet came to, both ways. */
struct settled_results settled_results_of(const struct record_view *settle);
/* "result" of one leg, and of its place half in an each-way bet: OPEN when it is not known. */
void put_result_members(struct json_writer *writer, struct record_leg_result win,
                        struct record_leg_result place);
/* What binds one leg beside its price: banker of a system, place terms of an each-way bet. */
void put_leg_terms(struct json_writer *writer, const struct record_leg *leg, uint32_t sizes);
/* "type", and what belongs to it: the sizes of a system, each-way, the kind of stake. */
void put_type_members(struct json_writer *writer, uint32_t legs_count, uint32_t sizes,
                      unsigned flags);

/* Why a BET waits for the desk, and whose limit it was; nothing of one that does not. */
void put_referred_members(struct json_writer *writer, const struct record_bet *bet);

/* Opens nothing: the members of one leg that name what was bet on. */
void put_choice_members(struct json_writer *writer, const struct shard_state *state,
                        uint32_t market, uint16_t selection);
