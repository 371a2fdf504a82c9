/* audit.c - contract in audit.h.
 *
 * The odds log is checked in one pass: the legs of accepted bets are sorted by the position
 * they name, and the log is read in that order while the newest price of every selection that
 * was bet on is kept. A leg's price must be the newest one of its selection at its position. */
#include "app/audit.h"

#include <stdlib.h>

#include "app/refold.h"
#include "base/assert.h"
#include "base/error.h"
#include "base/reserve.h"
#include "base/table.h"
#include "ledger/shard_settlement.h"
#include "ledger/shard_verdicts.h"

#define CLAIMS_FIRST 1024

struct claim {
    uint64_t position;
    uint64_t version;
    uint64_t seq;
    struct hash128 selection; /* of market and selection ids */
    struct odds odds;
    enum claim_kind {
        CLAIM_BET,      /* the price is the one offered */
        CLAIM_RELEASE,  /* the price is kept, and was not better than the one offered */
        CLAIM_CASH_OUT, /* the price is the one offered, and the chances are the provider's */
        CLAIM_NAMED,    /* a trader's offer: there was a price, and this one is his affair */
    } kind;
    struct leg_chances chances; /* CLAIM_CASH_OUT; all 0: they follow from prices */
};

/* The key of a request that a record decided. */
struct verdict_claim {
    struct hash128 key;
    uint64_t seq;
};

struct known_price {
    struct odds odds;
    struct leg_chances chances;
    uint8_t status;
    bool offered; /* yet */
};

struct audit {
    const struct audit_source *source;
    size_t marks_next;
    uint64_t mark_wrong; /* the state after this record is not as its mark says; 0: none */
    struct audit_report *report;
    struct claim *claims; /* owns; in the order of the ledger, then sorted */
    size_t claims_count, claims_max;
    size_t next;                /* the first claim not yet reached by the odds log */
    struct verdict_claim *keys; /* owns; one for each verdict */
    size_t keys_count, keys_max;
    struct table *prices;      /* owns; every selection that was bet on -> index of known */
    struct known_price *known; /* owns */
};

static const uint64_t selection_key[2] = {0x6f646473206c6f67, 0x7072696365206964};

static struct hash128 selection_hash(struct slice market, struct slice selection)
{
    char text[MARKET_ID_BYTES_MAX + SELECTION_ID_BYTES_MAX + 1];
    struct buf buf = buf_over(text, sizeof text);
    buf_put_slice(&buf, market);
    buf_put_char(&buf, 0);
    buf_put_slice(&buf, selection);
    return siphash128(selection_key, text, buf.bytes);
}

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

static int more_claims_new(struct audit *audit)
{
    size_t max = audit->claims_max == 0 ? CLAIMS_FIRST : audit->claims_max * 2;
    struct claim *claims = realloc(audit->claims, max * sizeof *claims);
    if (claims == NULL)
        return -ERR_MEMORY;
    audit->claims = claims;
    audit->claims_max = max;
    return 0;
}

static int add_claim(struct audit *audit, const struct claim *claim)
{
    if (audit->claims_count == audit->claims_max)
        TRY(more_claims_new(audit));
    audit->claims[audit->claims_count++] = *claim;
    return 0;
}

static struct hash128 hash_of(const struct shard_state *state, uint32_t market, uint16_t number)
{
    struct market_ref ref = {market};
    const struct shard_selection *selection = shard_state_selection(state, ref, number);
    return selection_hash(shard_state_market_id(state, ref),
                          shard_state_text(state, selection->id));
}

static int claim_legs(struct audit *audit, const struct record_view *record,
                      const struct shard_state *state, enum claim_kind kind)
{
    const struct record_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        const struct claim claim = {
            .position = legs[i].odds_position,
            .version = legs[i].odds_version,
            .seq = record->head->seq,
            .selection = hash_of(state, legs[i].market, legs[i].selection),
            .odds = {legs[i].odds_numerator, legs[i].odds_denominator},
            .kind = (legs[i].flags & LEG_OFFERED) != 0 ? CLAIM_NAMED : kind,
        };
        TRY(add_claim(audit, &claim));
    }
    return 0;
}

/* What open legs of a bet that is bought back were valued by. */
static int claim_chances(struct audit *audit, const struct record_view *record,
                         const struct shard_state *state)
{
    const struct record_cash_out_leg *legs = record->items;
    for (size_t i = 0; i < record->head->items_count; i++) {
        if (legs[i].settled.win.known == 1)
            continue;
        struct claim claim = {
            .position = legs[i].odds_position,
            .version = legs[i].odds_version,
            .seq = record->head->seq,
            .selection = hash_of(state, legs[i].settled.market, legs[i].settled.selection),
            .odds = {legs[i].now_numerator, legs[i].now_denominator},
            .kind = CLAIM_CASH_OUT,
        };
        if (legs[i].book == 0)
            claim.chances = legs[i].chances;
        TRY(add_claim(audit, &claim));
    }
    return 0;
}

