/* record_json.c - contract in record_json.h. One function per type, in the order of record.h.
 * Nothing here trusts what a number means: only record_view_of has looked at the record. */
#include "ledger/record_json.h"

#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/stake_limits.h"
#include "core/system.h"

/* What is being written: the writer, the record, and what the record leaves to its texts. */
struct dump {
    struct json_writer writer;
    const struct record_view *record;
    const struct shard_state *state; /* or NULL */
    struct slice texts;              /* not yet written */
};

static const char *const type_texts[] = {[RECORD_GENESIS] = "GENESIS",
                                         [RECORD_OPENED] = "OPENED",
                                         [RECORD_ACCOUNT] = "ACCOUNT",
                                         [RECORD_MARKET] = "MARKET",
                                         [RECORD_SELECTIONS] = "SELECTIONS",
                                         [RECORD_MONEY] = "MONEY",
                                         [RECORD_BET] = "BET",
                                         [RECORD_RELEASE] = "RELEASE",
                                         [RECORD_FENCE] = "FENCE",
                                         [RECORD_RESULT] = "RESULT",
                                         [RECORD_SETTLE] = "SETTLE",
                                         [RECORD_REVERSE] = "REVERSE",
                                         [RECORD_PROPOSAL] = "PROPOSAL",
                                         [RECORD_DECISION] = "DECISION",
                                         [RECORD_LIMITS] = "LIMITS"};

const char *record_type_text(enum record_type type)
{
    return (size_t)type < sizeof type_texts / sizeof *type_texts ? type_texts[type] : NULL;
}

/* ---- members ---- */

static void put_u64(struct dump *d, const char *key, uint64_t value)
{
    json_write_key(&d->writer, key);
    json_write_u64(&d->writer, value);
}

static void put_text(struct dump *d, const char *key, struct slice text)
{
    json_write_key(&d->writer, key);
    json_write_text(&d->writer, text);
}

static void put_bool(struct dump *d, const char *key, bool value)
{
    json_write_key(&d->writer, key);
    json_write_bool(&d->writer, value);
}

/* The word, or the number when it has none. */
static void put_word(struct dump *d, const char *key, const char *word, uint64_t number)
{
    json_write_key(&d->writer, key);
    if (word != NULL)
        json_write_text(&d->writer, slice_text(word));
    else
        json_write_u64(&d->writer, number);
}

/* The word at `number` of the list, whose first stands for 1. */
static void put_listed(struct dump *d, const char *key, const char *const list[], unsigned number)
{
    unsigned count = 0;
    while (list[count] != NULL)
        count++;
    put_word(d, key, number >= 1 && number <= count ? list[number - 1] : NULL, number);
}

static void put_next_text(struct dump *d, const char *key, uint16_t bytes)
{
    put_text(d, key, record_text(&d->texts, bytes));
}

static void put_time(struct dump *d, const char *key, int64_t us)
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

static void put_hex(struct dump *d, const char *key, const void *at, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    const unsigned char *from = at;
    for (size_t i = 0; i < bytes; i++) {
        text[2 * i] = digits[from[i] >> 4];
        text[2 * i + 1] = digits[from[i] & 15];
    }
    put_text(d, key, slice_of(text, 2 * bytes));
}

