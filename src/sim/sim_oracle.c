/* sim_oracle.c - the oracle: folds every durable record in order, and checks it against what the
 * world knows of requests, prices and results. Records are seen once, when they become durable
 * or when a start finds them; from then on they must be there for ever (L2). */
#include <string.h>

#include "base/assert.h"
#include "sim/sim_cash_out.h"
#include "sim/sim_fold.h"
#include "sim/sim_referrals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

struct sim_house *sim_house_of(struct sim *sim, uint16_t currency)
{
    struct sim_oracle *o = &sim->oracle;
    for (size_t i = 0; i < o->houses_count; i++)
        if (o->houses[i].currency == currency)
            return &o->houses[i];
    SIM_CHECK(o->houses_count < SIM_CURRENCIES, "L4", "a currency that nobody used: %u", currency);
    o->houses[o->houses_count] = (struct sim_house){.currency = currency};
    return &o->houses[o->houses_count++];
}

static void post_one(struct sim *sim, const struct record_posting *p)
{
    struct sim_oracle *o = &sim->oracle;
    struct sim_house *house = sim_house_of(sim, p->currency);
    bool customer = p->kind == LEDGER_AVAILABLE || p->kind == LEDGER_HELD ||
                    p->kind == LEDGER_FREE || p->kind == LEDGER_BONUS;
    SIM_CHECK(customer == (p->account != 0) && p->account <= o->accounts_count, "L4",
              "a posting to nobody");
    switch ((enum ledger_account)p->kind) {
    case LEDGER_AVAILABLE:
        o->accounts[p->account].available += p->amount;
        break;
    case LEDGER_HELD:
        o->accounts[p->account].held += p->amount;
        break;
    case LEDGER_HOUSE_CASH:
        house->cash += p->amount;
        break;
    case LEDGER_HOUSE_STAKES:
        house->stakes += p->amount;
        break;
    case LEDGER_HOUSE_RESULT:
        house->result += p->amount;
        break;
    case LEDGER_FREE:
        o->accounts[p->account].free += p->amount;
        break;
    case LEDGER_BONUS:
        o->accounts[p->account].bonus += p->amount;
        break;
    case LEDGER_HOUSE_PROMO:
        house->promo += p->amount;
        break;
    }
    if (customer)
        house->customers += p->amount;
}

/* L4: one currency a record, and nothing made or lost. */
static void post(struct sim *sim, const struct record_view *record)
{
    int64_t sum = 0;
    for (size_t i = 0; i < record->head->postings_count; i++) {
        const struct record_posting *p = &record->postings[i];
        SIM_CHECK(p->currency == record->postings[0].currency, "L4", "two currencies");
        sum += p->amount;
        post_one(sim, p);
    }
    SIM_CHECK(sum == 0, "L4", "record %llu: the postings sum to %lld",
              (unsigned long long)record->head->seq, (long long)sum);
    if (record->head->postings_count > 0)
        sim->oracle.accounts[record->head->account].seq_last = record->head->seq;
    for (size_t i = 0; i < record->head->postings_count; i++) {
        const struct sim_house *h = sim_house_of(sim, record->postings[i].currency);
        SIM_CHECK(h->customers + h->cash + h->stakes + h->result + h->promo == 0, "L4",
                  "record %llu: the books of %u do not balance",
                  (unsigned long long)record->head->seq, h->currency);
    }
}

/* ---- names ---- */

static uint32_t digits(struct slice text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return SIM_NONE;
        n = n * 10 + (uint32_t)(text.at[i] - '0');
    }
    return text.bytes == 0 ? SIM_NONE : n;
}

static void take_account(struct sim *sim, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    struct slice texts = record->texts;
    struct slice user =
        record_text(&texts, ((const struct record_account *)record->body)->user_bytes);
    SIM_CHECK(record->head->account == o->accounts_count + 1, "L1", "account refs are not dense");
    SIM_CHECK(slice_begins(user, SLICE("user-")), "L1", "an account of nobody");
    uint32_t number = digits(slice_skip(user, 5));
    SIM_CHECK(number < SIM_USERS_MAX, "L1", "an account of nobody");
    for (uint32_t i = 1; i <= o->accounts_count; i++)
        SIM_CHECK(o->accounts[i].user != number, "L1", "a second account of one user");
    o->accounts[++o->accounts_count] =
        (struct sim_account){.user = (uint16_t)number, .bets_last = SIM_NONE};
}

