/* record_json.c - contract in record_json.h. One function per type, in the order of record.h.
 * Nothing here trusts what a number means: only record_view_of has looked at the record. */
#include "ledger/record_json.h"

#include "core/referral.h"
#include "core/stake_limits.h"
#include "core/system.h"
#include "ledger/record_json_words.h"

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
                                         [RECORD_LIMITS] = "LIMITS",
                                         [RECORD_CASH_OUT] = "CASH_OUT",
                                         [RECORD_REFERRAL] = "REFERRAL",
                                         [RECORD_ADJUSTMENT] = "ADJUSTMENT",
                                         [RECORD_RELAYED] = "RELAYED"};

const char *record_type_text(enum record_type type)
{
    return (size_t)type < sizeof type_texts / sizeof *type_texts ? type_texts[type] : NULL;
}

static void put_genesis(struct dump *d, const struct record_genesis *body)
{
    dump_hex(d, "book_id", body->book_id, sizeof body->book_id);
    dump_u64(d, "shard", body->shard);
    dump_u64(d, "shards", body->shards == 0 ? 1 : body->shards);
}

static void put_opened(struct dump *d, const struct record_opened *body)
{
    dump_u64(d, "epoch", body->epoch);
    dump_hex(d, "binary_sha256", body->binary_sha256, sizeof body->binary_sha256);
    dump_next_text(d, "version", body->version_bytes);
}

