/* sim_clients.c - customers: they bet, pay in and out, sell bets back, see stale prices, lose their
 * connection, and send the same key again, with the same body or another one (L3). */
#include <stdio.h>
#include <string.h>

#include "app/book_copy.h"
#include "base/assert.h"
#include "sim/sim_cash_out.h"
#include "sim/sim_referrals.h"
#include "sim/sim_tickets.h"
#include "sim/sim_world.h"

static uint16_t currency_of(uint32_t user)
{
    return user % 5 == 0 ? 978 : 826;
}

/* ---- answers ---- */

void sim_record_told(struct sim *sim, const struct record_view *record)
{
    uint64_t seq = record->head->seq;
    SIM_CHECK(seq <= sim->oracle.seq && seq <= sim->store->place.seq, "L2",
              "an answer names record %llu, which is not durable", (unsigned long long)seq);
    SIM_CHECK(record->head->crc == sim->oracle.crcs[seq], "L3",
              "an answer shows record %llu otherwise than it is", (unsigned long long)seq);
}

static void on_answer(const struct book_answer *answer)
{
    struct sim *sim = answer->cookie.owner;
    struct sim_entry *entry = &sim->entries[answer->cookie.words[0]];
    bool again = (answer->cookie.words[2] & 1) != 0, other = answer->cookie.words[2] > 1;
    bool looked = entry->looked_in == sim->incarnation; /* how it ends was not known at the call */
    SIM_CHECK(answer->cookie.words[1] == sim->incarnation, "L2", "an answer of a dead process");
    SIM_CHECK(entry->waiting > 0, "L3", "one request was answered twice");
    entry->waiting--;
    sim->waiting--;
    if (answer->failed) {
        SIM_CHECK(book_stopped(sim->book) || book_paused(sim->book) != NULL ||
                      (looked && (sim->verdicts.damaged || sim->turn <= sim->verdicts.unsure_turn)),
                  "L2", "an answer failed, but the book goes on");
        return;
    }
    if (answer->untaken != REQUEST_TAKEN) {
        SIM_CHECK(looked && (answer->untaken == REQUEST_CONFLICT) <= other, "L3",
                  "a key that was looked up is refused as %d", answer->untaken);
        return;
    }
    SIM_CHECK(!other, "L3", "a key with another body is answered with a record");
    SIM_CHECK(answer->record != NULL, "L3", "an answer without a record");
    sim_record_told(sim, answer->record);
    uint64_t seq = answer->record->head->seq;
    SIM_CHECK(seq == entry->seq || seq == entry->seq_final, "L3",
              "the answer to a key names record %llu, its verdict is %llu", (unsigned long long)seq,
              (unsigned long long)entry->seq);
    SIM_CHECK(seq >= entry->seq_told && seq >= answer->cookie.words[3], "L3",
              "a final verdict was taken back");
    SIM_CHECK(answer->replayed == again || looked, "L3", "replayed is %d", answer->replayed);
    SIM_CHECK(answer->replayed || entry->fresh_in != sim->incarnation, "L3",
              "one key was decided twice");
    if (!answer->replayed)
        entry->fresh_in = sim->incarnation;
    sim->report.counts[SIM_OLD_KEY_FOUND] += looked && answer->replayed;
    entry->seq_told = seq;
}

static void on_history(struct book_cookie cookie, const struct record_view *records, size_t count)
{
    struct sim *sim = cookie.owner;
    const struct sim_bet *bet = &sim->oracle.bets[cookie.words[0]];
    SIM_CHECK(cookie.words[1] == sim->incarnation, "L2", "a history of a dead process");
    sim->waiting--;
    SIM_CHECK(count > 0, "L7", "the history of bet %llu could not be read",
              (unsigned long long)bet->bet_id);
    SIM_CHECK(count == BOOK_HISTORY_MAX || records[0].head->seq == sim->entries[bet->entry].seq,
              "L7", "a history does not begin with its bet");
    for (size_t i = 0; i < count; i++) {
        sim_record_told(sim, &records[i]);
        SIM_CHECK(i == 0 || records[i].head->seq > records[i - 1].head->seq, "L7",
                  "a history out of order");
    }
    sim_count(sim, SIM_HISTORY);
}