static void name_selections(struct sim *sim, struct sim_market *market,
                            const struct record_view *record, struct slice *texts)
{
    const struct record_selection *items = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        struct slice id = record_text(texts, items[i].id_bytes);
        (void)record_text(texts, items[i].name_bytes);
        SIM_CHECK(market->named_count < SIM_SELECTIONS_MAX, "L1", "selections from nowhere");
        for (size_t k = 0; k < market->named_count; k++)
            SIM_CHECK(!slice_equal(id, slice_of(market->named[k].id, market->named[k].id_bytes)),
                      "L1", "a selection gets a second number");
        struct sim_named *named = &market->named[market->named_count++];
        *named =
            (struct sim_named){.id_bytes = (uint8_t)id.bytes, .version = market->opened_version};
        memcpy(named->id, id.at, id.bytes);
    }
}

static void take_market(struct sim *sim, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_market *body = record->body;
    struct slice texts = record->texts;
    uint32_t index = sim_market_find(sim, record_text(&texts, body->market_bytes));
    SIM_CHECK(index != SIM_NONE, "L6", "the ledger names a market that was never published");
    struct sim_market *market = &sim->markets[index];
    SIM_CHECK(body->market == ++o->markets_count && !market->in_ledger, "L1",
              "market refs are not dense");
    o->markets[body->market] = index;
    market->in_ledger = true;
    market->fence_status = body->status;
    market->fence_holds = body->holds;
    const uint16_t skipped[] = {body->event_bytes,      body->provider_bytes, body->sport_bytes,
                                body->event_name_bytes, body->name_bytes,     body->kind_bytes};
    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
        (void)record_text(&texts, skipped[i]);
    name_selections(sim, market, record, &texts);
}

static struct sim_market *market_of_ref(struct sim *sim, uint32_t ref)
{
    SIM_CHECK(ref >= 1 && ref <= sim->oracle.markets_count, "L1", "no market has ref %u", ref);
    return &sim->markets[sim->oracle.markets[ref]];
}

static void take_fence(struct sim *sim, const struct record_view *record)
{
    const struct record_fence *body = record->body;
    const struct record_fenced *items = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        struct sim_market *market = market_of_ref(sim, items[i].market);
        SIM_CHECK(body->cause == FENCE_TRADER || items[i].holds == market->fence_holds, "L6",
                  "a feed lifted the desk's hold");
        market->fence_status = items[i].status;
        market->fence_holds = items[i].holds;
        if (items[i].status != MARKET_ACTIVE || items[i].holds != 0)
            market->stopped_seq = record->head->seq;
    }
}

/* What a word says of a selection counts against older words on that selection alone. */
static void take_named_result(struct sim *sim, const struct record_result *body,
                              const struct record_selection_result *item, struct sim_named *named)
{
    if (item->win.known == 2)
        return;
    SIM_CHECK(body->result_version > named->version, "L7", "result version %llu after %llu",
              (unsigned long long)body->result_version, (unsigned long long)named->version);
    named->result = *item;
    named->result.reason_bytes = 0;
    named->version = body->result_version;
    named->model = item->deduction == 0 ? 0 : body->deduction_model;
}

static void take_rollback(struct sim *sim, const struct record_result *body,
                          struct sim_market *market)
{
    static const struct record_selection_result unknown;
    SIM_CHECK(body->result_version > market->opened_version, "L7", "a lower rollback");
    market->opened_version = body->result_version;
    for (size_t i = 0; i < market->named_count; i++)
        if (market->named[i].version < body->result_version)
            take_named_result(sim, body, &unknown, &market->named[i]);
}

static void take_results(struct sim *sim, const struct record_view *record,
                         struct sim_market *market)
{
    const struct record_result *body = record->body;
    const struct record_selection_result *items = record->items;
    bool all = body->kind == RESULT_ROLLBACK && record->head->items_count == 0;
    SIM_CHECK(all || record->head->items_count == market->named_count, "L7",
              "a result of other legs");
    if (all)
        take_rollback(sim, body, market);
    for (size_t i = 0; !all && i < market->named_count; i++)
        take_named_result(sim, body, &items[i], &market->named[i]);
    if ((all || body->deduction_model != 0) && body->result_version > market->model_version) {
        market->model = body->deduction_model;
        market->cap_pence = body->cap_pence;
        market->waive_pence = body->waive_pence;
        market->model_version = body->result_version;
    }
    market->has_result = false;
    for (size_t i = 0; i < market->named_count; i++)
        market->has_result |=
            market->named[i].result.win.known == 1 && market->named[i].result.withdrawn_at_us == 0;
    market->fence_status = market->has_result ? MARKET_SETTLED : MARKET_SUSPENDED_STATUS;
    market->stopped_seq = record->head->seq;
}

