/* audit.c - contract in audit.h. Prices are looked up in audit_prices.c. */
#include "app/audit.h"

#include <stdlib.h>

#include "app/audit_prices.h"
#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "ledger/shard_settlement.h"
#include "ledger/shard_verdicts.h"

/* The key of a request that a record decided. */
struct verdict_claim {
    struct hash128 key;
    uint64_t seq;
};

struct audit {
    const struct audit_source *source;
    size_t marks_next;
    uint64_t mark_wrong; /* the state after this record is not as its mark says; 0: none */
    struct audit_report *report;
    struct audit_prices prices;
    struct verdict_claim *keys; /* owns; one for each verdict */
    size_t keys_count, keys_max;
};

/* ---- what the ledger claims ---- */

static int check_mark(struct audit *audit, const struct shard_state *state)
{
    uint8_t hash[32];
    const struct audit_source *source = audit->source;
    if (audit->marks_next == source->marks_count ||
        source->marks[audit->marks_next].seq != shard_state_seq(state))
        return 0;
    const struct audit_mark *mark = &source->marks[audit->marks_next++];
    TRY(shard_state_hash(state, hash));
    if (memcmp(hash, mark->state_hash, sizeof hash) != 0) {
        audit->mark_wrong = mark->seq;
        return -ERR_CORRUPT;
    }
    audit->report->marks_checked++;
    return 0;
}

static void note_key(struct audit *audit, const struct record_view *record,
                     const struct shard_state *state)
{
    struct hash128 key;
    if (!shard_verdict_key_of_record(shard_state_hash_key(state), record, &key))
        return;
    ASSERT(audit->keys_count < audit->keys_max); /* as many as there are records */
    audit->keys[audit->keys_count++] = (struct verdict_claim){key, record->head->seq};
}

static int take_record(void *owner, const struct record_view *record,
                       const struct shard_state *state)
{
    struct audit *audit = owner;
    audit->report->records++;
    note_key(audit, record, state);
    TRY(check_mark(audit, state));
    return audit_prices_take(&audit->prices, record, state);
}

static int by_key(const void *a, const void *b)
{
    const struct verdict_claim *x = a, *y = b;
    if (x->key.high != y->key.high)
        return x->key.high < y->key.high ? -1 : 1;
    if (x->key.low != y->key.low)
        return x->key.low < y->key.low ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* L3 over the whole log: the fold has only seen the keys that were in its memory. */
static int check_keys(struct audit *audit)
{
    struct verdict_claim *keys = audit->keys;
    uint64_t seq = 0;
    if (keys != NULL)
        qsort(keys, audit->keys_count, sizeof *keys, by_key);
    for (size_t i = 1; i < audit->keys_count; i++)
        if (keys[i].key.high == keys[i - 1].key.high && keys[i].key.low == keys[i - 1].key.low &&
            (seq == 0 || keys[i].seq < seq))
            seq = keys[i].seq;
    audit->report->verdicts_checked = audit->keys_count;
    if (seq == 0)
        return 0;
    audit->report->reason = "L3: one key, one verdict";
    audit->report->seq = seq;
    return -ERR_CORRUPT;
}

/* ---- the frame ---- */

/* Does the bet not yet follow from the results in force? */
static bool is_unsettled(const struct shard_state *state, const struct shard_bet *bet)
{
    struct settlement settlement;
    if (bet->state != BET_STATE_OPEN && bet->state != BET_STATE_SETTLED)
        return false;
    shard_settlement_of(state, bet, &settlement);
    return bet->state == BET_STATE_OPEN ? settlement.decided
                                        : shard_settlement_differs(state, bet, &settlement);
}

static int check_state(struct shard_state *state, struct audit_report *report)
{
    int error = shard_state_check(state);
    report->reason = shard_state_reason(state);
    if (error < 0)
        return error;
    for (uint32_t i = 0; i < shard_state_bets_count(state); i++)
        report->bets_unsettled_with_result += is_unsettled(state, shard_state_bet(state, i));
    return shard_state_hash(state, report->state_hash);
}

static int audit_new(struct audit *audit)
{
    const struct audit_source *source = audit->source;
    audit->keys_max = (size_t)source->log->ops->tail(source->log, source->shard) + 1;
    audit->keys = reserve_new(audit->keys_max, sizeof *audit->keys);
    return audit->keys == NULL ? -ERR_MEMORY : 0;
}

/* The records, their sums, and the marks. */
static int audit_records(struct audit *audit, struct shard_state *state)
{
    struct audit_report *report = audit->report;
    struct refold_end end = {.reason = ""};
    const struct refold_source source = {.log = audit->source->log,
                                         .shard = audit->source->shard,
                                         .seq_last = REFOLD_ALL,
                                         .forget = true};
    TRY(audit_new(audit));
    int error = refold(&source, state, take_record, audit, &end);
    report->reason = end.reason;
    report->seq = end.seq;
    if (audit->mark_wrong != 0) {
        report->reason = "L5: a snapshot is not the state of its log";
        report->seq = audit->mark_wrong;
    }
    TRY(error);
    TRY(check_keys(audit));
    return check_state(state, report);
}

int audit_marked(const struct audit_source *source, struct shard_state *state,
                 struct audit_report *ret)
{
    struct audit audit = {.source = source, .report = ret};
    *ret = (struct audit_report){.reason = "out of memory"};
    int error = audit_records(&audit, state);
    if (error == 0 && source->odds_count > 0)
        error = audit_prices_check(&audit.prices, source->odds, source->odds_count, ret);
    audit_prices_done(&audit.prices);
    reserve_free(audit.keys, audit.keys_max, sizeof *audit.keys);
    return error;
}

int audit_shard(struct ledger_log *log, struct odds_log *odds, uint32_t shard,
                struct shard_state *state, struct audit_report *ret)
{
    const struct audit_source source = {
        .log = log, .odds = &odds, .odds_count = odds != NULL, .shard = shard};
    return audit_marked(&source, state, ret);
}