void sim_history_step(struct sim *sim)
{
    struct sim_oracle *o = &sim->oracle;
    if (o->bets_count == 0 || book_stopped(sim->book))
        return;
    uint64_t index = sim_below(sim, o->bets_count);
    struct book_cookie cookie = {sim, {index, sim->incarnation, 0, 0}};
    struct bet_id id = {o->bets[index].bet_id};
    sim->waiting++;
    enum request_outcome outcome = book_bet_history(sim->book, id, on_history, cookie);
    if (outcome != REQUEST_TAKEN)
        sim->waiting--;
    SIM_CHECK(outcome == REQUEST_TAKEN || outcome == REQUEST_BUSY, "L2",
              "a durable bet is not found: %d", outcome);
}

/* "All that was decided so far": a balance may be told only then. */
static void on_durable(const struct book_answer *answer)
{
    struct sim *sim = answer->cookie.owner;
    SIM_CHECK(answer->cookie.words[1] == sim->incarnation, "L2", "an answer of a dead process");
    SIM_CHECK(answer->failed || sim->oracle.seq >= answer->cookie.words[0], "L2",
              "told durable at %llu, asked at %llu", (unsigned long long)sim->oracle.seq,
              (unsigned long long)answer->cookie.words[0]);
    sim->waiting--;
}

static void ask_durable(struct sim *sim)
{
    uint64_t seq = shard_state_seq(book_state(sim->book));
    struct book_cookie cookie = {sim, {seq, sim->incarnation, 0, 0}};
    sim->waiting++;
    enum request_outcome outcome = book_when_durable(sim->book, on_durable, cookie);
    if (outcome == REQUEST_TAKEN)
        return;
    sim->waiting--;
    SIM_CHECK(outcome == REQUEST_BUSY || book_stopped(sim->book), "S1", "stopped, but it goes on");
}

/* ---- asking ---- */

struct slice sim_user_text(const struct sim_entry *entry, char memory[32])
{
    return slice_of(memory, (size_t)snprintf(memory, 32, "user-%u", entry->user));
}

struct slice sim_key_text(const struct sim_entry *entry, char memory[32])
{
    return slice_of(memory, (size_t)snprintf(memory, 32, "k%u", entry->number / 2));
}

static enum request_outcome ask_money(struct sim *sim, const struct sim_entry *entry, bool other,
                                      struct book_cookie cookie)
{
    char user[32], key[32];
    struct money_request request = {
        .user_id = sim_user_text(entry, user),
        .key = sim_key_text(entry, key),
        .kind = (enum money_kind)entry->money_kind,
        .amount = {entry->amount + other, {entry->currency}},
        .request_hash = {entry->hash[0], entry->hash[1] + other},
    };
    if (entry->operation == OPERATION_PROMOTION) {
        request.actor = SLICE("tim");
        request.reason = SLICE("birthday");
    }
    return book_move_money(sim->book, &request, on_answer, cookie);
}

static void check_limit_name(struct sim *sim, bool decided)
{
    static const char *const names[] = {
        "commit_group",       "accounts_max",        "markets_max",      "selections_max",
        "bets_max",           "verdicts_max",        "ledger_reads_max", "texts_max",
        "commit_waiters_max", "verdict_lookups_max", "standby_away",     "unconfirmed",
        "legs_max",           "cash_outs_max"};
    const char *name = book_busy_limit(sim->book);
    bool known = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        known = known || strcmp(names[i], name) == 0;
    SIM_CHECK(known, "S2", "a request is shed without naming the limit: \"%s\"", name);
    SIM_CHECK(!decided || strcmp(name, "ledger_reads_max") == 0 ||
                  strcmp(name, "verdict_lookups_max") == 0 ||
                  strcmp(name, "commit_waiters_max") == 0 || strcmp(name, "standby_away") == 0 ||
                  strcmp(name, "unconfirmed") == 0,
              "L3", "a stored verdict is withheld for the limit %s", name);
    sim_count(sim, SIM_BUSY);
}

