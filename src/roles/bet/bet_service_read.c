/* bet_service_read.c - accounts and bets read back: contract in bet_service.h.
 * The fold runs ahead of the disk. So an answer from the fold is written when it is asked for
 * and told when everything up to that moment is durable (L2); only what is kept in the records
 * themselves (one bet's history) is written when it was read. */
#include "base/assert.h"
#include "base/rfc3339.h"
#include "net/http/http_url.h"
#include "roles/bet/bet_answer.h"
#include "roles/bet/bet_history.h"
#include "roles/bet/bet_json.h"
#include "roles/bet/bet_service_internal.h"
#include "roles/shared/problem.h"

#define LIST_LIMIT_DEFAULT 50

/* ---- held answers ---- */

static struct held *take_held(struct bet_service *service, bet_service_answer_fn answer,
                              struct book_cookie cookie)
{
    struct held *held = service->free_held;
    if (held == NULL) {
        service->stats.reads_reached++;
        bet_service_refuse(service, 503, "OVERLOADED", answer, cookie);
        return NULL;
    }
    service->free_held = held->next_free;
    held->answer = answer;
    held->cookie = cookie;
    held->status = 200;
    held->bytes = 0;
    return held;
}

static void give_held(struct held *held)
{
    held->next_free = held->service->free_held;
    held->service->free_held = held;
}

static struct buf held_buf(struct held *held)
{
    return buf_over(held->body, sizeof held->body);
}

static void tell_held(struct held *held)
{
    held->answer(&(struct bet_service_answer){
        .cookie = held->cookie,
        .status = held->status,
        .body = slice_of(held->body, held->bytes),
    });
    give_held(held);
}

static void on_durable(const struct book_answer *moment)
{
    struct held *held = moment->cookie.owner;
    if (!moment->failed) {
        tell_held(held);
        return;
    }
    bet_service_refuse(held->service, 503, "LEDGER_UNAVAILABLE", held->answer, held->cookie);
    give_held(held);
}

static void tell_when_durable(struct held *held, const struct buf *out)
{
    ASSERT(!out->overflow);
    held->bytes = out->bytes;
    enum request_outcome outcome =
        book_when_durable(held->service->book, on_durable, (struct book_cookie){.owner = held});
    if (outcome == REQUEST_TAKEN)
        return;
    bet_service_untaken(held->service, outcome, held->answer, held->cookie);
    give_held(held);
}

/* ---- the account ---- */

static void put_limits(struct json_writer *writer, const struct bet_service *service,
                       struct account_ref account, struct currency currency)
{
    const struct bet_service_options *options = &service->options;
    const struct stake_limits limits = book_account_limits(service->book, account);
    json_write_key(writer, "limits");
    json_write_object_open(writer);
    put_money_member(writer, "stake_min", money_of(limits.stake_minor_min, currency));
    put_money_member(writer, "stake_max", money_of(limits.stake_minor_max, currency));
    put_money_member(writer, "return_max", money_of(limits.payout_minor_max, currency));
    if (limits.payout_day_minor_max != INT64_MAX)
        put_money_member(writer, "return_day_max", money_of(limits.payout_day_minor_max, currency));
    put_money_member(writer, "deposit_max", money_of(options->deposit_minor_max, currency));
    json_write_key(writer, "bets_per_minute_max");
    if (options->bets_per_minute_max == 0)
        json_write_null(writer);
    else
        json_write_u64(writer, options->bets_per_minute_max);
    json_write_object_close(writer);
}

void bet_service_account(struct bet_service *service, const struct jwt_claims *claims,
                         bet_service_answer_fn answer, struct book_cookie cookie)
{
    static const struct shard_account nobody;
    const struct shard_state *state = book_state(service->book);
    struct account_ref ref = shard_state_find_account(state, jwt_sub(claims));
    const struct shard_account *account = ref.n == 0 ? &nobody : shard_state_account(state, ref);
    struct held *held = take_held(service, answer, cookie);
    if (held == NULL)
        return;
    struct buf out = held_buf(held);
    struct json_writer writer = json_write_begin(&out);
    json_write_object_open(&writer);
    put_text_member(&writer, "user_id", jwt_sub(claims));
    put_money_member(&writer, "balance", money_of(account->available, account->currency));
    put_money_member(&writer, "available", money_of(account->available, account->currency));
    put_money_member(&writer, "held", money_of(account->held, account->currency));
    put_money_member(&writer, "free_bets", money_of(account->free, account->currency));
    put_money_member(&writer, "bonus", money_of(account->bonus, account->currency));
    json_write_key(&writer, "currency");
    if (currency_equal(account->currency, CURRENCY_NONE))
        json_write_null(&writer);
    else
        json_write_text(&writer, slice_text(currency_code(account->currency)));
    json_write_key(&writer, "open_bets");
    json_write_u64(&writer, account->bets_open);
    put_limits(&writer, service, ref, account->currency);
    put_seq_member(&writer, "ledger_seq", shard_state_shard(state), account->seq_last);
    json_write_object_close(&writer);
    tell_when_durable(held, &out);
}