static int take_record(void *owner, const struct record_view *record,
                       const struct shard_state *state)
{
    struct audit *audit = owner;
    audit->report->records++;
    note_key(audit, record, state);
    TRY(check_mark(audit, state));
    bool bet =
        record->head->type == RECORD_BET && ((const struct record_bet *)record->body)->bet_id != 0;
    bool release = record->head->type == RECORD_RELEASE &&
                   ((const struct record_release *)record->body)->outcome == BET_PLACED;
    if (record->head->type == RECORD_CASH_OUT)
        return claim_chances(audit, record, state);
    if (record->head->type == RECORD_REFERRAL) /* the other legs of an offer stay as bound */
        return claim_legs(audit, record, state, CLAIM_NAMED);
    if (!bet && !release)
        return 0;
    return claim_legs(audit, record, state, release ? CLAIM_RELEASE : CLAIM_BET);
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

static int by_position(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* ---- what the odds log says ---- */

static int contradicts(struct audit *audit, const struct claim *claim, const char *reason)
{
    audit->report->reason = reason;
    audit->report->seq = claim->seq;
    return -ERR_CORRUPT;
}

static void note_price(struct audit *audit, struct slice market,
                       const struct odds_log_selection *selection)
{
    struct hash128 key = selection_hash(market, selection->id);
    uint32_t index;
    if (!table_find(audit->prices, key, &index))
        return; /* nobody bet on it */
    audit->known[index] = (struct known_price){.odds = selection->odds,
                                               .chances = selection->chances,
                                               .status = (uint8_t)selection->status,
                                               .offered = true};
}

/* A crash may take the last second of a log, which is the end of a version epoch, and the next
 * epoch then uses its positions again; within an epoch nothing can be missing. */
static bool lost_before(const struct claim *claim, const struct odds_log_change *change)
{
    return claim->version >> 32 < change->odds_version >> 32;
}

static int check_claim(struct audit *audit, const struct claim *claim,
                       const struct odds_log_change *change)
{
    uint32_t index;
    if (lost_before(claim, change)) {
        audit->report->legs_unlogged++;
        return 0;
    }
    if (claim->version != change->odds_version)
        return contradicts(audit, claim, "L6: the odds log has another version at that position");
    if (change->status != MARKET_ACTIVE)
        return contradicts(audit, claim, "L6: the market was not offered as active");
    bool found = table_find(audit->prices, claim->selection, &index) && audit->known[index].offered;
    if (!found && audit->report->odds_kept_from > 0) { /* it did not change since it was deleted */
        audit->report->legs_unlogged++;
        return 0;
    }
    if (!found)
        return contradicts(audit, claim, "L6: no price of the selection was ever offered");
    const struct known_price *known = &audit->known[index];
    bool right = claim->kind == CLAIM_NAMED ||
                 (claim->kind == CLAIM_RELEASE ? odds_compare(claim->odds, known->odds) <= 0
                                               : odds_equal(claim->odds, known->odds));
    if (known->status != SELECTION_ACTIVE || !right)
        return contradicts(audit, claim, "L6: the price taken was not the one offered");
    if (claim->kind == CLAIM_CASH_OUT && !leg_chances_equal(claim->chances, known->chances))
        return contradicts(audit, claim, "L6: the chances were not the provider's");
    audit->report->legs_checked++;
    return 0;
}

/* Positions rise from 1; nobody can have lost a 0. */
static int check_logged(struct audit *audit)
{
    if (audit->claims_count > 0 && audit->claims[0].position == 0)
        return contradicts(audit, &audit->claims[0], "L6: the price taken was never logged");
    return 0;
}

/* Claims before this change that found none of their own. */
static int pass_lost(struct audit *audit, uint64_t position, const struct odds_log_change *change)
{
    while (audit->next < audit->claims_count && audit->claims[audit->next].position < position) {
        const struct claim *claim = &audit->claims[audit->next];
        if (claim->position >= audit->report->odds_kept_from && !lost_before(claim, change))
            return contradicts(audit, claim, "L6: the odds log has no change at that position");
        audit->report->legs_unlogged++;
        audit->next++;
    }
    return 0;
}

static int visit_change(void *owner, uint64_t position, const struct odds_log_change *change)
{
    struct audit *audit = owner;
    audit->report->odds_changes++;
    TRY(pass_lost(audit, position, change));
    for (size_t i = 0; i < change->selections_count; i++)
        note_price(audit, change->market_id, &change->selections[i]);
    while (audit->next < audit->claims_count && audit->claims[audit->next].position == position)
        TRY(check_claim(audit, &audit->claims[audit->next++], change));
    return 0;
}

/* As large as the bets ask for, however many selections the odds log may name. */
static int known_prices_new(struct audit *audit)
{
    uint32_t count = 0, index;
    size_t most = audit->claims_count > 0 ? audit->claims_count : 1;
    audit->known = calloc(most, sizeof *audit->known);
    if (audit->known == NULL)
        return -ERR_MEMORY;
    TRY(table_new(most, &audit->prices));
    for (size_t i = 0; i < audit->claims_count; i++)
        if (!table_find(audit->prices, audit->claims[i].selection, &index) &&
            table_insert(audit->prices, audit->claims[i].selection, count++) != TABLE_OK)
            return -ERR_LIMIT;
    return 0;
}

static int check_prices(struct audit *audit, struct odds_log *odds)
{
    TRY(known_prices_new(audit));
    if (audit->claims != NULL)
        qsort(audit->claims, audit->claims_count, sizeof *audit->claims, by_position);
    TRY(check_logged(audit));
    if (odds->ops->kept_from != NULL)
        TRY(odds->ops->kept_from(odds, &audit->report->odds_kept_from));
    TRY(odds->ops->replay(odds, visit_change, audit));
    audit->report->legs_unlogged += audit->claims_count - audit->next;
    return 0;
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
    if (error == 0 && source->odds != NULL) {
        error = check_prices(&audit, source->odds);
        if (error < 0 && ret->reason[0] == 0)
            ret->reason = "the odds log could not be read";
    }
    table_free(audit.prices);
    free(audit.claims);
    free(audit.known);
    reserve_free(audit.keys, audit.keys_max, sizeof *audit.keys);
    return error;
}

int audit_shard(struct ledger_log *log, struct odds_log *odds, uint32_t shard,
                struct shard_state *state, struct audit_report *ret)
{
    const struct audit_source source = {.log = log, .odds = odds, .shard = shard};
    return audit_marked(&source, state, ret);
}