/* How many bets, or cash-outs that wait, there were when it was asked. */
static uint32_t rows_of(const struct sim *sim, const struct sim_entry *entry)
{
    const struct shard_state *state = book_state(sim->book);
    return entry->operation == OPERATION_CASH_OUT ? shard_state_cash_outs_count(state)
                                                  : shard_state_bets_count(state);
}

static void keep_pending(struct sim *sim, uint32_t entry, uint32_t rows_before)
{
    uint32_t count = rows_of(sim, &sim->entries[entry]);
    if (sim->entries[entry].operation == OPERATION_CASH_OUT) {
        if (count > rows_before)
            sim_sale_waits(sim, entry, count - 1);
        return;
    }
    if (count == rows_before ||
        !sim_bet_waits(shard_state_bet(book_state(sim->book), count - 1)->state))
        return;
    ASSERT(sim->pending_count < sim->pending_max);
    sim->pending[sim->pending_count++] = (struct sim_pending){count - 1, entry};
}

static enum request_outcome call(struct sim *sim, const struct sim_entry *entry, bool other,
                                 struct book_cookie cookie)
{
    if (entry->operation == OPERATION_BET)
        return sim_ticket_ask(sim, entry, other, on_answer, cookie);
    if (entry->operation == OPERATION_CASH_OUT)
        return sim_sale_ask(sim, entry, other, on_answer, cookie);
    return ask_money(sim, entry, other, cookie);
}

void sim_see(struct sim *sim, const struct sim_entry *entry)
{
    if (entry->operation == OPERATION_CASH_OUT)
        sim_sale_see(sim, entry);
    else
        sim_ticket_see(sim, entry);
}

/* Nobody sells what is another's. */
static bool is_unknown(struct sim *sim, const struct sim_entry *entry, enum request_outcome outcome)
{
    bool others = entry->operation == OPERATION_CASH_OUT && !sim_sale_is_own(sim, entry);
    SIM_CHECK((outcome == REQUEST_UNKNOWN) == others, "L7", "%s bet is sold: %d",
              others ? "another's" : "the own", outcome);
    if (others)
        sim_count(sim, SIM_SALE_NOT_OWN);
    return others;
}

/* One call, and everything that its direct outcome promises. */
enum request_outcome sim_ask(struct sim *sim, uint32_t index, bool other)
{
    struct sim_entry *entry = &sim->entries[index];
    bool decided = entry->seq != 0 || entry->decided_in == sim->incarnation;
    uint64_t flags = (uint64_t)decided | (uint64_t)other << 1;
    struct book_cookie cookie = {sim, {index, sim->incarnation, flags, entry->seq_final}};
    uint64_t looking = book_stats(sim->book)->old_keys_waiting;
    uint32_t rows_before = rows_of(sim, entry);
    if (!decided)
        sim_see(sim, entry);
    entry->waiting++;
    sim->waiting++;
    enum request_outcome outcome = call(sim, entry, other, cookie);
    if (outcome != REQUEST_TAKEN) {
        entry->waiting--;
        sim->waiting--;
    }
    if (is_unknown(sim, entry, outcome))
        return outcome;
    if (outcome == REQUEST_TAKEN && book_stats(sim->book)->old_keys_waiting > looking) {
        sim_verdicts_look(sim, index);
        return outcome;
    }
    bool unknown = sim->verdicts.store != NULL && /* an old key cannot be looked up now */
                   (outcome == REQUEST_STOPPED || outcome == REQUEST_BUSY);
    SIM_CHECK((outcome == REQUEST_CONFLICT) == (decided && other) || (decided && unknown), "L3",
              "a key with %s body is answered %d", other ? "another" : "the same", outcome);
    if (outcome == REQUEST_STOPPED) {
        SIM_CHECK(book_stopped(sim->book), "S1", "stopped, but it goes on");
        sim_count(sim, SIM_STOPPED);
    } else if (outcome == REQUEST_STALLED) {
        SIM_CHECK(!decided, "L3", "a stored verdict is withheld for a slow disk");
        SIM_CHECK(!book_takes_bets(sim->book), "S1", "stalled, but it goes on");
        sim_count(sim, SIM_STALLED);
    } else if (outcome == REQUEST_FULL) {
        SIM_CHECK(!decided, "L3", "a stored verdict is withheld for want of space");
        SIM_CHECK(!book_takes_bets(sim->book), "S1", "full, but it goes on");
        sim_count(sim, SIM_FULL);
    } else if (outcome == REQUEST_BUSY) {
        check_limit_name(sim, decided);
    } else if (outcome == REQUEST_TAKEN && !decided) {
        entry->decided_in = sim->incarnation;
        entry->decided_us = sim->now_us;
        keep_pending(sim, index, rows_before);
    }
    return outcome;
}