/* ---- the list ---- */

struct list_query {
    int64_t from_us, to_us; /* created_at in from .. to, both included */
    uint64_t cursor;        /* the bet that the page before ended with; 0: from the beginning */
    uint32_t limit;
    bool newest_first;
    struct slice user_id; /* empty: one's own */
    char memory[256];     /* behind user_id */
};

static bool query_time(struct slice query, const char *name, int64_t *us)
{
    char memory[64];
    struct buf buf = buf_over(memory, sizeof memory);
    struct slice text;
    struct slice raw;
    struct instant time;
    if (!http_url_query(query, name, &raw))
        return true;
    /* '+' is the sign of an offset here, not a space. */
    if (http_url_decode(raw, false, &buf, &text) < 0 || rfc3339_parse(text, &time) < 0)
        return false;
    *us = time.us;
    return true;
}

static bool query_number(struct slice query, const char *name, uint64_t *number)
{
    struct slice text;
    struct bet_id id;
    if (!http_url_query(query, name, &text))
        return true;
    if (!bet_id_parse(text, &id))
        return false;
    *number = id.n;
    return true;
}

/* NULL, or the parameter that is wrong. */
static const char *read_query(struct slice query, struct list_query *ret)
{
    uint64_t limit = LIST_LIMIT_DEFAULT;
    struct slice order;
    *ret = (struct list_query){.to_us = INT64_MAX};
    if (!query_time(query, "from", &ret->from_us))
        return "from";
    if (!query_time(query, "to", &ret->to_us))
        return "to";
    if (!query_number(query, "cursor", &ret->cursor))
        return "cursor";
    if (!query_number(query, "limit", &limit) || limit > BET_LIST_LIMIT_MAX)
        return "limit";
    ret->limit = (uint32_t)limit;
    if (http_url_query(query, "order", &order)) {
        ret->newest_first = slice_is(order, "desc");
        if (!ret->newest_first && !slice_is(order, "asc"))
            return "order";
    }
    struct slice raw;
    struct buf memory = buf_over(ret->memory, sizeof ret->memory);
    if (http_url_query(query, "user_id", &raw) &&
        (http_url_decode(raw, true, &memory, &ret->user_id) < 0 || !jwt_sub_is_valid(ret->user_id)))
        return "user_id";
    return NULL;
}

/* The page's bets, as indexes, in the order of the walk. */
struct page {
    uint32_t index[BET_LIST_LIMIT_MAX + 1];
    uint32_t count; /* found; above limit: there are more */
    bool too_far;
};

/* Newest to oldest is the way of the chain. */
static void walk_newest(const struct shard_state *state, uint32_t bet,
                        const struct list_query *query, struct page *page)
{
    uint32_t steps = 0;
    for (; bet != BET_NONE && page->count <= query->limit; steps++) {
        const struct shard_bet *b = shard_state_bet(state, bet);
        int64_t created_us = bet_id_instant((struct bet_id){b->bet_id}).us;
        if (created_us < query->from_us)
            return;
        if (steps == BET_LIST_WALK_MAX) {
            page->too_far = true;
            return;
        }
        if (created_us <= query->to_us && (query->cursor == 0 || b->bet_id < query->cursor))
            page->index[page->count++] = bet;
        bet = b->next_of_account;
    }
}

/* Oldest first: the whole way back to the cursor, of which the last limit + 1 are kept. */
static void walk_oldest(const struct shard_state *state, uint32_t bet,
                        const struct list_query *query, struct page *page)
{
    uint32_t kept[BET_LIST_LIMIT_MAX + 1];
    uint32_t size = query->limit + 1;
    uint32_t found = 0;
    for (uint32_t steps = 0; bet != BET_NONE; steps++) {
        const struct shard_bet *b = shard_state_bet(state, bet);
        int64_t created_us = bet_id_instant((struct bet_id){b->bet_id}).us;
        if (b->bet_id <= query->cursor || created_us < query->from_us)
            break;
        if (steps == BET_LIST_WALK_MAX) {
            page->too_far = true;
            return;
        }
        if (created_us <= query->to_us)
            kept[found++ % size] = bet;
        bet = b->next_of_account;
    }
    page->count = found < size ? found : size;
    for (uint32_t i = 0; i < page->count; i++)
        page->index[i] = kept[(found - 1 - i) % size];
}

