/* bet_json.c - contract in bet_json.h. */
#include "roles/bet/bet_json.h"

#include "base/rfc3339.h"
#include "core/odds_json.h"
#include "core/referral.h"

void put_text_member(struct json_writer *writer, const char *key, struct slice text)
{
    json_write_key(writer, key);
    json_write_text(writer, text);
}

void put_word_member(struct json_writer *writer, const char *key, const char *word)
{
    put_text_member(writer, key, slice_text(word));
}

void put_money_member(struct json_writer *writer, const char *key, struct money money)
{
    json_write_key(writer, key);
    json_write_decimal(writer, money.minor, currency_scale(money.currency));
}

void put_odds_members(struct json_writer *writer, struct odds odds)
{
    if (odds_present(odds))
        odds_json_put(writer, odds);
}

void put_seq_member(struct json_writer *writer, const char *key, uint32_t shard, uint64_t seq)
{
    char memory[48];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_u64(&buf, shard);
    buf_put_char(&buf, '-');
    buf_put_u64(&buf, seq);
    put_text_member(writer, key, buf_slice(&buf));
}

void put_time_member(struct json_writer *writer, const char *key, struct instant time)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf buf = buf_over(memory, sizeof memory);
    rfc3339_write(&buf, time);
    put_text_member(writer, key, buf_slice(&buf));
}

void put_bet_id_member(struct json_writer *writer, struct bet_id id)
{
    char memory[24];
    struct buf buf = buf_over(memory, sizeof memory);
    buf_put_u64(&buf, id.n);
    put_text_member(writer, "bet_id", buf_slice(&buf));
}

bool bet_id_parse(struct slice text, struct bet_id *ret)
{
    uint64_t n = 0;
    if (text.bytes == 0 || text.bytes > 19 || text.at[0] == '0')
        return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.at[i] - '0'); /* 19 digits fit */
    }
    ret->n = n;
    return true;
}

void put_choice_members(struct json_writer *writer, const struct shard_state *state,
                        uint32_t market, uint16_t selection)
{
    struct market_ref ref = {market};
    const struct shard_market *m = market == 0 ? NULL : shard_state_market(state, ref);
    if (m == NULL)
        return;
    put_text_member(writer, "event_id", shard_state_text(state, m->event_id));
    put_text_member(writer, "event_name", shard_state_text(state, m->event_name));
    put_text_member(writer, "market_id", shard_state_market_id(state, ref));
    put_text_member(writer, "market_name", shard_state_text(state, m->name));
    if (selection >= m->selections_count)
        return;
    const struct shard_selection *s = shard_state_selection(state, ref, selection);
    put_text_member(writer, "selection_id", shard_state_text(state, s->id));
    put_text_member(writer, "selection_name", shard_state_text(state, s->name));
}

struct settled_results settled_results_of(const struct record_view *settle)
{
    const struct record_settled_leg *legs = settle->items;
    struct settled_results results = {0};
    for (size_t i = 0; i < settle->head->items_count; i++) {
        if (legs[i].win.known == 1)
            settled_results_add(&results, record_factors(legs[i].win));
        if (legs[i].place.known == 1)
            settled_results_add(&results, record_factors(legs[i].place));
    }
    return results;
}

static const char *result_text(struct record_leg_result factors)
{
    return leg_outcome_text(factors.known == 0 ? LEG_OUTCOME_OPEN
                                               : leg_result_outcome(record_factors(factors)));
}

void put_result_members(struct json_writer *writer, struct record_leg_result win,
                        struct record_leg_result place)
{
    put_word_member(writer, "result", result_text(win));
    if (place.known == 1)
        put_word_member(writer, "place_result", result_text(place));
}

void put_type_members(struct json_writer *writer, uint32_t legs_count, uint32_t sizes,
                      unsigned flags)
{
    put_word_member(writer, "type",
                    sizes != 0        ? "system"
                    : legs_count == 1 ? "single"
                                      : "multiple");
    if (sizes != 0) {
        json_write_key(writer, "system");
        json_write_array_open(writer);
        for (uint32_t size = 1; size <= SYSTEM_LEGS_MAX; size++)
            if (system_has_size((struct system_sizes){sizes}, size))
                json_write_u64(writer, size);
        json_write_array_close(writer);
    }
    if ((flags & BET_EACH_WAY) != 0) {
        json_write_key(writer, "each_way");
        json_write_bool(writer, true);
    }
    if ((flags & (BET_FREE | BET_BONUS)) != 0)
        put_word_member(writer, "stake_kind", (flags & BET_FREE) != 0 ? "free" : "bonus");
}

void put_leg_terms(struct json_writer *writer, const struct record_leg *leg, uint32_t sizes)
{
    if (sizes != 0 && (leg->flags & LEG_BANKER) != 0) {
        json_write_key(writer, "banker");
        json_write_bool(writer, true);
    }
    if (leg->places == 0)
        return;
    char memory[16];
    struct buf text = buf_over(memory, sizeof memory);
    json_write_key(writer, "places");
    json_write_u64(writer, leg->places);
    buf_printf(&text, "%u/%u", leg->place_numerator, leg->place_denominator);
    put_text_member(writer, "place_terms", buf_slice(&text));
}

void put_referred_members(struct json_writer *writer, const struct record_bet *bet)
{
    if (bet->referred == REFERRED_NOT)
        return;
    put_word_member(writer, "referred", referral_cause_text((enum referral_cause)bet->referred));
    put_word_member(writer, "limited_by", limit_scope_text((enum limit_scope)bet->limit_scope));
}
