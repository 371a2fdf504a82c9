/* bet_json.c - contract in bet_json.h. */
#include "roles/bet/bet_json.h"

#include "base/rfc3339.h"

#define COUNTER_BITS 22 /* of a bet id: shard and counter (core/ids.h) */

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
    char memory[64];
    struct buf buf = buf_over(memory, sizeof memory);
    if (!odds_present(odds))
        return;
    odds_write_decimal(&buf, odds);
    json_write_key(writer, "odds");
    json_write_raw(writer, buf_slice(&buf));
    if (odds_is_decimal(odds))
        return;
    buf.bytes = 0;
    odds_write_exact(&buf, odds);
    put_text_member(writer, "odds_exact", buf_slice(&buf));
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

struct instant bet_id_instant(struct bet_id id)
{
    return (struct instant){((int64_t)(id.n >> COUNTER_BITS) + BET_ID_EPOCH_MS) * US_PER_MS};
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
