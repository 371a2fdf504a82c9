/* old_keys.c - requests whose key may be an old one: they wait, off the loop, until it is known
 * which record has it, and are then decided or answered with that record (L3).
 *
 * Two rules keep one key at one verdict. What the store says of a key holds for records up to
 * `covered`; what is behind must be in memory still, so the memory is asked again when the answer
 * comes, and the store once more when the memory has forgotten more meanwhile. And an answer is
 * taken from the record itself, never from the store: a hash alone answers nobody.
 *
 * Callbacks only note what came; decisions are made at the end of a turn, where time and prices are
 * the turn's. Requests that wait are decided in the order in which their keys became known. */
#include "app/cash_out_internal.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"

#define READS_MAX 64 /* of LEDGER_READS_MAX */

/* Where a request's texts are kept. */
struct texts {
    char user_id[USER_ID_BYTES_MAX];
    char key[IDEMPOTENCY_KEY_BYTES_MAX];
    char personal[PERSONAL_PLAIN_BYTES_MAX];
    char actor[USER_ID_BYTES_MAX];
    char reason[REASON_BYTES_MAX];
    char offer[CASH_OUT_OFFER_BYTES];
};

/* And its legs. */
struct kept_legs {
    struct ticket_leg legs[BET_LEGS_MAX];
    struct leg_names names[BET_LEGS_MAX];
    struct {
        char market_id[MARKET_ID_BYTES_MAX];
        char selection_id[SELECTION_ID_BYTES_MAX];
    } texts[BET_LEGS_MAX];
};

struct old_key {
    struct book *book;
    struct old_key *next; /* of those that are free, or known */
    struct verdict_ask ask;
    struct ledger_read read;
    struct asked_key key; /* its text is ours */
    struct book_reply reply;
    union {
        struct bet_request bet;
        struct money_request money;
        struct cash_out_request cash_out;
    } request;
    struct texts texts;
    struct kept_legs legs;
    int error; /* when known: 0 and the record; -ERR_NOT_FOUND: new; else it cannot be known */
    struct record_view record;
    char memory[RECORD_BET_BYTES_MAX] __attribute__((aligned(8)));
};

int book_old_keys_new(struct book *book)
{
    if (book->ports.verdicts == NULL)
        return 0;
    book->old_keys = calloc(VERDICT_ASKS_MAX, sizeof *book->old_keys);
    if (book->old_keys == NULL)
        return -ERR_MEMORY;
    for (uint32_t i = VERDICT_ASKS_MAX; i-- > 0;) {
        book->old_keys[i].book = book;
        book->old_keys[i].next = book->old_free;
        book->old_free = &book->old_keys[i];
    }
    return 0;
}

void book_old_keys_free(struct book *book)
{
    free(book->old_keys);
}

/* ---- looking up ---- */

struct asked_key book_asked_key(const struct book *book, struct account_ref account,
                                enum operation operation, struct slice key)
{
    struct asked_key asked = {.account = account, .operation = operation, .key = key};
    if (account.n != 0) /* else nobody has used a key */
        asked.hash = shard_verdict_key(shard_state_hash_key(book->state), account, operation, key);
    return asked;
}

enum key_state book_look_up(const struct book *book, const struct asked_key *key,
                            const struct shard_verdict **ret_verdict)
{
    const struct verdict_store *store = book->ports.verdicts;
    bool forgot = shard_state_verdicts_floor(book->state) > 0;
    if (key->account.n == 0)
        return KEY_NEW;
    if (forgot && store != NULL)
        store->ops->prefetch(store, key->hash);
    *ret_verdict = shard_state_verdict(book->state, key->hash);
    if (*ret_verdict != NULL)
        return KEY_DECIDED;
    if (!forgot)
        return KEY_NEW;
    ASSERT(store != NULL); /* L3: who forgets has a store: book_start */
    return store->ops->may_have(store, key->hash) ? KEY_MAYBE_OLD : KEY_NEW;
}

/* ---- waiting ---- */

static void let_go(struct old_key *old)
{
    struct book *book = old->book;
    old->next = book->old_free;
    book->old_free = old;
    book->old_waiting--;
}

static void append(struct old_key *old, struct old_key **first, struct old_key **last)
{
    old->next = NULL;
    if (*last == NULL)
        *first = old;
    else
        (*last)->next = old;
    *last = old;
}