static void take_window(struct sim *sim, const struct record_result *body,
                        struct sim_market *market)
{
    uint32_t at = 0;
    while (at < market->windows_count && (market->windows[at].from_us != body->void_from_us ||
                                          market->windows[at].until_us != body->void_until_us))
        at++;
    SIM_CHECK(at < WINDOWS_OF_MARKET_MAX, "S2", "too many windows of time");
    if (at == market->windows_count)
        market->windows[market->windows_count++] = (struct sim_window){.version = 0};
    else
        SIM_CHECK(body->result_version > market->windows[at].version, "L7",
                  "a lower word on a window of time");
    market->windows[at] =
        (struct sim_window){body->void_from_us, body->void_until_us, body->void_skew_us,
                            body->result_version, body->kind == RESULT_CANCEL};
    SIM_CHECK(body->void_skew_us == sim->mix.book.provider_skew_us, "L7", "another clock");
}

static void take_result(struct sim *sim, const struct record_view *record)
{
    const struct record_result *body = record->body;
    struct sim_market *market = market_of_ref(sim, body->market);
    SIM_CHECK(body->previous_seq == market->result_seq, "L7", "results are no chain");
    sim_oracle_in_force(sim, record, market);
    if (body->kind == RESULT_SET || body->kind == RESULT_ROLLBACK)
        take_results(sim, record, market);
    else
        take_window(sim, body, market);
    sim_oracle_overtaken(sim, body, market);
    market->result_seq = record->head->seq;
    market->newest_version = body->result_version;
}

/* ---- money ---- */

struct sim_entry *sim_entry_of_key(struct sim *sim, enum operation operation, uint32_t account,
                                   struct slice key)
{
    SIM_CHECK(account >= 1 && account <= sim->oracle.accounts_count, "L4", "no such account");
    SIM_CHECK(slice_begins(key, SLICE("k")), "L3", "a key that nobody used");
    uint32_t half = digits(slice_skip(key, 1));
    for (uint32_t n = half * 2; n < half * 2 + 2 && n < sim->numbers[operation]; n++) {
        struct sim_entry *entry = &sim->entries[sim->by_number[operation][n]];
        if (entry->user == sim->oracle.accounts[account].user)
            return entry;
    }
    sim_broken(sim, "L3", "a record under a key that its user never used");
}

/* Where it goes, and where it comes from: the customer's side first, of two the one that gets it.
 */
static void money_postings(const struct sim_entry *entry, uint32_t ref,
                           struct record_posting ret[2])
{
    static const struct {
        uint16_t gets, loses;
    } kinds[] = {
        [MONEY_DEPOSIT] = {LEDGER_AVAILABLE, LEDGER_HOUSE_CASH},
        [MONEY_WITHDRAWAL] = {LEDGER_HOUSE_CASH, LEDGER_AVAILABLE},
        [MONEY_GRANT_FREE] = {LEDGER_FREE, LEDGER_HOUSE_PROMO},
        [MONEY_GRANT_BONUS] = {LEDGER_BONUS, LEDGER_HOUSE_PROMO},
        [MONEY_FORFEIT_FREE] = {LEDGER_HOUSE_PROMO, LEDGER_FREE},
        [MONEY_FORFEIT_BONUS] = {LEDGER_HOUSE_PROMO, LEDGER_BONUS},
        [MONEY_BONUS_TO_CASH] = {LEDGER_AVAILABLE, LEDGER_BONUS},
        [MONEY_WRITE_OFF] = {LEDGER_AVAILABLE, LEDGER_HOUSE_RESULT},
    };
    uint16_t gets = kinds[entry->money_kind].gets, loses = kinds[entry->money_kind].loses;
    bool in_house = gets == LEDGER_HOUSE_CASH || gets == LEDGER_HOUSE_PROMO;
    bool from_house =
        loses == LEDGER_HOUSE_CASH || loses == LEDGER_HOUSE_PROMO || loses == LEDGER_HOUSE_RESULT;
    ret[in_house] =
        (struct record_posting){in_house ? 0 : ref, gets, entry->currency, entry->amount};
    ret[!in_house] =
        (struct record_posting){from_house ? 0 : ref, loses, entry->currency, -entry->amount};
}

