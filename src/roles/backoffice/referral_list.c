/* referral_list.c - contract in referral_list.h. */
#include "roles/backoffice/referral_list.h"

#include "base/assert.h"
#include "base/json_write.h"
#include "base/rfc3339.h"
#include "core/referral.h"

/* Four ids and names, each byte of them escaped, and some numbers; no bet has more legs. */
#define LEG_BYTES_MAX ((size_t)2304)
#define ROW_BYTES_MAX (1024 + BET_LEGS_MAX * LEG_BYTES_MAX)

_Static_assert(REFERRAL_LIST_BYTES_MAX > ROW_BYTES_MAX + 256, "one row fits into a page");

struct listing {
    const struct shard_state *state;
    struct odds_store *store;
    struct json_writer writer;
};

static void put_text(struct listing *l, const char *key, struct slice text)
{
    json_write_key(&l->writer, key);
    json_write_text(&l->writer, text);
}

static void put_u64_text(struct listing *l, const char *key, uint64_t number)
{
    char memory[24];
    struct buf text = buf_over(memory, sizeof memory);
    buf_printf(&text, "%llu", (unsigned long long)number);
    put_text(l, key, buf_slice(&text));
}

static void put_money(struct listing *l, const char *key, int64_t minor, struct currency currency)
{
    json_write_key(&l->writer, key);
    json_write_decimal(&l->writer, minor, currency_scale(currency));
}

static void put_time(struct listing *l, const char *key, int64_t us)
{
    char memory[RFC3339_BYTES_MAX];
    struct buf text = buf_over(memory, sizeof memory);
    rfc3339_write(&text, (struct instant){us});
    put_text(l, key, buf_slice(&text));
}

static void put_odds(struct listing *l, const char *key, struct odds odds)
{
    json_write_key(&l->writer, key);
    if (!odds_present(odds)) {
        json_write_null(&l->writer);
        return;
    }
    char memory[48];
    struct buf text = buf_over(memory, sizeof memory);
    odds_write_decimal(&text, odds);
    json_write_raw(&l->writer, buf_slice(&text));
}

static const struct odds_selection *selection_now(const struct odds_image *image, struct slice id)
{
    for (size_t i = 0; image != NULL && i < image->selections_count; i++)
        if (slice_equal(slice_of(image->selections[i].id, image->selections[i].id_bytes), id))
            return &image->selections[i];
    return NULL;
}

static void put_leg(struct listing *l, const struct shard_leg *leg)
{
    const struct market_ref ref = {leg->market};
    const struct shard_market *market = shard_state_market(l->state, ref);
    const struct shard_selection *selection = shard_state_selection(l->state, ref, leg->selection);
    const struct odds_image *image =
        l->store->ops->get(l->store, shard_state_market_id(l->state, ref));
    const struct odds_selection *now =
        selection_now(image, shard_state_text(l->state, selection->id));
    json_write_object_open(&l->writer);
    put_text(l, "market_id", shard_state_market_id(l->state, ref));
    put_text(l, "event_id", shard_state_text(l->state, market->event_id));
    put_text(l, "event_name", shard_state_text(l->state, market->event_name));
    put_text(l, "selection_id", shard_state_text(l->state, selection->id));
    put_text(l, "selection_name", shard_state_text(l->state, selection->name));
    put_odds(l, "odds", leg->odds);
    json_write_key(&l->writer, "offered");
    json_write_bool(&l->writer, (leg->flags & LEG_OFFERED) != 0);
    put_odds(l, "odds_now", now == NULL ? ODDS_NONE : now->odds);
    put_text(l, "market_status",
             image == NULL ? SLICE("unknown")
                           : slice_text(market_status_text((enum market_status)image->status)));
    json_write_object_close(&l->writer);
}

static struct slice stage_text(enum referral_stage stage)
{
    switch (stage) {
    case REFERRAL_WAITS:
        return SLICE("WAITING");
    case REFERRAL_IS_OFFERED:
        return SLICE("OFFERED");
    case REFERRAL_IS_ACCEPTED:
        return SLICE("ACCEPTED");
    case REFERRAL_IS_REJECTED:
        return SLICE("REJECTED");
    case REFERRAL_IS_DECLINED:
        break;
    }
    return SLICE("DECLINED");
}

static void put_row(struct listing *l, const struct shard_referral *row)
{
    const struct shard_bet *bet = shard_state_bet(l->state, row->bet);
    const struct account_ref account = {bet->account};
    struct currency currency = shard_state_account(l->state, account)->currency;
    json_write_object_open(&l->writer);
    put_u64_text(l, "bet_id", bet->bet_id);
    put_text(l, "user_id", shard_state_user_id(l->state, account));
    put_text(l, "state", stage_text((enum referral_stage)row->stage));
    put_text(l, "referred", slice_text(referral_cause_text((enum referral_cause)row->cause)));
    put_text(l, "limited_by", slice_text(limit_scope_text((enum limit_scope)row->scope)));
    put_money(l, "stake", bet->stake, currency);
    put_money(l, "stake_max", row->stake_max, currency);
    put_money(l, "potential_return", bet->returns, currency);
    put_text(l, "currency", slice_text(currency_code(currency)));
    if (row->until_us != 0)
        put_time(l, "decide_at", row->until_us);
    json_write_key(&l->writer, "offers");
    json_write_u64(&l->writer, row->offers);
    if (row->stake != 0)
        put_money(l, "offered_stake", row->stake, currency);
    json_write_key(&l->writer, "legs");
    json_write_array_open(&l->writer);
    for (uint32_t i = 0; i < bet->legs_count; i++)
        put_leg(l, shard_state_leg(l->state, bet->legs_first + i));
    json_write_array_close(&l->writer);
    json_write_object_close(&l->writer);
}

void referral_list_write(struct buf *out, const struct shard_state *state, struct odds_store *store,
                         uint64_t cursor)
{
    struct listing l = {state, store, json_write_begin(out)};
    uint32_t count = shard_state_referrals_count(state), i = 0;
    uint64_t last = 0;
    while (i < count &&
           shard_state_bet(state, shard_state_referral(state, i)->bet)->bet_id <= cursor)
        i++;
    json_write_object_open(&l.writer);
    json_write_key(&l.writer, "waiting");
    json_write_u64(&l.writer, count);
    json_write_key(&l.writer, "referrals");
    json_write_array_open(&l.writer);
    for (; i < count && out->capacity - out->bytes > ROW_BYTES_MAX + 128; i++) {
        put_row(&l, shard_state_referral(state, i));
        last = shard_state_bet(state, shard_state_referral(state, i)->bet)->bet_id;
    }
    json_write_array_close(&l.writer);
    if (i < count)
        put_u64_text(&l, "next_cursor", last);
    json_write_object_close(&l.writer);
    ASSERT(!out->overflow); /* each row had room */
}