/* It is known: its turn comes at the end of the turn. */
static void known(struct old_key *old, int error)
{
    old->error = error;
    append(old, &old->book->old_known, &old->book->old_known_last);
}

static void read_next(struct book *book);

/* Is it the answer to the key that was asked for? A store that names another record is wrong, and
 * nothing it says may be believed. */
static int check_record(const struct old_key *old)
{
    struct hash128 key;
    const uint64_t *hash_key = shard_state_hash_key(old->book->state);
    if (!shard_verdict_key_of_record(hash_key, &old->record, &key) ||
        memcmp(&key, &old->key.hash, sizeof key) != 0)
        return -ERR_CORRUPT;
    return 0;
}

static void on_read(struct ledger_read *read, int error, size_t bytes)
{
    struct old_key *old = read->owner;
    old->book->old_reading--;
    if (error == 0 && record_view_of(read->memory, bytes, &old->record) < 0)
        error = -ERR_CORRUPT;
    if (error == 0)
        error = check_record(old);
    known(old, error == -ERR_NOT_FOUND ? -ERR_CORRUPT : error); /* it is no new key, then */
    read_next(old->book);
}

static void read_record(struct old_key *old)
{
    struct ledger_log *log = old->book->ports.log;
    old->read = (struct ledger_read){
        .shard = shard_state_shard(old->book->state),
        .seq_first = old->ask.seq,
        .count = 1,
        .memory = old->memory,
        .capacity = sizeof old->memory,
        .on_done = on_read,
        .owner = old,
    };
    if (log->ops->read(log, &old->read) < 0)
        known(old, -ERR_BUSY);
    else
        old->book->old_reading++;
}

/* A few at a time, so that other reads of the log have their places. */
static void read_next(struct book *book)
{
    while (book->old_unread != NULL && book->old_reading < READS_MAX) {
        struct old_key *old = book->old_unread;
        book->old_unread = old->next;
        if (book->old_unread == NULL)
            book->old_unread_last = NULL;
        read_record(old);
    }
}

static void on_asked(struct verdict_ask *ask, int error)
{
    struct old_key *old = ask->owner;
    if (error < 0) {
        known(old, error);
        return;
    }
    append(old, &old->book->old_unread, &old->book->old_unread_last);
    read_next(old->book);
}

static int ask(struct old_key *old)
{
    struct verdict_store *store = old->book->ports.verdicts;
    old->ask = (struct verdict_ask){.key = old->key.hash, .on_done = on_asked, .owner = old};
    return store->ops->ask(store, &old->ask);
}

static struct slice keep_text(char *to, size_t capacity, struct slice text)
{
    ASSERT(text.bytes <= capacity);
    if (text.bytes > 0)
        memcpy(to, text.at, text.bytes);
    return slice_of(to, text.bytes);
}

/* A slot with the key and the reply in it; NULL: as many wait as may. */
static struct old_key *take(struct book *book, const struct asked_key *key,
                            const struct book_reply *reply)
{
    struct old_key *old = book->old_free;
    if (old == NULL)
        return NULL;
    old->key = *key;
    old->reply = *reply;
    old->key.key = keep_text(old->texts.key, sizeof old->texts.key, key->key);
    if (ask(old) < 0)
        return NULL;
    book->old_free = old->next;
    book->old_waiting++;
    return old;
}

static enum request_outcome full(struct book *book)
{
    book->stats.old_keys_reached++;
    return book_busy(book, "verdict_lookups_max");
}

/* The request's legs point to what is kept from now on. */
static void keep_legs(struct kept_legs *kept, struct bet_request *request)
{
    for (uint32_t i = 0; i < request->ticket.legs_count; i++) {
        const struct leg_names *names = &request->names[i];
        kept->legs[i] = request->ticket.legs[i];
        kept->names[i].market_id =
            keep_text(kept->texts[i].market_id, MARKET_ID_BYTES_MAX, names->market_id);
        kept->names[i].selection_id =
            keep_text(kept->texts[i].selection_id, SELECTION_ID_BYTES_MAX, names->selection_id);
    }
    request->ticket.legs = kept->legs;
    request->names = kept->names;
}