static uint32_t first_bet(const struct shard_state *state, const struct shard_account *account,
                          const struct list_query *query)
{
    if (!query->newest_first || query->cursor == 0)
        return account->bets_last;
    uint32_t at = shard_state_find_bet(state, (struct bet_id){query->cursor});
    /* Somebody else's cursor finds nothing of theirs: the walk begins at one's own newest. */
    if (at == BET_NONE ||
        shard_state_account(state, (struct account_ref){shard_state_bet(state, at)->account}) !=
            account)
        return account->bets_last;
    return shard_state_bet(state, at)->next_of_account;
}

static void write_page(struct buf *out, const struct shard_state *state,
                       const struct list_query *query, const struct page *page)
{
    struct json_writer writer = json_write_begin(out);
    uint32_t i = 0;
    json_write_object_open(&writer);
    json_write_key(&writer, "bets");
    json_write_array_open(&writer);
    for (; i < page->count && i < query->limit; i++) {
        const struct shard_bet *bet = shard_state_bet(state, page->index[i]);
        if (out->capacity - out->bytes < BET_PUSH_BYTES(bet->legs_count))
            break;
        bet_history_write_row(&writer, state, bet);
    }
    json_write_array_close(&writer);
    json_write_key(&writer, "next_cursor");
    if (i < page->count) {
        char memory[24];
        struct buf cursor = buf_over(memory, sizeof memory);
        buf_put_u64(&cursor, shard_state_bet(state, page->index[i - 1])->bet_id);
        json_write_text(&writer, buf_slice(&cursor));
    } else {
        json_write_null(&writer);
    }
    json_write_object_close(&writer);
}

static void list_bets(struct bet_service *service, struct slice user_id,
                      const struct list_query *query, struct held *held)
{
    const struct shard_state *state = book_state(service->book);
    struct account_ref ref = shard_state_find_account(state, user_id);
    struct page page = {.count = 0};
    struct buf out = held_buf(held);
    if (ref.n != 0) {
        const struct shard_account *account = shard_state_account(state, ref);
        uint32_t first = first_bet(state, account, query);
        if (query->newest_first)
            walk_newest(state, first, query, &page);
        else
            walk_oldest(state, first, query, &page);
    }
    if (page.too_far) {
        service->stats.walk_reached++;
        held->status = 422;
        problem_write(&out, 422, "RANGE_TOO_WIDE",
                      SLICE("Too many newer bets: give from, a later cursor, or order=desc."));
    } else {
        write_page(&out, state, query, &page);
    }
    tell_when_durable(held, &out);
}

static bool may_read_others(const struct jwt_claims *claims)
{
    return jwt_has_role(claims, JWT_AUDITOR) || jwt_has_role(claims, JWT_REGULATOR);
}

void bet_service_list(struct bet_service *service, const struct jwt_claims *claims,
                      struct slice query, bet_service_answer_fn answer, struct book_cookie cookie)
{
    struct list_query asked;
    const char *wrong = read_query(query, &asked);
    if (wrong != NULL) {
        struct buf out = buf_over(service->out, sizeof service->out);
        struct json_writer writer =
            problem_open(&out, 400, "INVALID_PARAMETER", SLICE("The parameter is not readable."));
        put_word_member(&writer, "parameter", wrong);
        json_write_object_close(&writer);
        answer(
            &(struct bet_service_answer){.cookie = cookie, .status = 400, .body = buf_slice(&out)});
        return;
    }
    bool other = asked.user_id.bytes > 0 && !slice_equal(asked.user_id, jwt_sub(claims));
    if (other && !may_read_others(claims)) {
        bet_service_refuse(service, 403, "ROLE_REQUIRED", answer, cookie);
        return;
    }
    struct held *held = take_held(service, answer, cookie);
    if (held != NULL)
        list_bets(service, other ? asked.user_id : jwt_sub(claims), &asked, held);
}

/* ---- one bet ---- */

