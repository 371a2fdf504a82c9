/* record_json_words.h - the words of a record's JSON: members of one kind, and refs with their
 * names. For the writers of JSON in this folder. Thread: that of the state. No call fails: what
 * does not fit sets the writer's buf to overflow. */
#pragma once

#include "base/json_write.h"
#include "ledger/record.h"
#include "ledger/shard_state.h"

/* What is being written: the writer, the record, and what the record leaves to its texts. */
struct dump {
    struct json_writer writer;
    const struct record_view *record;
    const struct shard_state *state; /* or NULL */
    struct slice texts;              /* not yet written */
};

/* A whole number. */
void dump_u64(struct dump *d, const char *key, uint64_t value);

/* Text, escaped. */
void dump_text(struct dump *d, const char *key, struct slice text);

/* true or false. */
void dump_bool(struct dump *d, const char *key, bool value);

/* The word, or the number when it has none. */
void dump_word(struct dump *d, const char *key, const char *word, uint64_t number);

/* The word at `number` of the list, whose first stands for 1 and whose end is NULL. */
void dump_listed(struct dump *d, const char *key, const char *const list[], unsigned number);

/* The next `bytes` of the record's texts. */
void dump_next_text(struct dump *d, const char *key, uint16_t bytes);

/* RFC 3339; what no calendar has as microseconds. */
void dump_time(struct dump *d, const char *key, int64_t us);

/* At most 32 bytes. */
void dump_hex(struct dump *d, const char *key, const void *at, size_t bytes);

/* As two big-endian numbers, so that the digits read like the numbers. */
void dump_hash(struct dump *d, const char *key, const uint64_t words[2]);

/* null for a bet that was refused. */
void dump_bet_id(struct dump *d, uint64_t bet_id);

/* In units of the currency; {"minor":N} in one that is unknown. */
void dump_money(struct dump *d, const char *key, int64_t minor, uint16_t iso);

/* Its code. */
void dump_currency(struct dump *d, uint16_t iso);

/* The decimal is rounded; the exact form says the fraction as it stands in the record. */
void dump_odds(struct dump *d, const char *key, const char *key_exact, struct odds odds);

/* A number that names a row; null for `none`. */
void dump_ref(struct dump *d, const char *key, uint32_t ref, uint32_t none);

/* The market's row, or NULL without a state, or where it has none. */
const struct shard_market *dump_market_of(const struct dump *d, uint32_t ref);

/* Its ref, and its id if the state is known. */
void dump_market(struct dump *d, uint32_t ref);

/* Its index, and its id and name if the state is known. */
void dump_selection(struct dump *d, uint32_t market, uint16_t selection);

/* Its ref, and the user id if the state is known: a pseudonym; who that is, is kept elsewhere. */
void dump_account(struct dump *d, uint32_t ref);

/* enum market_status. */
void dump_status(struct dump *d, const char *key, unsigned status);

/* enum market_hold bits, each by name. */
void dump_holds(struct dump *d, unsigned holds);

/* enum bet_outcome. */
void dump_outcome(struct dump *d, unsigned outcome);

/* enum fence_cause. */
void dump_cause(struct dump *d, unsigned cause);

/* enum rounding. */
void dump_rounding(struct dump *d, unsigned rounding);

/* What became of a leg: in words, and its factors. */
void dump_factors(struct dump *d, struct record_leg_result factors);
