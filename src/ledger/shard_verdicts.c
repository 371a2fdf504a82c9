/* shard_verdicts.c - contract in shard_verdicts.h. A ring whose slots are the table's values: a
 * verdict stays where it is for as long as it is in memory. */
#include "ledger/shard_verdicts.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "crypto/sha256.h"
#include "ledger/shard_state_internal.h"

#define BLOCK        SHARD_VERDICTS_BLOCK
#define FORGET_AHEAD 8 /* whose slots in the table are on their way */

/* ---- keys ---- */

const uint64_t *shard_state_hash_key(const struct shard_state *state)
{
    return state->hash_key;
}

struct hash128 shard_verdict_key(const uint64_t hash_key[2], struct account_ref account,
                                 enum operation operation, struct slice key)
{
    char bytes[8 + IDEMPOTENCY_KEY_BYTES_MAX] = {0};
    uint32_t op = (uint32_t)operation;
    ASSERT(key.bytes <= IDEMPOTENCY_KEY_BYTES_MAX);
    memcpy(bytes, &account.n, 4);
    memcpy(bytes + 4, &op, 4);
    if (key.bytes > 0)
        memcpy(bytes + 8, key.at, key.bytes);
    return siphash128(hash_key, bytes, 8 + key.bytes);
}

/* False: no verdict. The key may be longer than any of ours. */
static bool request_of(const struct record_view *record, enum operation *ret_operation,
                       struct slice *ret_key)
{
    *ret_key = record->texts;
    if (record->head->type == RECORD_BET) {
        *ret_operation = OPERATION_BET;
        ret_key->bytes = ((const struct record_bet *)record->body)->key_bytes;
        return true;
    }
    if (record->head->type == RECORD_CASH_OUT) { /* what decides one has no key of its own */
        *ret_operation = OPERATION_CASH_OUT;
        ret_key->bytes = ((const struct record_cash_out *)record->body)->key_bytes;
        return ((const struct record_cash_out *)record->body)->asked_seq == 0;
    }
    if (record->head->type != RECORD_MONEY)
        return false;
    const struct record_money *money = record->body;
    *ret_operation = operation_of_money(money->kind);
    ret_key->bytes = money->key_bytes;
    return true;
}

bool shard_verdict_key_of_record(const uint64_t hash_key[2], const struct record_view *record,
                                 struct hash128 *ret_key)
{
    enum operation operation = OPERATION_BET;
    struct slice key;
    if (!request_of(record, &operation, &key) || key.bytes > IDEMPOTENCY_KEY_BYTES_MAX)
        return false;
    *ret_key =
        shard_verdict_key(hash_key, (struct account_ref){record->head->account}, operation, key);
    return true;
}

bool shard_verdict_is_of(const struct record_view *record, struct account_ref account,
                         enum operation operation, struct slice key)
{
    enum operation decided = OPERATION_BET;
    struct slice text;
    return request_of(record, &decided, &text) && decided == operation &&
           record->head->account == account.n && slice_equal(text, key);
}

/* ---- memory ---- */

/* Whole blocks, so that a block is never torn by the ring's end. */
static uint32_t slots_of(const struct shard_limits *limits)
{
    return (limits->verdicts_max + BLOCK - 1) / BLOCK * BLOCK;
}

int shard_verdicts_new(struct shard_state *state)
{
    struct verdict_ring *ring = &state->verdicts;
    ring->slots = slots_of(&state->limits);
    ring->at = reserve_new(ring->slots, sizeof *ring->at);
    ring->links = reserve_new(ring->slots / BLOCK, sizeof *ring->links);
    if (ring->at == NULL || ring->links == NULL)
        return -ERR_MEMORY;
    TRY(table_new(ring->slots, &ring->by_key));
    return sha256_new(&ring->sha);
}

void shard_verdicts_done(struct shard_state *state)
{
    struct verdict_ring *ring = &state->verdicts;
    reserve_free(ring->at, ring->slots, sizeof *ring->at);
    reserve_free(ring->links, ring->slots / BLOCK, sizeof *ring->links);
    table_free(ring->by_key);
    sha256_free(ring->sha);
}

static struct shard_verdict *verdict_at(const struct verdict_ring *ring, uint64_t number)
{
    return &ring->at[number % ring->slots];
}

/* ---- finding ---- */

const struct shard_verdict *shard_state_verdict(const struct shard_state *state, struct hash128 key)
{
    const struct verdict_ring *ring = &state->verdicts;
    uint32_t place;
    return table_find(ring->by_key, key, &place) ? &ring->at[place] : NULL;
}