enum request_outcome book_bet_waits(struct book *book, const struct bet_request *request,
                                    const struct asked_key *key, const struct book_reply *reply)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    struct old_key *old = take(book, key, reply);
    if (old == NULL)
        return full(book);
    struct bet_request *kept = &old->request.bet;
    struct texts *texts = &old->texts;
    *kept = *request;
    kept->key = old->key.key;
    kept->user_id = keep_text(texts->user_id, sizeof texts->user_id, request->user_id);
    keep_legs(&old->legs, kept);
    kept->personal = keep_text(texts->personal, sizeof texts->personal, request->personal);
    return REQUEST_TAKEN;
}

enum request_outcome book_money_waits(struct book *book, const struct money_request *request,
                                      const struct asked_key *key, const struct book_reply *reply)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    struct old_key *old = take(book, key, reply);
    if (old == NULL)
        return full(book);
    struct money_request *kept = &old->request.money;
    *kept = *request;
    kept->key = old->key.key;
    kept->user_id = keep_text(old->texts.user_id, sizeof old->texts.user_id, request->user_id);
    kept->actor = keep_text(old->texts.actor, sizeof old->texts.actor, request->actor);
    kept->reason = keep_text(old->texts.reason, sizeof old->texts.reason, request->reason);
    return REQUEST_TAKEN;
}

enum request_outcome book_cash_out_waits(struct book *book, const struct cash_out_request *request,
                                         const struct asked_key *key,
                                         const struct book_reply *reply)
{
    if (commit_stopped(book->commit))
        return REQUEST_STOPPED;
    struct old_key *old = take(book, key, reply);
    if (old == NULL)
        return full(book);
    struct cash_out_request *kept = &old->request.cash_out;
    *kept = *request;
    kept->key = old->key.key;
    kept->user_id = keep_text(old->texts.user_id, sizeof old->texts.user_id, request->user_id);
    kept->offer = keep_text(old->texts.offer, sizeof old->texts.offer, request->offer);
    return REQUEST_TAKEN;
}

/* ---- deciding ---- */

static const uint64_t *request_hash(const struct old_key *old)
{
    switch (old->key.operation) {
    case OPERATION_BET:
        return old->request.bet.request_hash;
    case OPERATION_CASH_OUT:
        return old->request.cash_out.request_hash;
    case OPERATION_DEPOSIT:
    case OPERATION_WITHDRAWAL:
    case OPERATION_PROMOTION:
        break;
    }
    return old->request.money.request_hash;
}

static uint64_t cash_out_answer(const struct shard_state *state, uint64_t asked_seq)
{
    uint32_t row = shard_state_find_cash_out(state, asked_seq);
    return row == CASH_OUT_NONE ? asked_seq : shard_state_cash_out(state, row)->seq_verdict;
}

/* The record that answers the key now: the bet's, if it was one that was taken; what decided a
 * cash-out, if it had to wait. */
static uint64_t answer_seq(const struct old_key *old, const uint64_t **ret_hash)
{
    const struct shard_state *state = old->book->state;
    if (old->record.head->type == RECORD_MONEY) {
        *ret_hash = ((const struct record_money *)old->record.body)->request_hash;
        return old->record.head->seq;
    }
    if (old->record.head->type == RECORD_CASH_OUT) {
        *ret_hash = ((const struct record_cash_out *)old->record.body)->request_hash;
        return cash_out_answer(state, old->record.head->seq);
    }
    const struct record_bet *bet = old->record.body;
    *ret_hash = bet->request_hash;
    uint32_t index = shard_state_find_bet(state, (struct bet_id){bet->bet_id});
    return index == BET_NONE ? old->record.head->seq : shard_state_bet(state, index)->seq_verdict;
}

static void tell_record(const struct old_key *old)
{
    struct book_answer answer = {
        .cookie = old->reply.cookie, .replayed = true, .record = &old->record};
    old->book->stats.bets_replayed++;
    old->reply.answer(&answer);
}

