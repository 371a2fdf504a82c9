/* record_json_words.c - contract in record_json_words.h. */
#include "ledger/record_json_words.h"

#include "base/rfc3339.h"

/* ---- members ---- */

void dump_u64(struct dump *d, const char *key, uint64_t value)
{
    json_write_key(&d->writer, key);
    json_write_u64(&d->writer, value);
}

void dump_text(struct dump *d, const char *key, struct slice text)
{
    json_write_key(&d->writer, key);
    json_write_text(&d->writer, text);
}

void dump_bool(struct dump *d, const char *key, bool value)
{
    json_write_key(&d->writer, key);
    json_write_bool(&d->writer, value);
}

/* The word, or the number when it has none. */
void dump_word(struct dump *d, const char *key, const char *word, uint64_t number)
{
    json_write_key(&d->writer, key);
    if (word != NULL)
        json_write_text(&d->writer, slice_text(word));
    else
        json_write_u64(&d->writer, number);
}

/* The word at `number` of the list, whose first stands for 1. */
void dump_listed(struct dump *d, const char *key, const char *const list[], unsigned number)
{
    unsigned count = 0;
    while (list[count] != NULL)
        count++;
    dump_word(d, key, number >= 1 && number <= count ? list[number - 1] : NULL, number);
}

void dump_next_text(struct dump *d, const char *key, uint16_t bytes)
{
    dump_text(d, key, record_text(&d->texts, bytes));
}

void dump_time(struct dump *d, const char *key, int64_t us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(&d->writer, key);
    rfc3339_write(&text, (struct instant){us});
    if (text.overflow)
        json_write_i64(&d->writer, us);
    else
        json_write_text(&d->writer, buf_slice(&text));
}

void dump_hex(struct dump *d, const char *key, const void *at, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    const unsigned char *from = at;
    for (size_t i = 0; i < bytes; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    dump_text(d, key, slice_of(text, 2 * bytes));
}

/* As two big-endian numbers, so that the digits read like the numbers. */
void dump_hash(struct dump *d, const char *key, const uint64_t words[2])
{
    uint64_t big[2] = {__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
    dump_hex(d, key, big, sizeof big);
}

void dump_bet_id(struct dump *d, uint64_t bet_id)
{
    char memory[24];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(&d->writer, "bet_id");
    if (bet_id == 0) { /* refused */
        json_write_null(&d->writer);
        return;
    }
    buf_put_u64(&text, bet_id);
    json_write_text(&d->writer, buf_slice(&text));
}

void dump_money(struct dump *d, const char *key, int64_t minor, uint16_t iso)
{
    struct currency currency = {iso};
    json_write_key(&d->writer, key);
    if (currency_known(currency)) {
        json_write_decimal(&d->writer, minor, currency_scale(currency));
        return;
    }
    json_write_object_open(&d->writer);
    json_write_key(&d->writer, "minor");
    json_write_i64(&d->writer, minor);
    json_write_object_close(&d->writer);
}

void dump_currency(struct dump *d, uint16_t iso)
{
    struct currency currency = {iso};
    dump_word(d, "currency", currency_known(currency) ? currency_code(currency) : NULL, iso);
}

/* The decimal is rounded; the exact form says the fraction as it stands in the record. */
void dump_odds(struct dump *d, const char *key, const char *key_exact, struct odds odds)
{
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(&d->writer, key);
    if (odds_present(odds)) {
        odds_write_decimal(&text, odds);
        json_write_raw(&d->writer, buf_slice(&text));
    } else {
        json_write_null(&d->writer);
    }
    json_write_key(&d->writer, key_exact);
    if (odds.numerator == 0 && odds.denominator == 0) {
        json_write_null(&d->writer);
        return;
    }
    text = buf_over(memory, sizeof memory); /* odds_write_exact is for prices only */
    buf_put_u64(&text, odds.numerator);
    buf_put_char(&text, '/');
    buf_put_u64(&text, odds.denominator);
    json_write_text(&d->writer, buf_slice(&text));
}

/* ---- names ---- */

const struct shard_market *dump_market_of(const struct dump *d, uint32_t ref)
{
    return d->state == NULL ? NULL : shard_state_market(d->state, (struct market_ref){ref});
}

static const struct shard_selection *selection_of(const struct dump *d, uint32_t market,
                                                  uint16_t selection)
{
    if (d->state == NULL)
        return NULL;
    return shard_state_selection(d->state, (struct market_ref){market}, selection);
}

void dump_ref(struct dump *d, const char *key, uint32_t ref, uint32_t none)
{
    json_write_key(&d->writer, key);
    if (ref == none)
        json_write_null(&d->writer);
    else
        json_write_u64(&d->writer, ref);
}

void dump_market(struct dump *d, uint32_t ref)
{
    dump_ref(d, "market", ref, 0);
    if (dump_market_of(d, ref) != NULL)
        dump_text(d, "market_id", shard_state_market_id(d->state, (struct market_ref){ref}));
}

void dump_selection(struct dump *d, uint32_t market, uint16_t selection)
{
    const struct shard_selection *known = selection_of(d, market, selection);
    dump_ref(d, "selection", selection, RECORD_SELECTION_NONE);
    if (known == NULL)
        return;
    dump_text(d, "selection_id", shard_state_text(d->state, known->id));
    dump_text(d, "selection_name", shard_state_text(d->state, known->name));
}

/* The user id that tokens carry is a pseudonym: who that is, is kept elsewhere. */
void dump_account(struct dump *d, uint32_t ref)
{
    struct account_ref account = {ref};
    dump_u64(d, "account", ref);
    if (d->state != NULL && shard_state_account(d->state, account) != NULL)
        dump_text(d, "user_id", shard_state_user_id(d->state, account));
}

void dump_status(struct dump *d, const char *key, unsigned status)
{
    dump_word(d, key, market_status_text((enum market_status)status), status);
}

void dump_holds(struct dump *d, unsigned holds)
{
    json_write_key(&d->writer, "holds");
    json_write_array_open(&d->writer);
    if ((holds & HOLD_TRADER) != 0)
        json_write_text(&d->writer, SLICE("trader"));
    if ((holds & ~(unsigned)HOLD_TRADER) != 0)
        json_write_u64(&d->writer, holds & ~(unsigned)HOLD_TRADER);
    json_write_array_close(&d->writer);
}

void dump_outcome(struct dump *d, unsigned outcome)
{
    dump_word(d, "outcome", bet_outcome_text((enum bet_outcome)outcome), outcome);
}

void dump_cause(struct dump *d, unsigned cause)
{
    static const char *const words[] = {"feed", "trader", NULL};
    dump_listed(d, "cause", words, cause);
}

void dump_rounding(struct dump *d, unsigned rounding)
{
    static const char *const words[] = {"down", "half_up", "half_even", NULL};
    dump_listed(d, "rounding", words, rounding);
}

void dump_factors(struct dump *d, struct record_leg_result factors)
{
    struct leg_result result = record_factors(factors);
    bool sound = factors.known == 1 && leg_result_valid(result);
    dump_word(d, "result",
              sound                ? leg_outcome_text(leg_result_outcome(result))
              : factors.known == 0 ? "OPEN"
                                   : NULL,
              factors.known);
    dump_u64(d, "won", factors.won);
    json_write_key(&d->writer, "void_factor");
    json_write_decimal(&d->writer, factors.void_halves * 5, 1);
    dump_u64(d, "dead_heat_numerator", factors.dead_heat_numerator);
    dump_u64(d, "dead_heat_denominator", factors.dead_heat_denominator);
}