uint64_t shard_state_verdict_seq(const struct shard_state *state,
                                 const struct shard_verdict *verdict)
{
    if (verdict->bet != BET_NONE)
        return state->bets[verdict->bet].seq_verdict;
    uint32_t row = shard_state_find_cash_out(state, verdict->seq);
    return row == CASH_OUT_NONE ? verdict->seq : state->cash_outs[row].seq_verdict;
}

void shard_verdict_prefetch(const struct shard_state *state, struct hash128 key)
{
    table_prefetch(state->verdicts.by_key, key);
}

bool shard_verdict_known(const struct shard_state *state, struct hash128 key)
{
    uint32_t place;
    return table_find(state->verdicts.by_key, key, &place);
}

uint32_t shard_state_verdicts_count(const struct shard_state *state)
{
    return (uint32_t)(state->verdicts.total - state->verdicts.first);
}

uint64_t shard_state_verdicts_total(const struct shard_state *state)
{
    return state->verdicts.total;
}

uint64_t shard_state_verdicts_floor(const struct shard_state *state)
{
    return state->verdicts.floor;
}

uint64_t shard_state_verdicts_seq(const struct shard_state *state, uint32_t n)
{
    ASSERT(n < shard_state_verdicts_count(state));
    return verdict_at(&state->verdicts, state->verdicts.first + n)->seq;
}

bool shard_verdicts_full(const struct shard_state *state)
{
    return shard_state_verdicts_count(state) >= state->limits.verdicts_max;
}

/* ---- adding, and the chain ---- */

/* L5: the block that ends here joins the chain. */
static void chain_block(struct verdict_ring *ring)
{
    sha256_begin(ring->sha);
    sha256_add(ring->sha, slice_of(ring->link.hash, sizeof ring->link.hash));
    sha256_add(ring->sha,
               slice_of(verdict_at(ring, ring->total - BLOCK), BLOCK * sizeof *ring->at));
    sha256_end(ring->sha, ring->link.hash);
}

void shard_verdict_add(struct shard_state *state, const struct shard_verdict *verdict)
{
    struct verdict_ring *ring = &state->verdicts;
    uint32_t place = (uint32_t)(ring->total % ring->slots);
    ASSERT(!shard_verdicts_full(state));
    if (ring->total % BLOCK == 0)
        ring->links[place / BLOCK] = ring->link;
    enum table_outcome outcome = table_insert(ring->by_key, verdict->key, place);
    ASSERT(outcome == TABLE_OK); /* L3: it was new; as large as the ring */
    ring->at[place] = *verdict;
    ring->total++;
    if (ring->total % BLOCK == 0)
        chain_block(ring);
}

struct verdict_link shard_verdicts_link(const struct shard_state *state)
{
    const struct verdict_ring *ring = &state->verdicts;
    return ring->first == ring->total ? ring->link : ring->links[ring->first % ring->slots / BLOCK];
}

struct shard_verdicts_chain shard_state_verdicts_chain(const struct shard_state *state)
{
    struct shard_verdicts_chain chain = {.total = state->verdicts.total};
    memcpy(chain.hash, state->verdicts.link.hash, sizeof chain.hash);
    return chain;
}

void shard_verdicts_hash(const struct shard_state *state, struct sha256 *sha)
{
    const struct verdict_ring *ring = &state->verdicts;
    uint64_t begun = ring->total % BLOCK; /* never forgotten: less than a block */
    sha256_add(sha, slice_of(&ring->total, sizeof ring->total));
    sha256_add(sha, slice_of(ring->link.hash, sizeof ring->link.hash));
    if (begun > 0)
        sha256_add(sha, slice_of(verdict_at(ring, ring->total - begun), begun * sizeof *ring->at));
}

/* ---- forgetting ---- */

static void forget_block(struct verdict_ring *ring)
{
    for (uint64_t i = 0; i < FORGET_AHEAD; i++)
        table_prefetch(ring->by_key, verdict_at(ring, ring->first + i)->key);
    for (uint64_t i = 0; i < BLOCK; i++) {
        if (i + FORGET_AHEAD < BLOCK)
            table_prefetch(ring->by_key, verdict_at(ring, ring->first + i + FORGET_AHEAD)->key);
        bool there = table_remove(ring->by_key, verdict_at(ring, ring->first + i)->key);
        ASSERT(there);
    }
    ring->floor = verdict_at(ring, ring->first + BLOCK - 1)->seq;
    ring->first += BLOCK;
}

uint32_t shard_state_forget_verdicts(struct shard_state *state, uint64_t seq, uint32_t count_max)
{
    struct verdict_ring *ring = &state->verdicts;
    uint32_t forgotten = 0;
    while (ring->total - ring->first >= BLOCK && count_max - forgotten >= BLOCK &&
           verdict_at(ring, ring->first + BLOCK - 1)->seq <= seq) {
        forget_block(ring);
        forgotten += BLOCK;
    }
    return forgotten;
}