/* ---- what is asked for ---- */

uint32_t sim_entry_new(struct sim *sim, enum operation operation, uint32_t user)
{
    ASSERT(sim->entries_count < sim->entries_max);
    uint32_t index = sim->entries_count++;
    struct sim_entry *entry = &sim->entries[index];
    uint32_t number = sim->numbers[operation]++;
    uint64_t low = prng_next(&sim->prng), high = prng_next(&sim->prng);
    sim->by_number[operation][number] = index;
    *entry = (struct sim_entry){.operation = (uint8_t)operation,
                                .user = (uint16_t)user,
                                .number = number,
                                .currency = currency_of(user),
                                .hash = {low, high},
                                .bet = SIM_NONE};
    /* Two users share each key; one user never does. */
    uint32_t twin = number % 2 == 0 ? SIM_NONE : sim->by_number[operation][number - 1];
    if (twin != SIM_NONE && sim->entries[twin].user == user)
        entry->user = (uint16_t)((user + 5) % sim->mix.users);
    if (twin != SIM_NONE && sim->entries[twin].user == entry->user)
        entry->user = (uint16_t)((entry->user + 1) % sim->mix.users);
    entry->currency = currency_of(entry->user);
    return index;
}

/* As the oracle knows it; NULL: nobody's. */
static const struct sim_account *account_of(const struct sim *sim, const struct sim_entry *entry)
{
    for (uint32_t i = 1; i <= sim->oracle.accounts_count; i++)
        if (sim->oracle.accounts[i].user == entry->user)
            return &sim->oracle.accounts[i];
    return NULL;
}

/* All that there is of what the movement takes, for a later correction to find nothing. */
static void take_all(struct sim *sim, struct sim_entry *entry)
{
    const struct sim_account *account = account_of(sim, entry);
    if (account == NULL || !sim_chance(sim, sim->mix.spenders))
        return;
    int64_t all = entry->money_kind == MONEY_FORFEIT_FREE ? account->free
                  : entry->money_kind == MONEY_WITHDRAWAL ? account->available
                                                          : account->bonus;
    if (all > 0)
        entry->amount = all;
}

/* Who owes something, if anybody does. */
static uint32_t some_debtor(struct sim *sim)
{
    const struct sim_oracle *o = &sim->oracle;
    uint32_t count = o->accounts_count, first = (uint32_t)sim_below(sim, (uint64_t)count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const struct sim_account *a = &o->accounts[1 + (first + i) % count];
        if (a->available < 0)
            return a->user;
    }
    return (uint32_t)sim_below(sim, sim->mix.users);
}

/* The desk lets go of a part of what is owed, or all of it, or of more. */
static uint32_t new_write_off(struct sim *sim)
{
    uint32_t index = sim_entry_new(sim, OPERATION_PROMOTION, some_debtor(sim));
    struct sim_entry *entry = &sim->entries[index];
    const struct sim_account *account = account_of(sim, entry);
    int64_t owed = account == NULL ? 0 : -account->available;
    entry->money_kind = MONEY_WRITE_OFF;
    entry->amount = owed > 0 && sim_chance(sim, 500) ? 1 + (int64_t)sim_below(sim, (uint64_t)owed)
                                                     : owed + sim_chance(sim, 300);
    if (entry->amount < 1)
        entry->amount = 1;
    return index;
}