/* Of a key that an old record has. */
static enum request_outcome replay_old(struct old_key *old)
{
    struct book *book = old->book;
    const uint64_t *decided = NULL;
    uint64_t seq = answer_seq(old, &decided);
    const struct shard_verdict verdict = {
        .request_hash = {decided[0], decided[1]}, .seq = seq, .bet = BET_NONE};
    /* Two keys of one hash: the fold could not tell them apart either (L3). */
    bool same =
        shard_verdict_is_of(&old->record, old->key.account, old->key.operation, old->key.key) &&
        decided[0] == request_hash(old)[0] && decided[1] == request_hash(old)[1];
    if (same && seq == old->record.head->seq && !commit_stopped(book->commit)) {
        tell_record(old);
        return REQUEST_TAKEN;
    }
    const uint64_t other[2] = {~decided[0], decided[1]};
    return book_replay_verdict(book, &verdict, same ? request_hash(old) : other, old->reply.answer,
                               old->reply.cookie);
}

static enum request_outcome place_again(struct old_key *old)
{
    if (old->key.operation == OPERATION_CASH_OUT)
        return book_cash_out_new(old->book, &old->request.cash_out, &old->reply);
    if (old->key.operation == OPERATION_BET)
        return book_place_new(old->book, &old->request.bet, old->key.account, &old->reply);
    return book_move_new(old->book, &old->request.money, old->key.account, &old->reply);
}

/* Of a key that no record up to `covered` has. */
static enum request_outcome decide_new(struct old_key *old)
{
    struct book *book = old->book;
    const struct shard_verdict *verdict = shard_state_verdict(book->state, old->key.hash);
    if (verdict != NULL) /* decided meanwhile */
        return book_replay_verdict(book, verdict, request_hash(old), old->reply.answer,
                                   old->reply.cookie);
    return place_again(old);
}

static void refuse(const struct old_key *old, enum request_outcome outcome)
{
    struct book_answer answer = {.cookie = old->reply.cookie, .untaken = outcome};
    old->reply.answer(&answer);
}

/* It cannot be known whether the key is new: 503, and never a decision. */
static void tell_unknown(const struct old_key *old)
{
    struct book_answer answer = {.cookie = old->reply.cookie, .failed = true};
    old->book->stats.old_keys_failed++;
    old->reply.answer(&answer);
}

static void finish(struct old_key *old)
{
    enum request_outcome outcome = REQUEST_TAKEN;
    if (old->error == 0)
        outcome = replay_old(old);
    else if (old->error == -ERR_NOT_FOUND)
        outcome = decide_new(old);
    else
        tell_unknown(old);
    if (outcome != REQUEST_TAKEN)
        refuse(old, outcome);
    let_go(old);
}

/* What is behind `covered` must be in memory still, or it has to be asked once more. */
static bool is_stale(const struct old_key *old)
{
    return old->error == -ERR_NOT_FOUND &&
           old->ask.covered < shard_state_verdicts_floor(old->book->state);
}

void book_old_keys_step(struct book *book)
{
    struct old_key *old = book->old_known;
    book->old_known = book->old_known_last = NULL;
    while (old != NULL) {
        struct old_key *next = old->next;
        if (is_stale(old)) {
            if (ask(old) < 0)
                known(old, old->error); /* at the end of the next turn */
        } else {
            finish(old);
        }
        old = next;
    }
}

bool book_old_keys_due(const struct book *book)
{
    return book->old_known != NULL;
}

/* ---- forgetting ---- */

#define FORGET_TURN_MAX 1024 /* verdicts; so many come in a turn at most, on average */

/* Between three and four quarters of the memory are used: the last is the store's time. */
void book_forget_verdicts(struct book *book)
{
    struct verdict_store *store = book->ports.verdicts;
    uint32_t max = book->options.limits.verdicts_max;
    uint32_t keep = max - max / 4;
    uint32_t count = shard_state_verdicts_count(book->state);
    if (store == NULL || count <= keep)
        return;
    uint64_t covered = store->ops->covered(store);
    if (book->verdicts_wanted <= covered) { /* and not a few at a time, again and again */
        uint32_t last = count - keep + max / 8;
        uint64_t seq = shard_state_verdicts_seq(book->state, last < count ? last : count - 1);
        uint64_t durable = commit_durable_seq(book->commit);
        book->verdicts_wanted = seq < durable ? seq : durable;
        store->ops->want(store, book->verdicts_wanted);
    }
    uint32_t more = count - keep < FORGET_TURN_MAX ? count - keep : FORGET_TURN_MAX;
    (void)shard_state_forget_verdicts(book->state, covered, more);
}