static void on_history(struct book_cookie cookie, const struct record_view *records, size_t count)
{
    struct held *held = cookie.owner;
    struct bet_service *service = held->service;
    struct buf out = held_buf(held);
    if (count == 0) {
        bet_service_refuse(service, 503, "LEDGER_UNAVAILABLE", held->answer, held->cookie);
        give_held(held);
        return;
    }
    if (!bet_history_write(book_state(service->book), records, count, &out)) {
        /* More than BOOK_HISTORY_MAX records: the first is not among them. */
        held->status = 422;
        out = held_buf(held);
        problem_write(&out, 422, "HISTORY_TOO_LONG", SLICE("Ask for it offline."));
    }
    ASSERT(!out.overflow);
    held->bytes = out.bytes;
    tell_held(held);
}

void bet_service_read(struct bet_service *service, const struct jwt_claims *claims,
                      struct slice bet_id, bet_service_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_state *state = book_state(service->book);
    struct bet_id id = {0};
    uint32_t index = bet_id_parse(bet_id, &id) ? shard_state_find_bet(state, id) : BET_NONE;
    struct account_ref own = shard_state_find_account(state, jwt_sub(claims));
    if (index == BET_NONE ||
        (shard_state_bet(state, index)->account != own.n && !may_read_others(claims))) {
        bet_service_refuse(service, 404, "NOT_FOUND", answer, cookie);
        return;
    }
    struct held *held = take_held(service, answer, cookie);
    if (held == NULL)
        return;
    enum request_outcome outcome =
        book_bet_history(service->book, id, on_history, (struct book_cookie){.owner = held});
    if (outcome == REQUEST_TAKEN)
        return;
    give_held(held);
    bet_service_untaken(service, outcome, answer, cookie);
}

/* ---- what a bet would be bought back for ---- */

static void put_versions(struct json_writer *writer, const struct shard_state *state,
                         const struct cash_out_offer *offer)
{
    char memory[MARKET_ID_BYTES_MAX + 1];
    json_write_key(writer, "versions");
    json_write_object_open(writer);
    for (size_t i = 0; i < offer->legs_count; i++) {
        struct market_ref market = {offer->legs[i].settled.market};
        struct slice id = shard_state_market_id(state, market);
        if (offer->legs[i].odds_version == 0)
            continue; /* settled */
        ASSERT(id.bytes < sizeof memory);
        memcpy(memory, id.at, id.bytes);
        memory[id.bytes] = 0;
        json_write_key(writer, memory);
        json_write_u64(writer, offer->legs[i].odds_version);
    }
    json_write_object_close(writer);
}

static void write_offer(struct buf *out, const struct shard_state *state, struct bet_id id,
                        const struct cash_out_offer *offer)
{
    struct json_writer writer = json_write_begin(out);
    json_write_object_open(&writer);
    put_text_member(&writer, "offer_id", slice_of(offer->id, sizeof offer->id));
    put_bet_id_member(&writer, id);
    put_money_member(&writer, "amount", offer->amount);
    put_money_member(&writer, "stake", offer->stake);
    put_word_member(&writer, "currency", currency_code(offer->amount.currency));
    put_time_member(&writer, "valid_until", offer->valid_until);
    json_write_key(&writer, "delay_ms");
    json_write_i64(&writer, offer->delay_us / 1000);
    put_versions(&writer, state, offer);
    json_write_object_close(&writer);
}

void bet_service_offer(struct bet_service *service, const struct jwt_claims *claims,
                       struct slice bet_id, bet_service_answer_fn answer, struct book_cookie cookie)
{
    const struct shard_state *state = book_state(service->book);
    struct bet_id id = {0};
    struct cash_out_offer offer;
    uint32_t index = bet_id_parse(bet_id, &id) ? shard_state_find_bet(state, id) : BET_NONE;
    struct account_ref own = shard_state_find_account(state, jwt_sub(claims));
    if (index == BET_NONE || shard_state_bet(state, index)->account != own.n) {
        bet_service_refuse(service, 404, "NOT_FOUND", answer, cookie);
        return;
    }
    struct held *held = take_held(service, answer, cookie);
    if (held == NULL)
        return;
    struct buf out = held_buf(held);
    enum bet_outcome outcome = book_offer_cash_out(service->book, id, &offer);
    if (outcome == BET_PLACED) {
        write_offer(&out, state, id, &offer);
    } else {
        held->status = bet_outcome_http(outcome);
        bet_answer_write_outcome(outcome, &out);
    }
    tell_when_durable(held, &out);
}