static void count_money(struct sim *sim, const struct sim_entry *entry, bool done)
{
    sim_count(sim, !done                                     ? SIM_MONEY_REFUSED
                   : entry->money_kind == MONEY_WRITE_OFF    ? SIM_WRITE_OFF_DESK
                   : entry->operation == OPERATION_DEPOSIT   ? SIM_DEPOSIT
                   : entry->operation == OPERATION_PROMOTION ? SIM_PROMOTION
                                                             : SIM_WITHDRAWAL);
}

static struct sim_entry *money_entry(struct sim *sim, const struct record_view *record)
{
    const struct record_money *m = record->body;
    struct slice texts = record->texts;
    struct slice key = record_text(&texts, m->key_bytes);
    enum operation operation = m->kind == MONEY_DEPOSIT      ? OPERATION_DEPOSIT
                               : m->kind == MONEY_WITHDRAWAL ? OPERATION_WITHDRAWAL
                                                             : OPERATION_PROMOTION;
    struct sim_entry *entry = sim_entry_of_key(sim, operation, record->head->account, key);
    SIM_CHECK(entry->seq == 0, "L3", "a second verdict under one key");
    SIM_CHECK(m->kind == entry->money_kind && m->amount == entry->amount &&
                  m->currency == entry->currency && m->request_hash[0] == entry->hash[0] &&
                  m->request_hash[1] == entry->hash[1],
              "L3", "the verdict is of another request");
    return entry;
}

/* A correction may take promotional money below zero, until it is written off; the desk may not. */
static bool is_overdrawn(const struct sim_account *account, enum money_kind taken)
{
    return (taken == MONEY_FORFEIT_FREE && account->free < 0) ||
           ((taken == MONEY_FORFEIT_BONUS || taken == MONEY_BONUS_TO_CASH) && account->bonus < 0);
}

static void take_money(struct sim *sim, const struct record_view *record)
{
    const struct record_money *m = record->body;
    struct sim_entry *entry = money_entry(sim, record);
    struct sim_account *account = &sim->oracle.accounts[record->head->account];
    enum bet_outcome expected = sim_expect_money(sim, entry, account);
    bool done = expected == BET_PLACED;
    struct record_posting postings[2];
    SIM_CHECK(m->outcome == expected, "L4", "a movement ended as %u, not %u", m->outcome, expected);
    money_postings(entry, record->head->account, postings);
    SIM_CHECK(sim_posted(record, postings, done ? 2 : 0), "L4", "postings of a movement");
    post(sim, record);
    SIM_CHECK(m->balance_after == account->available, "L4", "balance_after of a movement");
    if (done && (entry->operation == OPERATION_DEPOSIT || m->kind == MONEY_GRANT_FREE ||
                 m->kind == MONEY_GRANT_BONUS))
        account->currency = m->currency;
    SIM_CHECK(account->available >= 0 || entry->operation != OPERATION_WITHDRAWAL || !done, "L4",
              "a withdrawal below zero");
    SIM_CHECK(!done || !is_overdrawn(account, (enum money_kind)m->kind), "L4",
              "more promotional money is taken than there was");
    entry->seq = record->head->seq;
    count_money(sim, entry, done);
}

/* ---- the frame ---- */

static void take_opened(struct sim *sim, const struct record_view *record)
{
    uint64_t epoch = ((const struct record_opened *)record->body)->epoch;
    SIM_CHECK(epoch > sim->oracle.epoch, "L1", "writer epoch %llu after %llu",
              (unsigned long long)epoch, (unsigned long long)sim->oracle.epoch);
    sim->oracle.epoch = epoch;
}

static void take_selections(struct sim *sim, const struct record_view *record)
{
    const struct record_selections *body = record->body;
    struct slice texts = record->texts;
    struct sim_market *market = market_of_ref(sim, body->market);
    SIM_CHECK(body->first == market->named_count, "L1", "selection numbers are not dense");
    name_selections(sim, market, record, &texts);
}