/* The desk grants, and takes back, what the customer may stake and not withdraw. */
static uint32_t new_promotion(struct sim *sim)
{
    static const uint8_t kinds[] = {MONEY_GRANT_FREE,    MONEY_GRANT_FREE,    MONEY_GRANT_BONUS,
                                    MONEY_GRANT_BONUS,   MONEY_FORFEIT_FREE,  MONEY_FORFEIT_BONUS,
                                    MONEY_BONUS_TO_CASH, MONEY_BONUS_TO_CASH, MONEY_GRANT_FREE};
    uint32_t index =
        sim_entry_new(sim, OPERATION_PROMOTION, (uint32_t)sim_below(sim, sim->mix.users));
    struct sim_entry *entry = &sim->entries[index];
    entry->money_kind = kinds[sim_below(sim, sizeof kinds)];
    if (sim->mix.spenders > 0 && sim_chance(sim, 500))
        entry->money_kind = sim_chance(sim, 400) ? MONEY_FORFEIT_FREE : MONEY_FORFEIT_BONUS;
    entry->amount = 1 + (int64_t)sim_below(sim, sim_chance(sim, 300) ? 100 : 4000);
    if (sim_chance(sim, 20))
        entry->amount = sim->mix.book.deposit_minor_max + 1;
    if (entry->money_kind >= MONEY_FORFEIT_FREE)
        take_all(sim, entry);
    return index;
}

static uint32_t new_movement(struct sim *sim)
{
    if (sim_chance(sim, 60))
        return new_write_off(sim);
    if (sim_chance(sim, sim->mix.spenders > 0 ? 500 : sim->mix.promotions))
        return new_promotion(sim);
    bool out = sim_chance(sim, sim->mix.spenders > 0 ? 600 : 250);
    uint32_t index = sim_entry_new(sim, out ? OPERATION_WITHDRAWAL : OPERATION_DEPOSIT,
                                   (uint32_t)sim_below(sim, sim->mix.users));
    struct sim_entry *entry = &sim->entries[index];
    entry->money_kind = out ? MONEY_WITHDRAWAL : MONEY_DEPOSIT;
    entry->amount = 1 + (int64_t)sim_below(sim, out ? 4000 : 40000);
    if (!out && sim_chance(sim, 30))
        entry->amount = sim->mix.book.deposit_minor_max + 1;
    if (out)
        take_all(sim, entry);
    if (sim_chance(sim, 10))
        entry->currency = entry->currency == 826 ? 978 : 826;
    return index;
}

static void retry(struct sim *sim)
{
    uint32_t back = sim_chance(sim, 700) && sim->entries_count > 200 ? 200 : sim->entries_count;
    uint32_t index = sim->entries_count - 1 - (uint32_t)sim_below(sim, back);
    const struct sim_entry *entry = &sim->entries[index];
    bool decided = entry->seq != 0 || entry->decided_in == sim->incarnation;
    bool other = decided && sim_chance(sim, sim->mix.other_body);
    sim_count(sim, other                ? SIM_OTHER_BODY
                   : entry->waiting > 0 ? SIM_RETRY_BEFORE
                                        : SIM_RETRY_AFTER);
    (void)sim_ask(sim, index, other);
}

/* A crowd in front of a disk that does not answer: the limits of the commit are met (S2). */
static void burst(struct sim *sim)
{
    enum request_outcome outcome = REQUEST_TAKEN;
    sim->burst_done = true;
    for (int i = 0; i < 17000 && outcome == REQUEST_TAKEN; i++)
        outcome = sim_ask(sim, sim_ticket_new(sim), false);
    uint32_t last = sim->entries_count - 1;
    while (last > 0 && sim->entries[last].decided_in != sim->incarnation)
        last--;
    while (sim_ask(sim, last, false) == REQUEST_TAKEN)
        ;
    for (uint32_t i = 0; i < sim->entries_count; i++) /* and old verdicts, read from the log */
        if (sim->entries[i].seq != 0 && sim_ask(sim, i, false) == REQUEST_BUSY)
            return;
}