static void put_selection_items(struct dump *d, unsigned first)
{
    const struct record_selection *items = d->record->items;
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (unsigned i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        dump_u64(d, "selection", first + i);
        dump_next_text(d, "selection_id", items[i].id_bytes);
        dump_next_text(d, "selection_name", items[i].name_bytes);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

static void put_new_market(struct dump *d, const struct record_market *body)
{
    dump_u64(d, "market", body->market);
    dump_next_text(d, "market_id", body->market_bytes);
    dump_next_text(d, "event_id", body->event_bytes);
    dump_next_text(d, "provider", body->provider_bytes);
    dump_next_text(d, "sport", body->sport_bytes);
    dump_next_text(d, "event_name", body->event_name_bytes);
    dump_next_text(d, "market_name", body->name_bytes);
    dump_next_text(d, "kind", body->kind_bytes);
    dump_status(d, "status", body->status);
    dump_holds(d, body->holds);
    put_selection_items(d, 0);
}

static void put_selections(struct dump *d, const struct record_selections *body)
{
    dump_market(d, body->market);
    put_selection_items(d, body->first);
}

static void put_movement(struct dump *d, const struct record_money *body)
{
    static const char *const words[] = {"deposit",       "withdrawal",       "grant_free_bet",
                                        "grant_bonus",   "forfeit_free_bet", "forfeit_bonus",
                                        "bonus_to_cash", "write_off",        NULL};
    dump_listed(d, "kind", words, body->kind);
    dump_outcome(d, body->outcome);
    dump_currency(d, body->currency);
    dump_money(d, "amount", body->amount, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
    dump_next_text(d, "idempotency_key", body->key_bytes);
    dump_hash(d, "request_hash", body->request_hash);
    if (body->actor_bytes == 0)
        return;
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
}

/* Of an each-way bet; else nothing. */
static void put_terms(struct dump *d, unsigned places, unsigned numerator, unsigned denominator)
{
    if (places == 0)
        return;
    dump_u64(d, "places", places);
    dump_u64(d, "place_numerator", numerator);
    dump_u64(d, "place_denominator", denominator);
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
    const struct shard_market *market = dump_market_of(d, leg->market);
    json_write_object_open(&d->writer);
    if (market != NULL)
        dump_text(d, "event_id", shard_state_text(d->state, market->event_id));
    dump_market(d, leg->market);
    dump_selection(d, leg->market, leg->selection);
    dump_odds(d, "odds", "odds_exact", (struct odds){leg->odds_numerator, leg->odds_denominator});
    dump_u64(d, "odds_version", leg->odds_version);
    dump_u64(d, "odds_position", leg->odds_position);
    dump_odds(d, "asked_odds", "asked_odds_exact",
              (struct odds){leg->asked_numerator, leg->asked_denominator});
    dump_u64(d, "asked_version", leg->asked_version);
    dump_status(d, "market_status", leg->market_status);
    dump_bool(d, "in_play", (leg->flags & LEG_IN_PLAY) != 0);
    dump_bool(d, "provider_alive", (leg->flags & LEG_PROVIDER_ALIVE) != 0);
    dump_bool(d, "banker", (leg->flags & LEG_BANKER) != 0);
    dump_bool(d, "ante_post", (leg->flags & LEG_ANTE_POST) != 0);
    if ((leg->flags & LEG_OFFERED) != 0)
        dump_bool(d, "offered", true);
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
    dump_text(d, "asked_market_id", slice_of(asked.at, market_bytes));
    if (end != NULL)
        dump_text(d, "asked_selection_id", slice_skip(asked, market_bytes + 1));
}

static void put_bet_flags(struct dump *d, unsigned flags, uint32_t sizes)
{
    dump_bool(d, "each_way", (flags & BET_EACH_WAY) != 0);
    dump_word(d, "stake_kind",
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
    dump_word(d, key, limit_scope_text((enum limit_scope)scope), scope);
}

static void put_bet(struct dump *d, const struct record_bet *body)
{
    static const char *const transports[] = {"http", "websocket", "other", NULL};
    struct slice key = record_text(&d->texts, body->key_bytes);
    (void)record_text(&d->texts, body->personal_bytes); /* its length only */
    dump_bet_id(d, body->bet_id);
    dump_outcome(d, body->outcome);
    dump_currency(d, body->currency);
    dump_money(d, "stake", body->stake, body->currency);
    dump_money(d, "potential_return", body->potential_return, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
    dump_money(d, "stake_max", body->stake_max, body->currency);
    if (body->stake_asked != 0)
        dump_money(d, "stake_asked", body->stake_asked, body->currency);
    dump_money(d, "promo_stake", body->promo_stake, body->currency);
    dump_money(d, "fees", body->fees, body->currency);
    if (body->decide_at_us != 0)
        dump_time(d, "decide_at", body->decide_at_us);
    dump_word(d, "price_policy", price_policy_text((enum price_policy)body->policy), body->policy);
    dump_rounding(d, body->rounding);
    dump_listed(d, "transport", transports, body->transport);
    dump_u64(d, "redemption_days", body->redemption_days);
    dump_text(d, "idempotency_key", key);
    dump_hash(d, "request_hash", body->request_hash);
    dump_u64(d, "personal_bytes", body->personal_bytes);
    put_asked(d, record_text(&d->texts, body->asked_bytes));
    put_bet_flags(d, body->flags, body->sizes);
    if (body->refused_leg != 0)
        dump_u64(d, "refused_leg", body->refused_leg);
    if (body->limit_scope != 0)
        put_scope(d, "limit_scope", body->limit_scope);
    if (body->referred != 0)
        dump_word(d, "referred", referral_cause_text((enum referral_cause)body->referred),
                  body->referred);
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
    dump_bet_id(d, body->bet_id);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_outcome(d, body->outcome);
    dump_currency(d, currency);
    dump_money(d, "balance_after", body->balance_after, currency);
    put_legs(d);
}

static void put_fence(struct dump *d, const struct record_fence *body)
{
    const struct record_fenced *items = d->record->items;
    dump_cause(d, body->cause);
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
    dump_u64(d, "odds_position", body->odds_position);
    json_write_key(&d->writer, "markets");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        dump_market(d, items[i].market);
        dump_status(d, "status", items[i].status);
        dump_holds(d, items[i].holds);
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
    dump_u64(d, "certainty", body->certainty);
    if (body->score_known == 1) {
        dump_u64(d, "score_home", body->score[0]);
        dump_u64(d, "score_away", body->score[1]);
    }
    if (body->deduction_model == 0)
        return;
    dump_listed(d, "deduction_model", models, body->deduction_model);
    dump_u64(d, "cap_pence", body->cap_pence);
    dump_u64(d, "waive_pence", body->waive_pence);
}

static void put_position(struct dump *d, unsigned position, unsigned tied)
{
    if (position == 0)
        return;
    dump_u64(d, "position", position);
    dump_u64(d, "tied", tied);
}

static void put_withdrawn(struct dump *d, const struct record_selection_result *result)
{
    dump_time(d, "withdrawn_at", result->withdrawn_at_us);
    dump_u64(d, "deduction_permyriad", result->deduction);
}

static void put_word_on_results(struct dump *d, const struct record_result *body)
{
    static const char *const kinds[] = {"result", "rollback", "cancel", "undo_cancel", NULL};
    dump_market(d, body->market);
    dump_listed(d, "kind", kinds, body->kind);
    dump_u64(d, "result_version", body->result_version);
    dump_u64(d, "previous_seq", body->previous_seq);
    if (body->proposal_seq != 0)
        dump_u64(d, "proposal_seq", body->proposal_seq);
    dump_cause(d, body->cause);
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
    dump_next_text(d, "approver", body->approver_bytes);
    if (body->kind == RESULT_CANCEL || body->kind == RESULT_UNDO_CANCEL)
        put_window(d, body);
    else
        put_deduction_model(d, body);
}

static void put_selection_result(struct dump *d, uint32_t market, uint16_t selection,
                                 const struct record_selection_result *result)
{
    json_write_object_open(&d->writer);
    dump_selection(d, market, selection);
    dump_factors(d, result->win);
    put_position(d, result->position, result->tied);
    if (result->withdrawn_at_us != 0)
        put_withdrawn(d, result);
    if (result->reason_bytes != 0)
        dump_next_text(d, "reason", result->reason_bytes);
    json_write_object_close(&d->writer);
}

static void put_result(struct dump *d, const struct record_result *body)
{
    const struct record_selection_result *items = d->record->items;
    put_word_on_results(d, body);
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (uint16_t i = 0; i < d->record->head->items_count; i++)
        if (!shard_result_kept(&items[i]))
            put_selection_result(d, body->market, i, &items[i]);
    json_write_array_close(&d->writer);
}

static void put_proposal(struct dump *d, const struct record_proposal *body)
{
    const struct record_proposed *items = d->record->items;
    if (body->due_us != 0)
        dump_time(d, "due", body->due_us);
    dump_bool(d, "needs_approval", body->needs_approval == 1);
    put_word_on_results(d, &body->result);
    json_write_key(&d->writer, "selections");
    json_write_array_open(&d->writer);
    for (uint16_t i = 0; i < d->record->head->items_count; i++)
        put_selection_result(d, body->result.market, items[i].selection, &items[i].result);
    json_write_array_close(&d->writer);
}

static const char *const account_kinds[] = {"available",    "held",         "house_cash",
                                            "house_stakes", "house_result", "free",
                                            "bonus",        "house_promo",  NULL};

static void put_adjustment(struct dump *d, const struct record_adjustment *body)
{
    dump_listed(d, "kind", account_kinds, body->kind);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_u64(d, "before_seq", body->before_seq);
    dump_currency(d, body->currency);
    dump_money(d, "amount", body->amount, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
}

static void put_decision(struct dump *d, const struct record_decision *body)
{
    static const char *const kinds[] = {"approved", "rejected", "withdrawn", "impossible", NULL};
    dump_u64(d, "proposal_seq", body->proposal_seq);
    dump_listed(d, "decision", kinds, body->decision);
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
}

static void put_deductions(struct dump *d, const struct record_settled_leg *leg)
{
    static const char *const from[] = {"winnings", "price", NULL};
    dump_listed(d, "deducted_from", from, leg->deducted_from);
    json_write_key(&d->writer, "deductions_permyriad");
    json_write_array_open(&d->writer);
    for (unsigned i = 0; i < leg->deductions_count; i++) {
        uint16_t number;
        memcpy(&number, record_text(&d->texts, sizeof number).at, sizeof number);
        json_write_u64(&d->writer, number);
    }
    json_write_array_close(&d->writer);
}

static void put_settled_members(struct dump *d, const struct record_settled_leg *leg)
{
    dump_market(d, leg->market);
    dump_selection(d, leg->market, leg->selection);
    dump_odds(d, "odds", "odds_exact", (struct odds){leg->odds_numerator, leg->odds_denominator});
    dump_factors(d, leg->win);
    put_position(d, leg->position, leg->tied);
    dump_bool(d, "banker", (leg->flags & SETTLED_BANKER) != 0);
    dump_bool(d, "cancelled", (leg->flags & SETTLED_CANCELLED) != 0);
    dump_bool(d, "ante_post", (leg->flags & SETTLED_ANTE_POST) != 0);
    if (leg->places != 0) {
        put_terms(d, leg->places, leg->place_numerator, leg->place_denominator);
        json_write_key(&d->writer, "place");
        json_write_object_open(&d->writer);
        dump_factors(d, leg->place);
        json_write_object_close(&d->writer);
    }
    if (leg->deductions_count > 0)
        put_deductions(d, leg);
}

static void put_settled_legs(struct dump *d)
{
    const struct record_settled_leg *legs = d->record->items;
    json_write_key(&d->writer, "legs");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        put_settled_members(d, &legs[i]);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

static void put_settle(struct dump *d, const struct record_settle *body)
{
    dump_bet_id(d, body->bet_id);
    dump_u64(d, "settlement", body->settlement);
    dump_u64(d, "result_seq", body->result_seq);
    dump_u64(d, "result_version", body->result_version);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_currency(d, body->currency);
    dump_money(d, "stake", body->stake, body->currency);
    put_bet_flags(d, body->flags, body->sizes);
    dump_bool(d, "token_back", body->token_back != 0);
    dump_rounding(d, body->rounding);
    dump_money(d, "payout", body->payout, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
    put_settled_legs(d);
}

static void put_reverse(struct dump *d, const struct record_reverse *body)
{
    dump_bet_id(d, body->bet_id);
    dump_u64(d, "reverses_seq", body->reverses_seq);
    dump_u64(d, "result_seq", body->result_seq);
    dump_u64(d, "result_version", body->result_version);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_currency(d, body->currency);
    dump_money(d, "payout", body->payout, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
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
        dump_market(d, body->market);
    if (body->id_bytes != 0)
        dump_next_text(d, "id", body->id_bytes);
    dump_bool(d, "removed", body->removed != 0);
    dump_u64(d, "previous_seq", body->previous_seq);
    put_limit(d, "stake_minor_min", body->stake_minor_min);
    put_limit(d, "stake_minor_max", body->stake_minor_max);
    put_limit(d, "payout_minor_max", body->payout_minor_max);
    put_limit(d, "payout_day_minor_max", body->payout_day_minor_max);
    put_limit(d, "liability_minor_max", body->liability_minor_max);
    put_limit(d, "delay_us", body->delay_us);
    dump_u64(d, "factor_permyriad", body->factor_permyriad);
    put_limit(d, "refer_minor_above", body->refer_minor_above);
    dump_bool(d, "refers", body->refers != 0);
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
}

static void put_chances(struct dump *d, struct leg_chances chances)
{
    json_write_key(&d->writer, "chances");
    json_write_object_open(&d->writer);
    dump_u64(d, "win", chances.win);
    dump_u64(d, "half_win", chances.half_win);
    dump_u64(d, "refund", chances.refund);
    dump_u64(d, "half_lose", chances.half_lose);
    json_write_object_close(&d->writer);
}

/* What an open leg's chances are, and were taken from; of a settled one nothing. */
static void put_now(struct dump *d, const struct record_cash_out_leg *leg)
{
    dump_odds(d, "now_odds", "now_odds_exact",
              (struct odds){leg->now_numerator, leg->now_denominator});
    dump_u64(d, "book", leg->book);
    put_chances(d, leg->chances);
    dump_u64(d, "odds_version", leg->odds_version);
    dump_u64(d, "odds_position", leg->odds_position);
    dump_status(d, "market_status", leg->market_status);
    dump_bool(d, "in_play", (leg->flags & LEG_IN_PLAY) != 0);
    dump_bool(d, "provider_alive", (leg->flags & LEG_PROVIDER_ALIVE) != 0);
}

static void put_cash_out_legs(struct dump *d)
{
    const struct record_cash_out_leg *legs = d->record->items;
    json_write_key(&d->writer, "legs");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->items_count; i++) {
        json_write_object_open(&d->writer);
        put_settled_members(d, &legs[i].settled);
        if (legs[i].settled.win.known == 0)
            put_now(d, &legs[i]);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

static void put_cash_out_amounts(struct dump *d, const struct record_cash_out *body)
{
    dump_money(d, "stake", body->stake, body->currency);
    dump_money(d, "accepted", body->accepted, body->currency);
    dump_u64(d, "tolerance_permyriad", body->tolerance);
    dump_money(d, "fair", body->fair, body->currency);
    dump_u64(d, "margin_permyriad", body->margin);
    dump_money(d, "value", body->value, body->currency);
    dump_money(d, "paid", body->paid, body->currency);
    dump_money(d, "stake_left", body->stake_left, body->currency);
    dump_money(d, "balance_after", body->balance_after, body->currency);
}

static void put_cash_out(struct dump *d, const struct record_cash_out *body)
{
    static const char *const transports[] = {"http", "websocket", "other", NULL};
    dump_bet_id(d, body->bet_id);
    dump_outcome(d, body->outcome);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_u64(d, "asked_seq", body->asked_seq);
    dump_currency(d, body->currency);
    put_cash_out_amounts(d, body);
    if (body->decide_at_us != 0)
        dump_time(d, "decide_at", body->decide_at_us);
    if (body->asked_seq == 0) {
        dump_time(d, "offer_until", body->offer_until_us);
        dump_listed(d, "transport", transports, body->transport);
        dump_next_text(d, "idempotency_key", body->key_bytes);
        dump_hash(d, "request_hash", body->request_hash);
    }
    put_bet_flags(d, body->flags, body->sizes);
    put_cash_out_legs(d);
}

static void put_lifted(struct dump *d, unsigned lifted)
{
    json_write_key(&d->writer, "lifted");
    json_write_array_open(&d->writer);
    if ((lifted & LIFT_STAKE) != 0)
        json_write_text(&d->writer, SLICE("stake"));
    if ((lifted & LIFT_LIABILITY) != 0)
        json_write_text(&d->writer, SLICE("liability"));
    if ((lifted & ~REFERRAL_LIFTS_ALL) != 0)
        json_write_u64(&d->writer, lifted & ~REFERRAL_LIFTS_ALL);
    json_write_array_close(&d->writer);
}

static void put_referral(struct dump *d, const struct record_referral *body)
{
    static const char *const words[] = {"accepted", "rejected", "offered",
                                        "taken",    "declined", NULL};
    static const char *const transports[] = {"http", "websocket", "other", NULL};
    dump_bet_id(d, body->bet_id);
    dump_listed(d, "word", words, body->word);
    dump_u64(d, "previous_seq", body->previous_seq);
    dump_currency(d, body->currency);
    if (body->offer_seq != 0)
        dump_u64(d, "offer_seq", body->offer_seq);
    if (body->stake != 0) {
        dump_money(d, "stake", body->stake, body->currency);
        dump_money(d, "potential_return", body->potential_return, body->currency);
    }
    if (body->until_us != 0)
        dump_time(d, "until", body->until_us);
    put_lifted(d, body->lifted);
    if (body->transport != 0)
        dump_listed(d, "transport", transports, body->transport);
    dump_next_text(d, "actor", body->actor_bytes);
    dump_next_text(d, "reason", body->reason_bytes);
    dump_money(d, "balance_after", body->balance_after, body->currency);
    put_legs(d);
}

static void put_relayed(struct dump *d, const struct record_relayed *body)
{
    dump_hex(d, "desk_book_id", body->desk_book_id, sizeof body->desk_book_id);
    dump_u64(d, "desk_shard", body->desk_shard);
    dump_u64(d, "desk_seq", body->desk_seq);
    if (body->word != 0)
        dump_word(d, "word", record_type_text((enum record_type)body->word), body->word);
    if (body->word_seq != 0)
        dump_u64(d, "word_seq", body->word_seq);
    dump_bool(d, "refused", body->refused == 1);
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
        dump_next_text(d, "user_id", ((const struct record_account *)body)->user_bytes);
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
    case RECORD_CASH_OUT:
        put_cash_out(d, body);
        return;
    case RECORD_ADJUSTMENT:
        put_adjustment(d, body);
        return;
    case RECORD_REFERRAL:
        put_referral(d, body);
        return;
    case RECORD_RELAYED:
        put_relayed(d, body);
        return;
    }
}

static void put_postings(struct dump *d)
{
    json_write_key(&d->writer, "postings");
    json_write_array_open(&d->writer);
    for (size_t i = 0; i < d->record->head->postings_count; i++) {
        const struct record_posting *posting = &d->record->postings[i];
        json_write_object_open(&d->writer);
        if (posting->account != 0) /* 0: the house */
            dump_account(d, posting->account);
        dump_listed(d, "kind", account_kinds, posting->kind);
        dump_currency(d, posting->currency);
        dump_money(d, "amount", posting->amount, posting->currency);
        json_write_object_close(&d->writer);
    }
    json_write_array_close(&d->writer);
}

void record_json(struct buf *out, const struct record_view *record, const struct shard_state *state)
{
    const struct record_head *head = record->head;
    struct dump d = {json_write_begin(out), record, state, record->texts};
    json_write_object_open(&d.writer);
    dump_u64(&d, "seq", head->seq);
    dump_time(&d, "time", head->time_us);
    dump_word(&d, "type", record_type_text((enum record_type)head->type), head->type);
    dump_u64(&d, "format", head->format);
    dump_u64(&d, "bytes", head->bytes);
    if (head->type == RECORD_ACCOUNT) /* which names its user itself */
        dump_u64(&d, "account", head->account);
    else if (head->account != 0)
        dump_account(&d, head->account);
    put_body(&d);
    if (head->postings_count > 0)
        put_postings(&d);
    json_write_object_close(&d.writer);
}