static void fold(struct sim *sim, const struct record_view *record)
{
    switch ((enum record_type)record->head->type) {
    case RECORD_GENESIS:
        SIM_CHECK(record->head->seq == 1, "L1", "a second genesis");
        return;
    case RECORD_OPENED:
        take_opened(sim, record);
        return;
    case RECORD_ACCOUNT:
        take_account(sim, record);
        return;
    case RECORD_MARKET:
        take_market(sim, record);
        return;
    case RECORD_SELECTIONS:
        take_selections(sim, record);
        return;
    case RECORD_FENCE:
        take_fence(sim, record);
        return;
    case RECORD_RESULT:
        take_result(sim, record);
        return;
    case RECORD_MONEY:
        take_money(sim, record);
        return;
    case RECORD_BET:
        sim_oracle_bet(sim, record);
        break;
    case RECORD_RELEASE:
        sim_oracle_release(sim, record);
        break;
    case RECORD_SETTLE:
        sim_oracle_settle(sim, record);
        break;
    case RECORD_REVERSE:
        sim_oracle_reverse(sim, record);
        break;
    case RECORD_CASH_OUT:
        sim_oracle_cash_out(sim, record);
        break;
    case RECORD_ADJUSTMENT:
        sim_oracle_adjustment(sim, record);
        break;
    case RECORD_REFERRAL:
        sim_oracle_referral(sim, record);
        break;
    case RECORD_LIMITS:
        sim_oracle_limits(sim, record);
        break;
    case RECORD_PROPOSAL:
        sim_oracle_proposal(sim, record);
        return;
    case RECORD_DECISION:
        sim_oracle_decision(sim, record);
        return;
    case RECORD_RELAYED: /* it has no other shard */
        break;
    }
    post(sim, record);
    if (sim->mix.referrals > 0 && record->head->account != 0)
        sim_check_held(sim, record->head->account);
}

void sim_oracle_record(struct sim *sim, const struct record_view *record)
{
    struct sim_oracle *o = &sim->oracle;
    const struct record_head *head = record->head;
    SIM_CHECK(head->seq == o->seq + 1, "L1", "record %llu after %llu",
              (unsigned long long)head->seq, (unsigned long long)o->seq);
    SIM_CHECK(head->time_us >= o->time_us, "L1", "record %llu: record time fell",
              (unsigned long long)head->seq);
    SIM_CHECK(head->seq <= sim->store->place.seq, "L2",
              "record %llu was told before it was durable", (unsigned long long)head->seq);
    ASSERT(head->seq < o->crcs_max);
    o->crcs[head->seq] = head->crc;
    sim_history_add(&sim->tree.history, slice_of(head, head->bytes));
    o->seq = head->seq;
    o->time_us = head->time_us;
    fold(sim, record);
    sim_count(sim, SIM_RECORD);
}

struct sim_found sim_oracle_find(const struct sim *sim, const char *record)
{
    const struct sim_oracle *o = &sim->oracle;
    struct record_head head;
    memcpy(&head, record, sizeof head);
    bool beyond = head.seq > o->seq;
    return (struct sim_found){head.seq, beyond, !beyond && head.crc == o->crcs[head.seq]};
}

static int visit(void *owner, uint32_t shard, const char *record, size_t bytes)
{
    struct sim *sim = owner;
    struct record_view view;
    (void)shard;
    int error = record_view_of(record, bytes, &view);
    SIM_CHECK(error == 0, "L5", "a record on the disk cannot be read");
    if (view.head->seq > sim->oracle.seq) {
        sim_count(sim, SIM_RECORD_FOUND);
        sim_oracle_record(sim, &view);
        return 0;
    }
    SIM_CHECK(view.head->crc == sim->oracle.crcs[view.head->seq], "L1",
              "record %llu is another one after a restart", (unsigned long long)view.head->seq);
    return 0;
}

void sim_oracle_catch_up(struct sim *sim)
{
    uint64_t before = sim->oracle.seq;
    uint64_t tail = sim->store->place.seq;
    SIM_CHECK(tail >= before, "L2", "%llu durable records are gone: the log ends at %llu",
              (unsigned long long)(before - tail), (unsigned long long)tail);
    int error = sim->log.port.ops->replay(&sim->log.port, 0, 1, visit, sim);
    SIM_CHECK(error == 0, "L5", "the log cannot be replayed: %s", sim->log.problem);
    SIM_CHECK(sim->oracle.seq == tail, "L1", "the replay ends at %llu, the log at %llu",
              (unsigned long long)sim->oracle.seq, (unsigned long long)tail);
}