/* As two big-endian numbers, so that the digits read like the numbers. */
static void put_hash(struct dump *d, const char *key, const uint64_t words[2])
{
    uint64_t big[2] = {__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
    put_hex(d, key, big, sizeof big);
}

static void put_bet_id(struct dump *d, uint64_t bet_id)
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

static void put_money(struct dump *d, const char *key, int64_t minor, uint16_t iso)
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

static void put_currency(struct dump *d, uint16_t iso)
{
    struct currency currency = {iso};
    put_word(d, "currency", currency_known(currency) ? currency_code(currency) : NULL, iso);
}

/* The decimal is rounded; the exact form says the fraction as it stands in the record. */
static void put_odds(struct dump *d, const char *key, const char *key_exact, struct odds odds)
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

static const struct shard_market *market_of(const struct dump *d, uint32_t ref)
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

static void put_ref(struct dump *d, const char *key, uint32_t ref, uint32_t none)
{
    json_write_key(&d->writer, key);
    if (ref == none)
        json_write_null(&d->writer);
    else
        json_write_u64(&d->writer, ref);
}

static void put_market(struct dump *d, uint32_t ref)
{
    put_ref(d, "market", ref, 0);
    if (market_of(d, ref) != NULL)
        put_text(d, "market_id", shard_state_market_id(d->state, (struct market_ref){ref}));
}

static void put_selection(struct dump *d, uint32_t market, uint16_t selection)
{
    const struct shard_selection *known = selection_of(d, market, selection);
    put_ref(d, "selection", selection, RECORD_SELECTION_NONE);
    if (known == NULL)
        return;
    put_text(d, "selection_id", shard_state_text(d->state, known->id));
    put_text(d, "selection_name", shard_state_text(d->state, known->name));
}

/* The user id that tokens carry is a pseudonym: who that is, is kept elsewhere. */
static void put_account(struct dump *d, uint32_t ref)
{
    struct account_ref account = {ref};
    put_u64(d, "account", ref);
    if (d->state != NULL && shard_state_account(d->state, account) != NULL)
        put_text(d, "user_id", shard_state_user_id(d->state, account));
}

static void put_status(struct dump *d, const char *key, unsigned status)
{
    put_word(d, key, market_status_text((enum market_status)status), status);
}

static void put_holds(struct dump *d, unsigned holds)
{
    json_write_key(&d->writer, "holds");
    json_write_array_open(&d->writer);
    if ((holds & HOLD_TRADER) != 0)
        json_write_text(&d->writer, SLICE("trader"));
    if ((holds & ~(unsigned)HOLD_TRADER) != 0)
        json_write_u64(&d->writer, holds & ~(unsigned)HOLD_TRADER);
    json_write_array_close(&d->writer);
}

static void put_outcome(struct dump *d, unsigned outcome)
{
    put_word(d, "outcome", bet_outcome_text((enum bet_outcome)outcome), outcome);
}

static void put_cause(struct dump *d, unsigned cause)
{
    static const char *const words[] = {"feed", "trader", NULL};
    put_listed(d, "cause", words, cause);
}

static void put_rounding(struct dump *d, unsigned rounding)
{
    static const char *const words[] = {"down", "half_up", "half_even", NULL};
    put_listed(d, "rounding", words, rounding);
}

static void put_factors(struct dump *d, struct record_leg_result factors)
{
    struct leg_result result = record_factors(factors);
    bool sound = factors.known == 1 && leg_result_valid(result);
    put_word(d, "result",
             sound                ? leg_outcome_text(leg_result_outcome(result))
             : factors.known == 0 ? "OPEN"
                                  : NULL,
             factors.known);
    put_u64(d, "won", factors.won);
    json_write_key(&d->writer, "void_factor");
    json_write_decimal(&d->writer, factors.void_halves * 5, 1);
    put_u64(d, "dead_heat_numerator", factors.dead_heat_numerator);
    put_u64(d, "dead_heat_denominator", factors.dead_heat_denominator);
}

/* ---- bodies ---- */

static void put_genesis(struct dump *d, const struct record_genesis *body)
{
    put_hex(d, "book_id", body->book_id, sizeof body->book_id);
    put_u64(d, "shard", body->shard);
}

static void put_opened(struct dump *d, const struct record_opened *body)
{
    put_u64(d, "epoch", body->epoch);
    put_hex(d, "binary_sha256", body->binary_sha256, sizeof body->binary_sha256);
    put_next_text(d, "version", body->version_bytes);
}

static void put_selection_items(struct dump *d, unsigned first)
{
    const struct record_selection *items = d->record->items;
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (unsigned i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        put_u64(d, "selection", first + i);
        put_next_text(d, "selection_id", items[i].id_bytes);
        put_next_text(d, "selection_name", items[i].name_bytes);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

static void put_new_market(struct dump *d, const struct record_market *body)
{
    put_u64(d, "market", body->market);
    put_next_text(d, "market_id", body->market_bytes);
    put_next_text(d, "event_id", body->event_bytes);
    put_next_text(d, "provider", body->provider_bytes);
    put_next_text(d, "sport", body->sport_bytes);
    put_next_text(d, "event_name", body->event_name_bytes);
    put_next_text(d, "market_name", body->name_bytes);
    put_next_text(d, "kind", body->kind_bytes);
    put_status(d, "status", body->status);
    put_holds(d, body->holds);
    put_selection_items(d, 0);
}

static void put_selections(struct dump *d, const struct record_selections *body)
{
    put_market(d, body->market);
    put_selection_items(d, body->first);
}

static void put_movement(struct dump *d, const struct record_money *body)
{
    static const char *const words[] = {
        "deposit",          "withdrawal",    "grant_free_bet", "grant_bonus",
        "forfeit_free_bet", "forfeit_bonus", "bonus_to_cash",  NULL};
    put_listed(d, "kind", words, body->kind);
    put_outcome(d, body->outcome);
    put_currency(d, body->currency);
    put_money(d, "amount", body->amount, body->currency);
    put_money(d, "balance_after", body->balance_after, body->currency);
    put_next_text(d, "idempotency_key", body->key_bytes);
    put_hash(d, "request_hash", body->request_hash);
    if (body->actor_bytes == 0)
        return;
    put_next_text(d, "actor", body->actor_bytes);
    put_next_text(d, "reason", body->reason_bytes);
}

/* Of an each-way bet; else nothing. */
static void put_terms(struct dump *d, unsigned places, unsigned numerator, unsigned denominator)
{
    if (places == 0)
        return;
    put_u64(d, "places", places);
    put_u64(d, "place_numerator", numerator);
    put_u64(d, "place_denominator", denominator);
}

static void put_pair(struct dump *d, const char *key, const uint8_t numbers[2])
{
    json_write_key(&d->writer, key);
    json_write_array_open(&d->writer);
    json_write_u64(&d->writer, numbers[0]);
    json_write_u64(&d->writer, numbers[1]);
    json_write_array_close(&d->writer);
}

static void put_leg(struct dump *d, const struct record_leg *leg)
{
    const struct shard_market *market = market_of(d, leg->market);
    json_write_object_open(&d->writer);
    if (market != NULL)
        put_text(d, "event_id", shard_state_text(d->state, market->event_id));
    put_market(d, leg->market);
    put_selection(d, leg->market, leg->selection);
    put_odds(d, "odds", "odds_exact", (struct odds){leg->odds_numerator, leg->odds_denominator});
    put_u64(d, "odds_version", leg->odds_version);
    put_u64(d, "odds_position", leg->odds_position);
    put_odds(d, "asked_odds", "asked_odds_exact",
             (struct odds){leg->asked_numerator, leg->asked_denominator});
    put_u64(d, "asked_version", leg->asked_version);
    put_status(d, "market_status", leg->market_status);
    put_bool(d, "in_play", (leg->flags & LEG_IN_PLAY) != 0);
    put_bool(d, "provider_alive", (leg->flags & LEG_PROVIDER_ALIVE) != 0);
    put_bool(d, "banker", (leg->flags & LEG_BANKER) != 0);
    put_bool(d, "ante_post", (leg->flags & LEG_ANTE_POST) != 0);
    put_terms(d, leg->places, leg->place_numerator, leg->place_denominator);
    put_pair(d, "score", leg->score);
    put_pair(d, "red_cards", leg->red_cards);
    json_write_key(&d->writer, "price_age_us");
    json_write_i64(&d->writer, leg->price_age_us);
    json_write_object_close(&d->writer);
}

static void put_legs(struct dump *d)
{
    const struct record_leg *legs = d->record->items;
    json_write_key(&d->writer, "legs");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++)
        put_leg(d, &legs[i]);
    json_write_array_close(&d->writer);
}

/* "market\nselection" as asked; a text without a newline is a market alone. */
static void put_asked(struct dump *d, struct slice asked)
{
    const char *end = asked.bytes == 0 ? NULL : memchr(asked.at, '\n', asked.bytes);
    size_t market_bytes = end == NULL ? asked.bytes : (size_t)(end - asked.at);
    if (asked.bytes == 0)
        return;
    put_text(d, "asked_market_id", slice_of(asked.at, market_bytes));
    if (end != NULL)
        put_text(d, "asked_selection_id", slice_skip(asked, market_bytes + 1));
}

static void put_bet_flags(struct dump *d, unsigned flags, uint32_t sizes)
{
    put_bool(d, "each_way", (flags & BET_EACH_WAY) != 0);
    put_word(d, "stake_kind",
             (flags & BET_FREE) != 0    ? "free"
             : (flags & BET_BONUS) != 0 ? "bonus"
                                        : "cash",
             flags);
    json_write_key(&d->writer, "system");
    json_write_array_open(&d->writer);
    for (uint32_t size = 1; size <= SYSTEM_LEGS_MAX; size++)
        if (system_has_size((struct system_sizes){sizes}, size))
            json_write_u64(&d->writer, size);
    json_write_array_close(&d->writer);
}

static void put_scope(struct dump *d, const char *key, unsigned scope)
{
    put_word(d, key, limit_scope_text((enum limit_scope)scope), scope);
}

static void put_bet(struct dump *d, const struct record_bet *body)
{
    static const char *const transports[] = {"http", "websocket", "other", NULL};
    struct slice key = record_text(&d->texts, body->key_bytes);
    (void)record_text(&d->texts, body->personal_bytes); /* its length only */
    put_bet_id(d, body->bet_id);
    put_outcome(d, body->outcome);
    put_currency(d, body->currency);
    put_money(d, "stake", body->stake, body->currency);
    put_money(d, "potential_return", body->potential_return, body->currency);
    put_money(d, "balance_after", body->balance_after, body->currency);
    put_money(d, "stake_max", body->stake_max, body->currency);
    if (body->stake_asked != 0)
        put_money(d, "stake_asked", body->stake_asked, body->currency);
    put_money(d, "promo_stake", body->promo_stake, body->currency);
    put_money(d, "fees", body->fees, body->currency);
    if (body->decide_at_us != 0)
        put_time(d, "decide_at", body->decide_at_us);
    put_word(d, "price_policy", price_policy_text((enum price_policy)body->policy), body->policy);
    put_rounding(d, body->rounding);
    put_listed(d, "transport", transports, body->transport);
    put_u64(d, "redemption_days", body->redemption_days);
    put_text(d, "idempotency_key", key);
    put_hash(d, "request_hash", body->request_hash);
    put_u64(d, "personal_bytes", body->personal_bytes);
    put_asked(d, record_text(&d->texts, body->asked_bytes));
    put_bet_flags(d, body->flags, body->sizes);
    if (body->refused_leg != 0)
        put_u64(d, "refused_leg", body->refused_leg);
    if (body->limit_scope != 0)
        put_scope(d, "limit_scope", body->limit_scope);
    put_legs(d);
}

/* A release says no currency of its own: its postings do. */
static uint16_t posted_currency(const struct dump *d)
{
    return d->record->head->postings_count == 0 ? 0 : d->record->postings[0].currency;
}

static void put_release(struct dump *d, const struct record_release *body)
{
    uint16_t currency = posted_currency(d);
    put_bet_id(d, body->bet_id);
    put_u64(d, "previous_seq", body->previous_seq);
    put_outcome(d, body->outcome);
    put_currency(d, currency);
    put_money(d, "balance_after", body->balance_after, currency);
    put_legs(d);
}

static void put_fence(struct dump *d, const struct record_fence *body)
{
    const struct record_fenced *items = d->record->items;
    put_cause(d, body->cause);
    put_next_text(d, "actor", body->actor_bytes);
    put_next_text(d, "reason", body->reason_bytes);
    put_u64(d, "odds_position", body->odds_position);
    json_write_key(&d->writer, "markets");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        put_market(d, items[i].market);
        put_status(d, "status", items[i].status);
        put_holds(d, items[i].holds);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

/* Times of the provider's clock, which may be none. */
static void put_window(struct dump *d, const struct record_result *body)
{
    json_write_key(&d->writer, "void_from_us");
    json_write_i64(&d->writer, body->void_from_us);
    json_write_key(&d->writer, "void_until_us");
    json_write_i64(&d->writer, body->void_until_us);
    json_write_key(&d->writer, "void_skew_us");
    json_write_i64(&d->writer, body->void_skew_us);
}

static void put_deduction_model(struct dump *d, const struct record_result *body)
{
    static const char *const models[] = {"rule4", "winnings", "price", NULL};
    put_u64(d, "certainty", body->certainty);
    if (body->score_known == 1) {
        put_u64(d, "score_home", body->score[0]);
        put_u64(d, "score_away", body->score[1]);
    }
    if (body->deduction_model == 0)
        return;
    put_listed(d, "deduction_model", models, body->deduction_model);
    put_u64(d, "cap_pence", body->cap_pence);
    put_u64(d, "waive_pence", body->waive_pence);
}

static void put_position(struct dump *d, unsigned position, unsigned tied)
{
    if (position == 0)
        return;
    put_u64(d, "position", position);
    put_u64(d, "tied", tied);
}

static void put_withdrawn(struct dump *d, const struct record_selection_result *result)
{
    put_time(d, "withdrawn_at", result->withdrawn_at_us);
    put_u64(d, "deduction_permyriad", result->deduction);
}

static void put_word_on_results(struct dump *d, const struct record_result *body)
{
    static const char *const kinds[] = {"result", "rollback", "cancel", "undo_cancel", NULL};
    put_market(d, body->market);
    put_listed(d, "kind", kinds, body->kind);
    put_u64(d, "result_version", body->result_version);
    put_u64(d, "previous_seq", body->previous_seq);
    if (body->proposal_seq != 0)
        put_u64(d, "proposal_seq", body->proposal_seq);
    put_cause(d, body->cause);
    put_next_text(d, "actor", body->actor_bytes);
    put_next_text(d, "reason", body->reason_bytes);
    put_next_text(d, "approver", body->approver_bytes);
    if (body->kind == RESULT_CANCEL || body->kind == RESULT_UNDO_CANCEL)
        put_window(d, body);
    else
        put_deduction_model(d, body);
}

static void put_selection_result(struct dump *d, uint32_t market, uint16_t selection,
                                 const struct record_selection_result *result)
{
    json_write_object_open(&d->writer);
    put_selection(d, market, selection);
    put_factors(d, result->win);
    put_position(d, result->position, result->tied);
    if (result->withdrawn_at_us != 0)
        put_withdrawn(d, result);
    if (result->reason_bytes != 0)
        put_next_text(d, "reason", result->reason_bytes);
    json_write_object_close(&d->writer);
}

static void put_result(struct dump *d, const struct record_result *body)
{
    const struct record_selection_result *items = d->record->items;
    put_word_on_results(d, body);
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (uint16_t i = 0; i < d->record->head->items_count; i++)
        put_selection_result(d, body->market, i, &items[i]);
    json_write_array_close(&d->writer);
}

static void put_proposal(struct dump *d, const struct record_proposal *body)
{
    const struct record_proposed *items = d->record->items;
    if (body->due_us != 0)
        put_time(d, "due", body->due_us);
    put_bool(d, "needs_approval", body->needs_approval == 1);
    put_word_on_results(d, &body->result);
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (uint16_t i = 0; i < d->record->head->items_count; i++)
        put_selection_result(d, body->result.market, items[i].selection, &items[i].result);
    json_write_array_close(&d->writer);
}

static void put_decision(struct dump *d, const struct record_decision *body)
{
    static const char *const kinds[] = {"approved", "rejected", NULL};
    put_u64(d, "proposal_seq", body->proposal_seq);
    put_listed(d, "decision", kinds, body->decision);
    put_next_text(d, "actor", body->actor_bytes);
    put_next_text(d, "reason", body->reason_bytes);
}

static void put_deductions(struct dump *d, const struct record_settled_leg *leg)
{
    static const char *const from[] = {"winnings", "price", NULL};
    put_listed(d, "deducted_from", from, leg->deducted_from);
    json_write_key(&d->writer, "deductions_permyriad");
    json_write_array_open(&d->writer);
    for (unsigned i = 0; i < leg->deductions_count; i++) {
        uint16_t number;
        memcpy(&number, record_text(&d->texts, sizeof number).at, sizeof number);
        json_write_u64(&d->writer, number);
    }
    json_write_array_close(&d->writer);
}

static void put_settled_leg(struct dump *d, const struct record_settled_leg *leg)
{
    json_write_object_open(&d->writer);
    put_market(d, leg->market);
    put_selection(d, leg->market, leg->selection);
    put_odds(d, "odds", "odds_exact", (struct odds){leg->odds_numerator, leg->odds_denominator});
    put_factors(d, leg->win);
    put_position(d, leg->position, leg->tied);
    put_bool(d, "banker", (leg->flags & SETTLED_BANKER) != 0);
    put_bool(d, "cancelled", (leg->flags & SETTLED_CANCELLED) != 0);
    put_bool(d, "ante_post", (leg->flags & SETTLED_ANTE_POST) != 0);
    if (leg->places != 0) {
        put_terms(d, leg->places, leg->place_numerator, leg->place_denominator);
        json_write_key(&d->writer, "place");
        json_write_object_open(&d->writer);
        put_factors(d, leg->place);
        json_write_object_close(&d->writer);
    }
    if (leg->deductions_count > 0)
        put_deductions(d, leg);
    json_write_object_close(&d->writer);
}

static void put_settled_legs(struct dump *d)
{
    const struct record_settled_leg *legs = d->record->items;
    json_write_key(&d->writer, "legs");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++)
        put_settled_leg(d, &legs[i]);
    json_write_array_close(&d->writer);
}

static void put_settle(struct dump *d, const struct record_settle *body)
{
    put_bet_id(d, body->bet_id);
    put_u64(d, "settlement", body->settlement);
    put_u64(d, "result_seq", body->result_seq);
    put_u64(d, "result_version", body->result_version);
    put_u64(d, "previous_seq", body->previous_seq);
    put_currency(d, body->currency);
    put_money(d, "stake", body->stake, body->currency);
    put_bet_flags(d, body->flags, body->sizes);
    put_bool(d, "token_back", body->token_back != 0);
    put_rounding(d, body->rounding);
    put_money(d, "payout", body->payout, body->currency);
    put_money(d, "balance_after", body->balance_after, body->currency);
    put_settled_legs(d);
}

static void put_reverse(struct dump *d, const struct record_reverse *body)
{
    put_bet_id(d, body->bet_id);
    put_u64(d, "reverses_seq", body->reverses_seq);
    put_u64(d, "result_seq", body->result_seq);
    put_u64(d, "result_version", body->result_version);
    put_u64(d, "previous_seq", body->previous_seq);
    put_currency(d, body->currency);
    put_money(d, "payout", body->payout, body->currency);
    put_money(d, "balance_after", body->balance_after, body->currency);
}

/* null: unlimited. Minor units, of every currency alike. */
static void put_limit(struct dump *d, const char *key, int64_t minor)
{
    json_write_key(&d->writer, key);
    if (minor == INT64_MAX)
        json_write_null(&d->writer);
    else
        json_write_i64(&d->writer, minor);
}

static void put_limits(struct dump *d, const struct record_limits *body)
{
    put_scope(d, "scope", body->scope);
    if (body->market != 0)
        put_market(d, body->market);
    if (body->id_bytes != 0)
        put_next_text(d, "id", body->id_bytes);
    put_bool(d, "removed", body->removed != 0);
    put_u64(d, "previous_seq", body->previous_seq);
    put_limit(d, "stake_minor_min", body->stake_minor_min);
    put_limit(d, "stake_minor_max", body->stake_minor_max);
    put_limit(d, "payout_minor_max", body->payout_minor_max);
    put_limit(d, "liability_minor_max", body->liability_minor_max);
    put_limit(d, "delay_us", body->delay_us);
    put_u64(d, "factor_permyriad", body->factor_permyriad);
    put_next_text(d, "actor", body->actor_bytes);
    put_next_text(d, "reason", body->reason_bytes);
}

static void put_body(struct dump *d)
{
    const void *body = d->record->body;
    switch ((enum record_type)d->record->head->type) {
    case RECORD_GENESIS:
        put_genesis(d, body);
        return;
    case RECORD_OPENED:
        put_opened(d, body);
        return;
    case RECORD_ACCOUNT:
        put_next_text(d, "user_id", ((const struct record_account *)body)->user_bytes);
        return;
    case RECORD_MARKET:
        put_new_market(d, body);
        return;
    case RECORD_SELECTIONS:
        put_selections(d, body);
        return;
    case RECORD_MONEY:
        put_movement(d, body);
        return;
    case RECORD_BET:
        put_bet(d, body);
        return;
    case RECORD_RELEASE:
        put_release(d, body);
        return;
    case RECORD_FENCE:
        put_fence(d, body);
        return;
    case RECORD_RESULT:
        put_result(d, body);
        return;
    case RECORD_SETTLE:
        put_settle(d, body);
        return;
    case RECORD_REVERSE:
        put_reverse(d, body);
        return;
    case RECORD_LIMITS:
        put_limits(d, body);
        return;
    case RECORD_PROPOSAL:
        put_proposal(d, body);
        return;
    case RECORD_DECISION:
        put_decision(d, body);
        return;
    }
}

static void put_postings(struct dump *d)
{
    static const char *const kinds[] = {"available",    "held",         "house_cash",
                                        "house_stakes", "house_result", "free",
                                        "bonus",        "house_promo",  NULL};
    json_write_key(&d->writer, "postings");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->postings_count; i++) {
        const struct record_posting *posting = &d->record->postings[i];
        json_write_object_open(&d->writer);
        if (posting->account != 0) /* 0: the house */
            put_account(d, posting->account);
        put_listed(d, "kind", kinds, posting->kind);
        put_currency(d, posting->currency);
        put_money(d, "amount", posting->amount, posting->currency);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

void record_json(struct buf *out, const struct record_view *record, const struct shard_state *state)
{
    const struct record_head *head = record->head;
    struct dump d = {json_write_begin(out), record, state, record->texts};
    json_write_object_open(&d.writer);
    put_u64(&d, "seq", head->seq);
    put_time(&d, "time", head->time_us);
    put_word(&d, "type", record_type_text((enum record_type)head->type), head->type);
    put_u64(&d, "format", head->format);
    put_u64(&d, "bytes", head->bytes);
    if (head->type == RECORD_ACCOUNT) /* which names its user itself */
        put_u64(&d, "account", head->account);
    else if (head->account != 0)
        put_account(&d, head->account);
    put_body(&d);
    if (head->postings_count > 0)
        put_postings(&d);
    json_write_object_close(&d.writer);
}