void sim_clients_step(struct sim *sim)
{
    bool stalled = sim->log.append != NULL && sim->log.append_due_us > sim->now_us + 1000000;
    uint64_t calls = sim_below(sim, sim->mix.bets_per_tick_max + 1);
    if (stalled && sim->mix.burst && !sim->burst_done && !book_stopped(sim->book))
        burst(sim);
    for (uint64_t i = 0; i < calls; i++) {
        if (sim->entries_count > 0 && sim_chance(sim, sim->mix.retry)) {
            retry(sim);
            continue;
        }
        if (sim_chance(sim, sim->mix.cash_outs)) {
            sim_sale_step(sim);
            continue;
        }
        bool movement = sim_chance(sim, sim->entries_count < 4 * sim->mix.users ? 500
                                        : sim->mix.spenders > 0                 ? 120
                                                                                : 40);
        uint32_t index = movement ? new_movement(sim) : sim_ticket_new(sim);
        enum request_outcome outcome = sim_ask(sim, index, false);
        /* The customer's line breaks: the answer reaches nobody, and the key comes again. */
        if (outcome == REQUEST_TAKEN && sim_chance(sim, sim->mix.disconnect)) {
            sim_count(sim, SIM_DISCONNECT);
            sim_count(sim, SIM_RETRY_BEFORE);
            (void)sim_ask(sim, index, false);
        }
    }
    if (sim_chance(sim, 10))
        sim_history_step(sim);
    if (sim_chance(sim, 50))
        ask_durable(sim);
}

/* ---- between turns ---- */

void sim_clients_before_end(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->pending_count; i++) {
        const struct sim_entry *entry = &sim->entries[sim->pending[i].entry];
        for (uint32_t k = 0; k < entry->legs_count; k++) {
            struct sim_leg *leg = &sim->legs[entry->legs_first + k];
            leg->release_view = sim_leg_view(sim, leg);
        }
    }
    sim_sale_before_end(sim);
    for (uint32_t i = 0; i < sim->verdicts.looking_count; i++)
        sim_see(sim, &sim->entries[sim->verdicts.looking[i]]);
}

/* Those whose delay ended in this turn were decided, by what was published before it ended. */
void sim_clients_end_turn(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sim->pending_count; i++) {
        struct sim_pending p = sim->pending[i];
        struct sim_entry *entry = &sim->entries[p.entry];
        if (sim_bet_waits(shard_state_bet(state, p.bet)->state)) {
            sim->pending[kept++] = p;
            sim_check_waiting(sim, entry);
            continue;
        }
        entry->released = true;
        entry->released_in = sim->incarnation;
        entry->released_us = sim->now_us;
    }
    sim->pending_count = kept;
    sim_sale_end_turn(sim);
}

void sim_clients_restart(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->entries_count && sim->waiting > 0; i++)
        sim->entries[i].waiting = 0;
    sim->waiting = 0;
    sim->pending_count = sim->selling_count = 0;
}

void sim_clients_restored(struct sim *sim)
{
    const struct shard_state *state = book_state(sim->book);
    for (uint32_t i = 0; i < shard_state_bets_count(state); i++) {
        uint32_t bet;
        if (!sim_bet_waits(shard_state_bet(state, i)->state))
            continue;
        bool found = table_find(sim->oracle.bets_by_id,
                                table_key_u64(shard_state_bet(state, i)->bet_id), &bet);
        SIM_CHECK(found, "L2", "a pending bet that no record made");
        ASSERT(sim->pending_count < sim->pending_max);
        sim->pending[sim->pending_count++] = (struct sim_pending){i, sim->oracle.bets[bet].entry};
        sim_wait_on(sim, &sim->oracle.bets[bet]);
    }
    sim_check_referrals(sim, state);
    sim_sale_restored(sim);
}
